import { describe, expect, it } from 'vitest';
import { parseCores } from '../../bench/children.ts';
import { checkCounts, type Result, type Round } from '../../bench/measure.ts';
import { parseStat } from '../../bench/process-figures.ts';
import { formatScenario, middle } from '../../bench/report.ts';
import type { Rival } from '../../bench/rivals.ts';
import { selectScenarios } from '../../bench/scenarios.ts';

const [echo] = selectScenarios('quick', ['echo-64']);

const createRound = (figures: Partial<Round>): Round => ({
  ...{ round: 0, cpu: null, rate: null, p50: null, p99: null, peak: null, perConnection: null },
  ...{ loadShare: null, seconds: null, count: null, sent: 0, received: 0, counted: null },
  ...figures,
});

const createResult = (rival: Rival, cpus: (number | null)[], failure: string | null): Result => {
  const rounds = cpus.map((cpu) => createRound({ cpu, rate: 1000, loadShare: 0.97 }));
  return { rival, version: rival, rounds, failure };
};

describe('formatScenario', () => {
  it('shows medians, the multiple of our own cost, the spread and the saturated load', () => {
    const results = [
      createResult('handfast', [4, 5, 6], null),
      createResult('ws', [10, 9, 30], null),
    ];
    const lines = formatScenario(echo, results).split('\n');
    expect(lines[1]).toBe(echo.title);
    expect(lines[3]).toMatch(/^ {2}handfast +5\.00 +1\.00 +±20 % +1 000 .*97 % !$/);
    expect(lines[4]).toMatch(/^ {2}ws +10\.0 +2\.00 +±105 % /);
  });

  it('names who was left out and why, and shows no ratio without a figure of ours', () => {
    const results = [
      createResult('handfast', [], 'broke\nat line 2'),
      createResult('ws', [10], null),
    ];
    const text = formatScenario(echo, results);
    expect(text).toMatch(/handfast +left out: broke\n/);
    expect(text).toMatch(/ws +10\.0 +–/);
  });
});

describe('middle', () => {
  it('gives nothing when a round lacks the figure', () => {
    expect(middle([createRound({ cpu: 1 }), createRound({})], 'cpu')).toBeNull();
    expect(middle([], 'cpu')).toBeNull();
  });
});

describe('checkCounts', () => {
  const one = { group: 'echo', connections: 10 } as const;

  it('wants as many replies as messages, times the connections for a broadcast', () => {
    expect(() => checkCounts(one, { sent: 5, received: 5 }, 5)).not.toThrow();
    expect(() => checkCounts(one, { sent: 5, received: 4 }, 5)).toThrow('4 replies');
    const all = { ...one, group: 'broadcast' } as const;
    expect(() => checkCounts(all, { sent: 5, received: 50 }, 5)).not.toThrow();
    expect(() => checkCounts(all, { sent: 5, received: 49 }, 5)).toThrow('instead of 50');
  });

  it('wants the server to have counted the same, if it counts', () => {
    expect(() => checkCounts(one, { sent: 5, received: 5 }, 6)).toThrow('counted 6');
    expect(() => checkCounts(one, { sent: 5, received: 5 }, null)).not.toThrow();
  });
});

describe('what the system tells', () => {
  it('finds the CPU time behind a process name with blanks and brackets', () => {
    const line = '7 (a b) c) S 1 7 7 0 -1 4194304 99 0 1 0 150 25 0 0 20 0 1 0 788491 3133440 408';
    expect(parseStat(line)).toBe(1_750_000);
  });

  it('reads lists of cores', () => {
    expect(parseCores(' 0-2,5,7-8\n')).toEqual([0, 1, 2, 5, 7, 8]);
    expect(parseCores('3')).toEqual([3]);
  });
});
