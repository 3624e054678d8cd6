import { describe, expect, it } from 'vitest';
import { MICRO_GROUPS } from '../../bench/micro/groups.ts';
import { HELP, parseOptions } from '../../bench/options.ts';
import { RIVALS } from '../../bench/rivals.ts';
import { listSelectors, selectScenarios } from '../../bench/scenarios.ts';

describe('parseOptions', () => {
  it('measures everything quickly by default', () => {
    expect(parseOptions([])).toEqual({
      command: 'run',
      operands: [],
      help: false,
      profile: 'quick',
      only: null,
      rivals: ['handfast', 'ws', 'ws-plain', 'bun', 'deno', 'net'],
      rounds: 3,
      seconds: 0.35,
      json: null,
      html: null,
      install: true,
    });
  });

  it('puts handfast first whatever the order of the rivals', () => {
    expect(parseOptions(['--against', 'bun, ws']).rivals).toEqual(['handfast', 'ws', 'bun']);
    expect(parseOptions(['--against=handfast']).rivals).toEqual(['handfast']);
  });

  it('takes longer with --full unless told how long', () => {
    expect(parseOptions(['--full'])).toMatchObject({ profile: 'full', rounds: 5, seconds: 1.5 });
    expect(parseOptions(['--full', '--rounds', '2', '--seconds', '1.5'])).toMatchObject({
      rounds: 2,
      seconds: 1.5,
    });
  });

  it('reads the other commands', () => {
    expect(parseOptions(['micro', '--only', 'mask,utf8'])).toMatchObject({
      command: 'micro',
      only: ['mask', 'utf8'],
      rounds: 7,
    });
    expect(parseOptions(['compare', 'HEAD~1', '.', '--only', 'echo-64'])).toMatchObject({
      command: 'compare',
      operands: ['HEAD~1', '.'],
      only: ['echo-64'],
    });
    expect(parseOptions(['report', 'a.json', 'b.json'])).toMatchObject({
      command: 'report',
      operands: ['a.json', 'b.json'],
    });
  });

  it('profiles scenarios, on Node only', () => {
    expect(parseOptions(['profile', 'echo-64,echo-1k', 'broadcast'])).toMatchObject({
      command: 'profile',
      operands: ['echo-64', 'echo-1k', 'broadcast'],
      rivals: ['handfast', 'ws', 'net', 'net-shared', 'net-kept'],
      rounds: 4,
      seconds: 1,
    });
    const all = parseOptions(['profile', 'idle', '--against', 'net-handle,ws-plain']);
    expect(all.rivals).toEqual(['handfast', 'ws-plain', 'net-handle']);
    expect(() => parseOptions(['profile'])).toThrow(/takes scenarios/);
    expect(() => parseOptions(['profile', 'ecko'])).toThrow(/'ecko'; it knows echo, pipeline/);
    expect(() => parseOptions(['profile', 'echo', '--against', 'bun'])).toThrow(/bun cannot/);
  });

  it('refuses what it does not know, and says what there is', () => {
    expect(() => parseOptions(['--only', 'ecko'])).toThrow(/'ecko'; it knows echo, pipeline/);
    expect(() => parseOptions(['--against', 'ws,'])).toThrow(/''; it knows handfast, ws/);
    expect(() => parseOptions(['--fast'])).toThrow(/--fast/);
    expect(() => parseOptions(['echo'])).toThrow(/no command 'echo'/);
    expect(() => parseOptions(['micro', '--only', 'echo'])).toThrow(/it knows mask, header/);
    expect(() => parseOptions(['compare', 'HEAD'])).toThrow(/two revisions/);
    expect(() => parseOptions(['report'])).toThrow(/takes files/);
    expect(() => parseOptions(['micro', 'mask'])).toThrow(/takes no 'mask'/);
  });

  it.each([
    ['--rounds', '0'],
    ['--rounds', '51'],
    ['--rounds', '1.5'],
    ['--rounds', ''],
    ['--seconds', '0.05'],
    ['--seconds', '61'],
    ['--seconds', 'NaN'],
  ])('refuses %s %s', (option, value) => {
    expect(() => parseOptions([option, value])).toThrow(RangeError);
  });

  it('names every option, scenario and rival in its help', () => {
    const options = 'only against rounds seconds full json html no-install help'.split(' ');
    for (const option of options) expect(HELP).toContain(`--${option}`);
    const known = [...listSelectors(), ...RIVALS.slice(1), ...MICRO_GROUPS];
    for (const name of known) expect(HELP).toContain(name);
  });
});

describe('selectScenarios', () => {
  it('selects by group and by name, of either profile', () => {
    const names = selectScenarios('quick', ['broadcast', 'echo-1k']).map(({ name }) => name);
    expect(names).toEqual(['echo-1k', 'broadcast-100', 'broadcast-500', 'broadcast-1000']);
  });

  it('has all of the quick profile in the full one, under different names', () => {
    const quick = selectScenarios('quick', null);
    const full = selectScenarios('full', null);
    expect(full).toEqual(expect.arrayContaining(quick));
    expect(full.length).toBeGreaterThan(quick.length);
    expect(new Set(full.map(({ name }) => name)).size).toBe(full.length);
  });
});
