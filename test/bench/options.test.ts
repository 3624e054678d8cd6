import { describe, expect, it } from 'vitest';
import { HELP, parseOptions } from '../../bench/options.ts';
import { RIVALS } from '../../bench/rivals.ts';
import { listSelectors, selectScenarios } from '../../bench/scenarios.ts';

describe('parseOptions', () => {
  it('measures everything quickly by default', () => {
    expect(parseOptions([])).toEqual({
      help: false,
      profile: 'quick',
      only: null,
      rivals: [...RIVALS],
      rounds: 3,
      seconds: 0.5,
      json: null,
      install: true,
    });
  });

  it('puts handfast first whatever the order of the rivals', () => {
    expect(parseOptions(['--against', 'bun, ws']).rivals).toEqual(['handfast', 'ws', 'bun']);
    expect(parseOptions(['--against=handfast']).rivals).toEqual(['handfast']);
  });

  it('takes longer with --full unless told how long', () => {
    expect(parseOptions(['--full'])).toMatchObject({ profile: 'full', rounds: 7, seconds: 3 });
    expect(parseOptions(['--full', '--rounds', '2', '--seconds', '1.5'])).toMatchObject({
      rounds: 2,
      seconds: 1.5,
    });
  });

  it('refuses what it does not know, and says what there is', () => {
    expect(() => parseOptions(['--only', 'ecko'])).toThrow(/'ecko'; it knows echo, broadcast/);
    expect(() => parseOptions(['--against', 'ws,'])).toThrow(/''; it knows handfast, ws/);
    expect(() => parseOptions(['--fast'])).toThrow(/--fast/);
    expect(() => parseOptions(['echo'])).toThrow(/echo/);
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
    const options = ['only', 'against', 'rounds', 'seconds', 'full', 'json', 'no-install', 'help'];
    for (const option of options) expect(HELP).toContain(`--${option}`);
    for (const name of [...listSelectors(), ...RIVALS.slice(1)]) expect(HELP).toContain(name);
  });
});

describe('selectScenarios', () => {
  it('selects by group and by name', () => {
    const names = selectScenarios('quick', ['broadcast', 'echo-1k']).map(({ name }) => name);
    expect(names).toEqual(['echo-1k', 'broadcast-500']);
  });

  it('has all of the quick profile in the full one, under different names', () => {
    const quick = selectScenarios('quick', null);
    const full = selectScenarios('full', null);
    expect(full).toEqual(expect.arrayContaining(quick));
    expect(full.length).toBeGreaterThan(quick.length);
    expect(new Set(full.map(({ name }) => name)).size).toBe(full.length);
  });
});
