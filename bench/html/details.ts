// Every figure of a run in tables that open on demand, one a scenario.

import { findCost, findLatency, halfSpread, middle, SATURATED } from '../figures.ts';
import type { Report, Result } from '../measure.ts';
import { formatNumber, formatShare } from '../numbers.ts';
import { explainAbsence, findUnits } from '../report.ts';
import { findOverhead, formatOverhead } from './overhead.ts';
import { escapeText } from './svg.ts';

const COLUMNS = 10;

function formatRow(result: Result, results: readonly Result[]): string {
  const { rounds, title } = result;
  const name = `<th scope="row">${escapeText(title)}</th>`;
  const absence = explainAbsence(result);
  if (absence !== null) {
    return `<tr>${name}<td class="absent" colspan="${COLUMNS - 1}">${escapeText(absence)}</td></tr>`;
  }
  const cost = findCost(result);
  const load = middle(rounds, 'loadShare');
  const peak = middle(rounds, 'peak');
  const cells = [
    formatNumber(cost?.value ?? null),
    cost === null ? '–' : `±${formatShare(halfSpread(cost))}`,
    formatOverhead(findOverhead(result, results)),
    formatNumber(middle(rounds, 'rate')),
    formatNumber(findLatency(rounds, 0.5)?.value ?? null),
    formatNumber(findLatency(rounds, 0.99)?.value ?? null),
    formatNumber(peak === null ? null : peak / 1024),
    formatShare(middle(rounds, 'gcShare')),
    formatShare(load) + (load !== null && load >= SATURATED ? ' !' : ''),
  ];
  return `<tr>${name}${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

/** One table. */
export function formatDetails({ scenario, results }: Report): string {
  const { cost, rate } = findUnits(scenario.group);
  const heads = [
    cost,
    'spread',
    'over bare',
    rate || 'rate',
    'p50 ms',
    'p99 ms',
    'peak MiB',
    'GC',
    'load',
  ];
  const cells = heads.map((head) => `<th scope="col">${escapeText(head)}</th>`).join('');
  const rows = results.map((result) => formatRow(result, results)).join('');
  return `<details><summary>${escapeText(scenario.title)}</summary><div class="scroll">
<table class="figures"><thead><tr><th></th>${cells}</tr></thead><tbody>${rows}</tbody></table>
</div></details>`;
}
