// Process CPU per operation: how often to run comes from a trial, then rounds go over all cases in turn, every
// other one backwards. Knows nothing of what the cases do.

import type { MicroCase } from './case.ts';
import type { MicroGroup } from './groups.ts';

/** What the rounds of one case gave. */
export interface MicroResult {
  readonly group: MicroGroup;
  readonly name: string;
  readonly bytes: number;
  /** CPU time of the process per operation in ns, all threads, one value a round. */
  readonly rounds: number[];
}

/** Results of what was measured end here, where no compiler can prove them useless. */
export let checksum = 0;

function runFor(subject: MicroCase, times: number): number {
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) checksum = (checksum + subject.run()) | 0;
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** Calls of `run` that take about `seconds`; at least one. Warms up by the way. */
export function calibrate(subject: MicroCase, seconds: number): number {
  let times = 1;
  for (;;) {
    const start = performance.now();
    runFor(subject, times);
    const ms = performance.now() - start;
    if (ms >= seconds * 500) return Math.max(1, Math.round((times * seconds * 1000) / ms));
    times *= 2;
  }
}

/** Measures all cases. `seconds` is the length of one case's part of a round. */
export function measureCases(
  cases: readonly MicroCase[],
  rounds: number,
  seconds: number,
  onProgress: (name: string) => void,
): MicroResult[] {
  const entries = cases.map((subject) => {
    onProgress(subject.name);
    const { group, name, bytes } = subject;
    return {
      subject,
      times: calibrate(subject, seconds),
      result: { group, name, bytes, rounds: [] as number[] },
    };
  });
  for (let round = 0; round < rounds; round++) {
    for (const { subject, times, result } of round % 2 === 0 ? entries : [...entries].reverse()) {
      onProgress(subject.name);
      result.rounds.push((runFor(subject, times) * 1000) / (times * subject.operations));
    }
  }
  return entries.map(({ result }) => result);
}
