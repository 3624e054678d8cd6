import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Library, loadLibrary, type MicroCase } from '../../bench/micro/case.ts';
import { FACTORIES } from '../../bench/micro/cases.ts';
import { MICRO_GROUPS } from '../../bench/micro/groups.ts';
import { calibrate, measureCases } from '../../bench/micro/measure.ts';
import { formatMicro } from '../../bench/micro/report.ts';
import { REQUEST } from '../../bench/micro/text.ts';
import { build, root } from '../../bench/rivals.ts';

let library: Library;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'handfast-micro-'));
  try {
    expect(await build(root, folder, 'apart')).toBe(0);
    library = await loadLibrary(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);

describe('the cases', () => {
  it.each(MICRO_GROUPS)('of %s run, have names of their own, and give a number', (group) => {
    const cases = FACTORIES[group](library);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
    for (const subject of cases) {
      expect(subject.group).toBe(group);
      expect(subject.operations).toBeGreaterThan(0);
      // Twice, as what a case works on must be fit for it again.
      expect(Number.isFinite(subject.run())).toBe(true);
      expect(Number.isFinite(subject.run())).toBe(true);
    }
  });

  it('hold every alignment that masking can meet', () => {
    const names = FACTORIES.mask(library).map(({ name }) => name);
    for (const offset of [0, 1, 2, 3]) {
      expect(names.filter((name) => name.endsWith(`offset ${offset}`))).toHaveLength(9);
    }
  });

  it('do what they are named for', () => {
    const find = (group: (typeof MICRO_GROUPS)[number], name: string): MicroCase =>
      FACTORIES[group](library).find((subject) => subject.name.includes(name)) as MicroCase;
    // Each frame gives its bytes and one for its end.
    const reader = find('reader', 'frames of 64');
    expect(reader.run()).toBe(reader.operations * 65);
    expect(reader.run()).toBe(reader.operations * 65 * 2);
    const pieces = find('reader', 'in pieces of 17');
    expect(pieces.run()).toBe(pieces.operations * 65);
    // Fragments give their bytes only, in either memory.
    const joined = FACTORIES.reader(library).filter(({ name }) => name.includes('fragments of 64'));
    expect(joined).toHaveLength(2);
    for (const subject of joined) {
      expect(subject.run()).toBe(subject.operations * 64);
      expect(subject.run()).toBe(subject.operations * 64 * 2);
    }
    // Each message comes back behind a header of two bytes.
    const echo = find('connection', 'echo of 64');
    expect(echo.run()).toBe(echo.operations * 66);
    expect(find('utf8', 'ASCII').run()).toBe(2);
    expect(find('accept', 'is it').run()).toBe(1);
    expect(find('negotiation', 'eight').run()).toBe(8);
    const accept = createHash('sha1').update('x').digest('base64');
    expect(find('accept', 'accept value').run()).toBe(accept.length);
    const lines = REQUEST.split('\r\n').length - 3;
    expect(find('handshake', 'parse a').run()).toBe(lines * 2);
  });
});

describe('measureCases', () => {
  const create = (name: string, runs: string[]): MicroCase => ({
    group: 'mask',
    name,
    operations: 2,
    bytes: 8,
    run: () => {
      if (runs.at(-1) !== name) runs.push(name);
      let sum = 0;
      for (let i = 0; i < 20_000; i++) sum += i;
      return sum;
    },
  });

  it('goes over all cases in every round, every other time backwards', () => {
    const runs: string[] = [];
    const results = measureCases([create('a', runs), create('b', runs)], 3, 0.002, () => {});
    // Once each for the trial, then rounds; neighbours that are the same are told once.
    expect(runs).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
    expect(results.map(({ name, rounds }) => [name, rounds.length])).toEqual([
      ['a', 3],
      ['b', 3],
    ]);
    for (const { rounds } of results) for (const ns of rounds) expect(ns).toBeGreaterThanOrEqual(0);
  });

  it('runs at least once, however slow a case is', () => {
    const slow = create('slow', []);
    expect(calibrate(slow, 0.000_001)).toBe(1);
  });
});

describe('formatMicro', () => {
  it('shows nanoseconds, operations and gigabytes per second', () => {
    const text = formatMicro([
      { group: 'mask', name: 'one', bytes: 64, rounds: [30, 32, 34] },
      { group: 'accept', name: 'two', bytes: 0, rounds: [1000] },
    ]);
    expect(text).toMatch(/\nmask\n.*\n {2}one +32\.0 +±6\s% +31\s250\s000 +2\.00\n/);
    expect(text).toMatch(/\naccept\n.*\n {2}two +1\s000 +±0\s% +1\s000\s000\n/);
  });
});
