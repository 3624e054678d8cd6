// What a message costs above what a socket costs by itself: the part that a library can do something about.

import { middle } from '../figures.ts';
import type { Report, Result } from '../measure.ts';
import { formatNumber } from '../numbers.ts';
import { escapeText } from './svg.ts';

const BARE = 'net';

/** CPU per message above that of the bare socket, signed; null without either. */
export function findOverhead(result: Result, results: readonly Result[]): number | null {
  const bare = results.find(({ rival }) => rival === BARE);
  if (bare === undefined || result === bare) return null;
  const [cost, floor] = [middle(result.rounds, 'cpu'), middle(bare.rounds, 'cpu')];
  return cost === null || floor === null ? null : cost - floor;
}

/** With its sign in front. */
export function formatOverhead(over: number | null): string {
  return over === null ? '–' : `${over < 0 ? '−' : '+'}${formatNumber(Math.abs(over))}`;
}

/** One row for each echo; empty when the bare socket was not measured. */
export function formatOverheadTable(reports: readonly Report[]): string {
  const echoes = reports.filter(
    ({ scenario: { group }, results }) =>
      (group === 'echo' || group === 'pipeline') &&
      results.some((result) => findOverhead(result, results) !== null),
  );
  if (echoes.length === 0) return '';
  const contestants = echoes[0].results.filter(({ rival }) => rival !== BARE);
  const heads = contestants.map(({ title }) => `<th scope="col">${escapeText(title)}</th>`);
  const rows = echoes.map(({ scenario, results }) => {
    const bare = results.find(({ rival }) => rival === BARE);
    const cells = contestants.map(({ rival }) => {
      const result = results.find((candidate) => candidate.rival === rival);
      const over = result === undefined ? null : findOverhead(result, results);
      return `<td>${formatOverhead(over)}</td>`;
    });
    const floor = formatNumber(bare === undefined ? null : middle(bare.rounds, 'cpu'));
    const name = `<th scope="row">${escapeText(scenario.title)}</th>`;
    return `<tr>${name}<td>${floor}</td>${cells.join('')}</tr>`;
  });
  return `<div class="scroll"><table class="figures"><thead><tr><th></th><th scope="col">bare socket</th>
${heads.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}
