// From a profile to what each part takes of the main thread's CPU time. A share of a cost that was
// measured without a profiler, because sampling costs time of its own.

import { type CpuProfile, sumStacks } from './cpu-profile.ts';
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

/**
 * Divides up what the main thread did from `from` to `to`, in µs of the profile's clock; `busy` is the CPU
 * time in µs that this takes it, or null where that is not known. Without a profiler: with one, a thread that waits
 * is woken for each sample. What was met for longer than that was waiting for events, and is taken
 * off the loop.
 */
export function splitProfile(
  profile: CpuProfile,
  from: number,
  to: number,
  busy: number | null,
): Split {
  const { met, samples } = sumStacks(profile, from, to);
  const times = new Map<string, { part: Part; file: string; time: number }>();
  let total = 0;
  for (const { stack, time } of met) {
    const { part, file } = placeStack(stack);
    const key = `${part} ${file}`;
    const entry = times.get(key) ?? { part, file, time: 0 };
    entry.time += time;
    times.set(key, entry);
    total += time;
  }
  const loop = times.get('loop ');
  if (loop !== undefined && busy !== null) {
    const waited = Math.min(loop.time, Math.max(0, total - busy));
    loop.time -= waited;
    total -= waited;
  }
  const toShare = (time: number): number => (total === 0 ? 0 : time / total);
  const entries = [...times.values()];
  const parts = PARTS.map((part) => {
    const own = entries.filter((entry) => entry.part === part);
    return { part, file: '', share: toShare(own.reduce((sum, { time }) => sum + time, 0)) };
  });
  const files = entries
    .filter(({ file }) => file !== '')
    .sort((a, b) => b.time - a.time)
    .map(({ part, file, time }) => ({ part, file, share: toShare(time) }));
  return { parts, files, samples };
}
