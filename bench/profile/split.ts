// From a profile to what each part takes of the main thread's CPU time. A share of a cost that was
// measured without a profiler, because sampling costs time of its own.

import { type CpuProfile, countStacks } from './cpu-profile.ts';
import { PARTS, type Part, placeStack } from './groups.ts';

/** What a part, or a file of one, takes of the main thread's time, from 0 to 1. */
export interface Share {
  readonly part: Part;
  /** Empty for the part as a whole where it has no files. */
  readonly file: string;
  readonly share: number;
}

/** The main thread's time, divided up. */
export interface Split {
  /** In the order of PARTS, those without any time too. */
  readonly parts: readonly Share[];
  /** Within parts that have files, the longest first. */
  readonly files: readonly Share[];
  /** Samples within the stretch of time; those of a thread that waits are among them. */
  readonly samples: number;
}

/** What is known of a profile's stretch of time; in µs, those of its beginning and end of its own clock. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  /** CPU time of the main thread; null where that is not known. */
  readonly ran: number | null;
  /** How long it could have run and had to wait for its core. */
  readonly queued: number | null;
  /** What of `ran` would have been there without a profiler. */
  readonly busy: number | null;
}

/**
 * How many samples met a thread that was waiting for events: V8 calls it idle while it polls, and libuv
 * reads while it polls. A sample stands for so much of the time in which the thread ran or
 * waited for events, and was paid for with some of that itself.
 */
function countWaiting(samples: number, { from, to, ran, queued, busy }: Stretch): number {
  if (ran === null || samples === 0) return 0;
  const free = to - from - (queued ?? 0);
  const price = busy === null ? 0 : Math.max(0, ran - busy);
  const apart = (free - price) / samples;
  return apart <= 0 ? 0 : Math.max(0, free - ran) / apart;
}

/** Divides up what the main thread did within a stretch of time. */
export function splitProfile(profile: CpuProfile, stretch: Stretch): Split {
  const { met, samples } = countStacks(profile, stretch.from, stretch.to);
  const counts = new Map<string, { part: Part; file: string; count: number }>();
  let total = samples;
  for (const { stack, count } of met) {
    const { part, file } = placeStack(stack);
    const key = `${part} ${file}`;
    const entry = counts.get(key) ?? { part, file, count: 0 };
    entry.count += count;
    counts.set(key, entry);
  }
  const loop = counts.get('loop ');
  if (loop !== undefined) {
    const waiting = Math.min(loop.count, countWaiting(samples, stretch));
    loop.count -= waiting;
    total -= waiting;
  }
  const toShare = (count: number): number => (total === 0 ? 0 : count / total);
  const entries = [...counts.values()];
  const parts = PARTS.map((part) => {
    const own = entries.filter((entry) => entry.part === part);
    return { part, file: '', share: toShare(own.reduce((sum, { count }) => sum + count, 0)) };
  });
  const files = entries
    .filter(({ file }) => file !== '')
    .sort((a, b) => b.count - a.count)
    .map(({ part, file, count }) => ({ part, file, share: toShare(count) }));
  return { parts, files, samples };
}
