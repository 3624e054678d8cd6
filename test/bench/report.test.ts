import { describe, expect, it } from 'vitest';
import { chooseCores, parseCores } from '../../bench/children.ts';
import { findRatio, findRatios, halfSpread, middle, summarize } from '../../bench/figures.ts';
import { formatBytes, formatCompact, formatNumber } from '../../bench/numbers.ts';
import { checkExtensions } from '../../bench/peer.ts';
import { parseSched, parseStat } from '../../bench/process-figures.ts';
import { formatProgress } from '../../bench/progress.ts';
import { formatRatios, formatScenario } from '../../bench/report.ts';
import { checkCounts, createJob, createService } from '../../bench/round.ts';
import { SCENARIOS, selectScenarios } from '../../bench/scenarios.ts';
import { createResult, createRound } from './fixtures.ts';

const [echo] = selectScenarios('quick', ['echo-64']);

describe('formatScenario', () => {
  it('shows medians, the multiple of our own cost, the spread and the saturated load', () => {
    const results = [createResult('handfast', [4, 5, 6]), createResult('ws', [10, 9, 30])];
    const lines = formatScenario({ scenario: echo, results }).split('\n');
    expect(lines[1]).toBe(echo.title);
    expect(lines[3]).toMatch(/^ {2}handfast +5\.00 +1\.00 +±20\s% +1\s000 .*97\s% !$/);
    // Round by round: 2.5, 1.8 and 5.
    expect(lines[4]).toMatch(/^ {2}ws +10\.0 +2\.50 +±105\s% /);
  });

  it('names who was left out and why, and shows no ratio without a figure of ours', () => {
    const results = [
      createResult('handfast', [], { failure: 'broke\nat line 2' }),
      createResult('deno', [], { declined: 'it cannot' }),
      createResult('ws', [10]),
    ];
    const text = formatScenario({ scenario: echo, results });
    expect(text).toMatch(/handfast +left out: broke\n/);
    expect(text).toMatch(/deno +not offered: it cannot\n/);
    expect(text).toMatch(/ws +10\.0 +–/);
  });
});

describe('ratios', () => {
  it('pair the rounds that both have', () => {
    const own = createResult('handfast', [1, 2, 4]);
    const [, second, third] = createResult('ws', [0, 6, 8]).rounds;
    expect(findRatio({ rounds: [second, third] }, own)).toEqual({ value: 2.5, low: 2, high: 3 });
    expect(findRatio(own, undefined)).toBeNull();
    expect(findRatio(createResult('ws', [null]), own)).toBeNull();
  });

  it('make a row a scenario and a column a rival, without those that are none', () => {
    const rivals = [
      createResult('handfast', [2]),
      createResult('ws', [5]),
      createResult('net', [1]),
    ];
    const [other] = selectScenarios('quick', ['burst']);
    const reports = [
      { scenario: echo, results: rivals },
      { scenario: other, results: [rivals[0], createResult('bun', [1])] },
    ];
    const ratios = findRatios(reports, ['net']);
    expect(ratios.rivals.map(({ id }) => id)).toEqual(['ws', 'bun']);
    expect(ratios.rows.map((row) => row.ratios.map((ratio) => ratio?.value ?? null))).toEqual([
      [2.5, null],
      [null, 0.5],
    ]);
    const text = formatRatios(ratios);
    expect(text).toMatch(/echo-64 +2\.50 ±0\s% +–\n/);
    expect(text).toMatch(/burst +– +0\.50 ±0\s%\n/);
    expect(formatRatios(findRatios([{ scenario: echo, results: [rivals[0]] }]))).toBe('');
  });
});

describe('figures', () => {
  it('are not given when a round lacks them', () => {
    expect(middle([createRound({ cpu: 1 }), createRound({})], 'cpu')).toBeNull();
    expect(middle([], 'cpu')).toBeNull();
    expect(summarize([3, 1, 2])).toEqual({ value: 2, low: 1, high: 3 });
    expect(halfSpread({ value: 2, low: 1, high: 3 })).toBe(0.5);
  });

  it('have three digits', () => {
    const shown = [0.0012345, 0.09996, 1.5, 12.34, 99.96, 123.4, 1234567, 0, null].map((value) =>
      formatNumber(value).replaceAll('\u202f', ' '),
    );
    expect(shown).toEqual([
      '0.00123',
      '0.100',
      '1.50',
      '12.3',
      '100',
      '123',
      '1 234 567',
      '0',
      '–',
    ]);
  });

  it('have units', () => {
    expect([20, 1024, 1536, 1048576].map(formatBytes).join(';')).toBe(
      '20\u202fB;1\u202fKiB;1.5\u202fKiB;1\u202fMiB',
    );
    expect([7, 1234, 5_600_000].map(formatCompact).join(';')).toBe('7;1.23\u202fk;5.6\u202fM');
  });
});

