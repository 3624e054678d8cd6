// Results of a benchmark that was never run, for tests of what is made of them.

import type { Kept } from '../../bench/kept.ts';
import type { Result } from '../../bench/measure.ts';
import type { Round } from '../../bench/round.ts';

export function createRound(figures: Partial<Round>): Round {
  return {
    ...{ round: 0, cpu: null, rate: null, latency: null, peak: null, perConnection: null },
    ...{ growth: null, gcShare: null, loadShare: null, serverShare: null },
    ...{ seconds: null, count: null, sent: 0, received: 0, counted: null },
    ...figures,
  };
}

export function createResult(
  rival: string,
  cpus: readonly (number | null)[],
  rest: Partial<Result> = {},
): Result {
  const rounds = cpus.map((cpu, round) => createRound({ round, cpu, rate: 1000, loadShare: 0.97 }));
  return {
    rival,
    title: rival,
    version: `${rival} 1`,
    rounds,
    failure: null,
    declined: null,
    ...rest,
  };
}

export function createKept(rest: Partial<Kept>): Kept {
  const machine = {
    ...{ cpu: 'cpu', cores: 2, memoryMiB: 1000, system: 'linux', node: '20.19.0' },
    ...{ commit: 'abc1234', loadAverage: 0.1 },
  };
  const date = '2026-01-02T03:04:05.000Z';
  const common = { command: 'run', date, machine, rounds: 2, seconds: 1 } as const;
  const cores = { server: 0, load: 1, siblings: false };
  return { ...common, cores, reports: [], micro: [], ...rest };
}
