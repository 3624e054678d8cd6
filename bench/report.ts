// The report: medians over the rounds, their spread, and every rival's cost as a multiple of
// handfast's, as a table for the terminal. Formats only what it is given.

import type { Result, Round } from './measure.ts';
import { TITLES } from './rivals.ts';
import type { Scenario } from './scenarios.ts';
import { median, spread } from './statistics.ts';

type Figure = Exclude<keyof Round, 'round'>;

/** The load used this share of its core or more: the rate is then a lower bound. */
const SATURATED = 0.95;

/** The median of a figure over the rounds; null unless every round has it. */
export function middle(rounds: readonly Round[], figure: Figure): number | null {
  const values = rounds.map((round) => round[figure]);
  if (values.length === 0 || values.includes(null)) return null;
  return median(values as number[]);
}

/** The figure that a scenario is about, memory per connection or CPU, and its spread. */
function findCost(rounds: readonly Round[]): { value: number; spread: number } | null {
  for (const figure of ['perConnection', 'cpu'] as const) {
    const value = middle(rounds, figure);
    if (value !== null) {
      return { value, spread: spread(rounds.map((round) => round[figure] as number)) };
    }
  }
  return null;
}

function formatNumber(value: number | null, digits = 3): string {
  if (value === null) return '–';
  if (value !== 0 && Math.abs(value) < 10 ** (digits - 1)) return value.toPrecision(digits);
  return Math.round(value).toLocaleString('en-US').replaceAll(',', ' ');
}

function formatShare(value: number | null): string {
  return value === null ? '–' : `${Math.round(value * 100)} %`;
}

const HEADINGS = {
  echo: ['CPU µs/msg', 'messages/s'],
  broadcast: ['CPU µs/delivery', 'deliveries/s'],
  handshake: ['CPU µs each', 'per second'],
  idle: ['KiB/connection', ''],
} as const;

function createRow({ rival, rounds, failure }: Result, group: Scenario['group'], ours: number) {
  const name = TITLES[rival];
  if (failure !== null) return [name, `left out: ${failure.split('\n')[0]}`];
  const cost = findCost(rounds);
  const ratio = cost === null || !(ours > 0) ? '–' : (cost.value / ours).toFixed(2);
  const loadShare = middle(rounds, 'loadShare');
  const limited = loadShare !== null && loadShare >= SATURATED ? ' !' : '';
  const peak = middle(rounds, 'peak');
  const row = [name, formatNumber(cost?.value ?? null), ratio];
  row.push(cost === null ? '–' : `±${Math.round(cost.spread * 50)} %`);
  if (group !== 'idle') {
    row.push(formatNumber(middle(rounds, 'rate')), formatNumber(middle(rounds, 'p50')));
    row.push(formatNumber(middle(rounds, 'p99')));
  }
  row.push(formatNumber(peak === null ? null : peak / 1024));
  if (group !== 'idle') row.push(formatShare(loadShare) + limited);
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
export function formatScenario(scenario: Scenario, results: readonly Result[]): string {
  const [cost, rate] = HEADINGS[scenario.group];
  const traffic = scenario.group !== 'idle';
  const headings = ['', cost, '÷ handfast', 'spread'];
  if (traffic) headings.push(rate, 'p50 ms', 'p99 ms');
  headings.push('peak MiB');
  if (traffic) headings.push('load');
  const own = results.find(({ rival }) => rival === 'handfast');
  const ours = (own && findCost(own.rounds)?.value) ?? 0;
  const rows = results.map((result) => createRow(result, scenario.group, ours));
  return `\n${scenario.title}\n${formatColumns([headings, ...rows]).join('\n')}\n`;
}

/** How to read the columns. */
export const LEGEND = `
÷ handfast  the rival's cost as a multiple of handfast's: above 1 handfast costs less
spread      half of the distance between the best and the worst round, as a share of the median
load        CPU share of the load generator; with ! it was the limit, and the rate is a lower bound
`;
