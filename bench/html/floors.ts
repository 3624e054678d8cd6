// How near the first contestant is to what sockets cost by themselves, and how far anyone on them could
// get. Formats what floors.ts has found.

import { halfSpread, type Range } from '../figures.ts';
import { type Floor, findFloors } from '../floors.ts';
import type { Report } from '../measure.ts';
import { formatShare } from '../numbers.ts';
import { escapeText } from './svg.ts';

function formatCell(range: Range | null): string {
  if (range === null) return '<td>–</td>';
  const rounds = `${range.low.toFixed(2)} to ${range.high.toFixed(2)}`;
  return `<td title="rounds: ${rounds}">${range.value.toFixed(2)} <small>±${formatShare(halfSpread(range))}</small></td>`;
}

function formatRow(floor: Floor, title: string): string {
  const cells = [floor.near, floor.reached, floor.ceiling].map(formatCell).join('');
  const names = [title, floor.title].map((name) => `<th scope="row">${escapeText(name)}</th>`);
  return `<tr>${names.join('')}${cells}</tr>`;
}

/** One row for each floor of each scenario; empty where none was measured. */
export function formatFloorTable(reports: readonly Report[]): string {
  const floors = findFloors(reports);
  const [first] = floors;
  if (first === undefined) return '';
  const base = reports.find(({ results }) => results.length > 0)?.results[0].title ?? '';
  const rival = floors.find((floor) => floor.rival !== null)?.rival ?? 'ws';
  const titles = new Map(reports.map(({ scenario }) => [scenario.name, scenario.title]));
  const heads = ['bare server', `bare ÷ ${base}`, `${rival} ÷ ${base}`, `${rival} ÷ bare`];
  const cells = heads.map((head) => `<th scope="col">${escapeText(head)}</th>`).join('');
  const rows = floors.map((floor) => formatRow(floor, titles.get(floor.scenario) ?? ''));
  return `<div class="scroll"><table class="figures floors"><thead><tr><th></th>${cells}</tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}