describe('checkCounts', () => {
  it('wants every reply that is due', () => {
    expect(() => checkCounts({ sent: 5, received: 50, expected: 50 }, 5)).not.toThrow();
    expect(() => checkCounts({ sent: 5, received: 49, expected: 50 }, 5)).toThrow('instead of 50');
  });

  it('wants the server to have counted the same, if it counts', () => {
    expect(() => checkCounts({ sent: 5, received: 5, expected: 5 }, 6)).toThrow('counted 6');
    expect(() => checkCounts({ sent: 5, received: 5, expected: 5 }, null)).not.toThrow();
  });
});

describe('what a scenario asks for', () => {
  const aim = { port: 1, pid: 2, warmup: 3, seconds: 4 };

  it('is the same for load and server', () => {
    for (const scenario of SCENARIOS.filter(({ group }) => group !== 'idle')) {
      const service = JSON.parse(createService(scenario));
      const job = createJob(scenario, aim);
      const isChat = scenario.group === 'chat';
      expect(job.kind === 'fan-out' || isChat).toBe(service.answer === 'fan-out');
      // What comes back first is what was said, as in an echo.
      if (job.kind === 'exchange') expect(job.answer).toBe(isChat ? 'echo' : service.answer);
      if (isChat) expect(job).toMatchObject({ replies: scenario.connections, batch: 1 });
      if (service.answer === 'ack')
        expect(job).toMatchObject({ batch: service.repeat, replies: 1 });
      if (service.answer === 'stream') {
        expect(job).toMatchObject({ replies: service.repeat, replySize: service.size, batch: 1 });
      }
    }
  });
});

describe('checkExtensions', () => {
  it('takes what was offered, in any order, and no less', () => {
    const offer = 'permessage-deflate; client_no_context_takeover; server_no_context_takeover';
    const other = 'permessage-deflate;server_no_context_takeover;client_no_context_takeover';
    expect(() => checkExtensions(offer, other)).not.toThrow();
    expect(() => checkExtensions(null, null)).not.toThrow();
    expect(() => checkExtensions('permessage-deflate', null)).toThrow("agreed to 'none'");
    expect(() => checkExtensions('permessage-deflate', other)).toThrow('server_no_context');
    expect(() => checkExtensions(null, 'permessage-deflate')).toThrow('offered');
  });
});

describe('formatProgress', () => {
  it('tells the share and what is left, and never wraps', () => {
    expect(formatProgress(0, 0, 'x', 80)).toMatch(/^░{24} {3}0 % {2}x$/);
    expect(formatProgress(0.5, 65, 'echo', 80)).toMatch(/^█{12}░{12} {2}50 % 1:05 left {2}echo$/);
    expect(formatProgress(0.5, 60, 'a long text', 40)).toHaveLength(39);
  });
});

describe('what the system tells', () => {
  it('finds the CPU time behind a process name with blanks and brackets', () => {
    const line = '7 (a b) c) S 1 7 7 0 -1 4194304 99 0 1 0 150 25 0 0 20 0 1 0 788491 3133440 408';
    expect(parseStat(line)).toBe(1_750_000);
  });

  it('finds the time that a thread has run', () => {
    const text =
      'node (7, #threads: 1)\n-----\nse.exec_start   :  99.5\nse.sum_exec_runtime   :   12.345678\n';
    expect(parseSched(text)).toBeCloseTo(12_345.678, 6);
    expect(parseSched('')).toBe(0);
  });

  it('lets the load have a core that is no thread of the server’s, if there is one', () => {
    const pairs = (core: number): number[] => [core & ~1, core | 1];
    expect(chooseCores([0, 1, 2, 3], pairs)).toEqual({ server: 0, load: 2, siblings: false });
    expect(chooseCores([4, 5], pairs)).toEqual({ server: 4, load: 5, siblings: true });
    expect(chooseCores([2, 3], () => [])).toEqual({ server: 2, load: 3, siblings: false });
    expect(chooseCores([1], pairs)).toBeNull();
  });

  it('reads lists of cores', () => {
    expect(parseCores(' 0-2,5,7-8\n')).toEqual([0, 1, 2, 5, 7, 8]);
    expect(parseCores('3')).toEqual([3]);
  });
});
