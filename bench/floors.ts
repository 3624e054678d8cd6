// How far a cost is from what a bare socket costs, and how far anyone on such a socket could get: the
// floors are contestants without a protocol. Formats one line each; knows nothing of how they are measured.

import { findRatio, halfSpread, type Range } from './figures.ts';
import type { Report, Result } from './measure.ts';
import { formatShare } from './numbers.ts';
import { FLOORS } from './rivals.ts';

/** One floor in one scenario; all three are paired round by round. */
export interface Floor {
  readonly scenario: string;
  /** The floor's id, and its name. */
  readonly floor: string;
  readonly title: string;
  /** What the bare server costs as a share of our cost: 1 is at the floor. */
  readonly near: Range;
  /** Whom it is compared with: ws with its add-ons if it took part, else without; null without either. */
  readonly rival: string | null;
  /** What that one costs as a multiple of ours. */
  readonly reached: Range | null;
  /** What it costs as a multiple of the bare server's: more than that nothing above it could show. */
  readonly ceiling: Range | null;
}

const isFloor = (id: string): boolean => (FLOORS as readonly string[]).includes(id);

function findFloorsOf({ scenario, results }: Report): Floor[] {
  const [own] = results;
  if (own === undefined || isFloor(own.rival)) return [];
  const measured = (id: string): Result | undefined =>
    results.find(({ rival, rounds }) => rival === id && rounds.length > 0);
  const rival = measured('ws') ?? measured('ws-plain');
  return results.flatMap((result) => {
    const near = isFloor(result.rival) ? findRatio(result, own) : null;
    if (near === null) return [];
    const reached = rival === undefined ? null : findRatio(rival, own);
    const ceiling = rival === undefined ? null : findRatio(rival, result);
    const { rival: floor, title } = result;
    return [
      {
        scenario: scenario.name,
        floor,
        title,
        near,
        rival: rival?.title ?? null,
        reached,
        ceiling,
      },
    ];
  });
}

/** All floors of a run, in the order of its scenarios. */
export function findFloors(reports: readonly Report[]): Floor[] {
  return reports.flatMap(findFloorsOf);
}

function formatRange(range: Range): string {
  return `${range.value.toFixed(2)} ±${formatShare(halfSpread(range))}`;
}

/** A line for each floor of a scenario; empty without any. */
export function formatFloors(report: Report): string {
  const base = report.results[0]?.title ?? '';
  const lines = findFloorsOf(report).map(({ title, near, rival, ceiling }) => {
    const most =
      ceiling === null
        ? ''
        : `; ${rival} ÷ ${title} ${formatRange(ceiling)}: the most to be had on it`;
    return `  ${title} ÷ ${base} ${formatRange(near)}${most}\n`;
  });
  return lines.join('');
}
