// From rounds to the figures that are shown: medians with their range, and what a contestant costs as a
// multiple of another. The same for the terminal and the page. Formats nothing.

import { SHARES } from './jobs/job.ts';
import type { Report, Result } from './measure.ts';
import type { Round } from './round.ts';
import type { Scenario } from './scenarios.ts';
import { median } from './statistics.ts';

/** The load used this share of its core or more: the rate is then a lower bound. */
export const SATURATED = 0.95;

/** A median with the best and the worst round. */
export interface Range {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Null when there is nothing, or a round lacks the figure. */
export function summarize(values: readonly (number | null)[]): Range | null {
  if (values.length === 0 || values.includes(null)) return null;
  const known = values as readonly number[];
  return { value: median(known), low: Math.min(...known), high: Math.max(...known) };
}

/** Half of the distance between the best and the worst round, as a share of the median. */
export function halfSpread({ value, low, high }: Range): number {
  return value === 0 ? 0 : (high - low) / value / 2;
}

type Figure =
  | 'cpu'
  | 'rate'
  | 'peak'
  | 'perConnection'
  | 'heapPerConnection'
  | 'gcShare'
  | 'loadShare'
  | 'serverShare'
  | 'systemShare'
  | 'helperShare'
  | 'faults';

/** The median of a figure over the rounds; null unless every round has it. */
export function middle(rounds: readonly Round[], figure: Figure): number | null {
  return summarize(rounds.map((round) => round[figure] ?? null))?.value ?? null;
}

/** Latency in ms at a share of SHARES: the median over the rounds. */
export function findLatency(
  rounds: readonly Round[],
  share: (typeof SHARES)[number],
): Range | null {
  const index = SHARES.indexOf(share);
  return summarize(rounds.map(({ latency }) => latency?.[index] ?? null));
}

function costOf(round: Round): number | null {
  return round.perConnection ?? round.cpu;
}

/** What a scenario is about: memory per connection, else CPU per message. */
export function findCost({ rounds }: Pick<Result, 'rounds'>): Range | null {
  return summarize(rounds.map(costOf));
}

/**
 * A result's cost as a multiple of another's, round by round, because what disturbed the one round
 * disturbed the other as well. Only rounds that both have count.
 */
export function findRatio(
  { rounds }: Pick<Result, 'rounds'>,
  to: Pick<Result, 'rounds'> | undefined,
): Range | null {
  const ratios: number[] = [];
  for (const round of rounds) {
    const other = to?.rounds.find((candidate) => candidate.round === round.round);
    const [cost, base] = [costOf(round), other === undefined ? null : costOf(other)];
    if (cost !== null && base !== null && base > 0 && cost > 0) ratios.push(cost / base);
  }
  return summarize(ratios);
}

/** One row of the table of ratios. */
export interface RatioRow {
  readonly scenario: Scenario;
  /** In the order of `rivals`; null where there is none. */
  readonly ratios: readonly (Range | null)[];
}

/** What each rival costs as a multiple of the first contestant, over all scenarios. */
export interface Ratios {
  readonly base: string;
  readonly rivals: readonly { id: string; title: string }[];
  readonly rows: readonly RatioRow[];
}

/** `leaveOut` names contestants that are no rivals, such as bare servers. */
export function findRatios(reports: readonly Report[], leaveOut: readonly string[] = []): Ratios {
  const contestants = new Map<string, string>();
  for (const { results } of reports) {
    for (const { rival, title } of results) contestants.set(rival, title);
  }
  const [[baseId, base] = ['', '']] = contestants;
  const rivals = [...contestants]
    .filter(([id]) => id !== baseId && !leaveOut.includes(id))
    .map(([id, title]) => ({ id, title }));
  const rows = reports.map(({ scenario, results }) => {
    const own = results.find(({ rival }) => rival === baseId);
    const ratios = rivals.map(({ id }) => {
      const result = results.find(({ rival }) => rival === id);
      return result === undefined ? null : findRatio(result, own);
    });
    return { scenario, ratios };
  });
  return { base, rivals, rows };
}
