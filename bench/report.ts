// The tables for the terminal: one a scenario, and the ratios of all at the end. Formats only.

import {
  findCost,
  findLatency,
  findRatio,
  halfSpread,
  middle,
  type Ratios,
  SATURATED,
} from './figures.ts';
import { formatFloors } from './floors.ts';
import type { Report, Result } from './measure.ts';
import { formatNumber, formatShare } from './numbers.ts';
import type { Group } from './scenarios.ts';

/** What a scenario's cost and rate are called. */
export function findUnits(group: Group): { cost: string; rate: string } {
  switch (group) {
    case 'broadcast':
    case 'prepared':
    case 'burst':
    case 'chat':
      return { cost: 'CPU µs/delivery', rate: 'deliveries/s' };
    case 'handshake':
    case 'churn':
      return { cost: 'CPU µs/connection', rate: 'connections/s' };
    case 'idle':
      return { cost: 'KiB/connection', rate: '' };
    default:
      return { cost: 'CPU µs/message', rate: 'messages/s' };
  }
}

/** Why there are no figures, in one line; null when there are. */
export function explainAbsence({ failure, declined }: Result): string | null {
  if (declined !== null) return `not offered: ${declined}`;
  return failure === null ? null : `left out: ${failure.split('\n')[0]}`;
}

function createRow(result: Result, group: Group, own: Result | undefined): string[] {
  const { rounds, title } = result;
  const absence = explainAbsence(result);
  if (absence !== null) return [title, absence];
  const cost = findCost(result);
  const loadShare = middle(rounds, 'loadShare');
  const limited = loadShare !== null && loadShare >= SATURATED ? ' !' : '';
  const peak = middle(rounds, 'peak');
  const row = [title, formatNumber(cost?.value ?? null)];
  const ratio = findRatio(result, own);
  row.push(ratio === null ? '–' : ratio.value.toFixed(2));
  row.push(cost === null ? '–' : `±${formatShare(halfSpread(cost))}`);
  if (group !== 'idle') {
    row.push(formatNumber(middle(rounds, 'rate')));
    row.push(formatNumber(findLatency(rounds, 0.5)?.value ?? null));
    row.push(formatNumber(findLatency(rounds, 0.99)?.value ?? null));
  }
  row.push(formatNumber(peak === null ? null : peak / 1024));
  if (group !== 'idle') {
    row.push(formatShare(middle(rounds, 'gcShare')), formatShare(loadShare) + limited);
  }
  return row;
}

/** Lines of cells set in columns: the first to the left, the others to the right. */
export function formatColumns(rows: readonly (readonly string[])[]): string[] {
  const full = rows.filter((row) => row.length === rows[0].length);
  const widths = rows[0].map((_, column) => Math.max(...full.map((row) => row[column].length)));
  const first = Math.max(...rows.map((row) => row[0].length));
  return rows.map((row) => {
    const isFull = row.length === rows[0].length;
    const cells = row.map((cell, column) => {
      if (column === 0) return cell.padEnd(first);
      return isFull ? cell.padStart(widths[column]) : cell;
    });
    return `  ${cells.join('  ')}`.trimEnd();
  });
}

/** The table of one scenario. */
export function formatScenario({ scenario, results }: Report): string {
  const { cost, rate } = findUnits(scenario.group);
  const traffic = scenario.group !== 'idle';
  const [own] = results;
  const headings = ['', cost, `÷ ${own?.title ?? ''}`, 'spread'];
  if (traffic) headings.push(rate, 'p50 ms', 'p99 ms');
  headings.push('peak MiB');
  if (traffic) headings.push('GC', 'load');
  const rows = results.map((result) => createRow(result, scenario.group, own));
  const table = formatColumns([headings, ...rows]).join('\n');
  return `\n${scenario.title}\n${table}\n${formatFloors({ scenario, results })}`;
}

/** The table of all ratios. */
export function formatRatios({ base, rivals, rows }: Ratios): string {
  if (rivals.length === 0) return '';
  const lines = rows.map(({ scenario, ratios }) => [
    scenario.name,
    ...ratios.map((ratio) =>
      ratio === null ? '–' : `${ratio.value.toFixed(2)} ±${formatShare(halfSpread(ratio))}`,
    ),
  ]);
  const table = formatColumns([['', ...rivals.map(({ title }) => title)], ...lines]);
  return `\nServer CPU per message (idle: memory) as a multiple of ${base}'s\n${table.join('\n')}\n`;
}

/** How to read the columns. */
export const LEGEND = `
bare        no WebSocket server: the socket's own cost, given back unread; its line tells how near the first
            row is to it (1 is at the floor), and how much more than it ws costs, which is the most that
            anything on such a socket could show
÷           the cost as a multiple of the first row's, round by round: above 1 the first row costs less
spread      half of the distance between the best and the worst round, as a share of the median
GC          time in garbage collections as a share of the run's, where the runtime tells
load        CPU share of the load generator; with ! it was the limit, and the rate is a lower bound
`;
