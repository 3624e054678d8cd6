import { describe, expect, it } from 'vitest';
import { findRatios } from '../../bench/figures.ts';
import { drawBars } from '../../bench/html/bars.ts';
import { drawCurves } from '../../bench/html/curves.ts';
import { listNotes } from '../../bench/html/notes.ts';
import { formatPage } from '../../bench/html/page.ts';
import { findStrength, formatRatioTable, judge } from '../../bench/html/ratios.ts';
import {
  createLinearScale,
  createLogScale,
  draw,
  escapeText,
  findLogTicks,
  findTicks,
} from '../../bench/html/svg.ts';
import type { Report } from '../../bench/measure.ts';
import { selectScenarios } from '../../bench/scenarios.ts';
import { createKept, createResult, createRound } from './fixtures.ts';

const scenario = (name: string) => selectScenarios('full', [name])[0];

/** Opened and closed in order; gives the names of all elements. */
function checkTags(markup: string): string[] {
  const names: string[] = [];
  const open: string[] = [];
  const lone = ['meta', 'hr', '!doctype'];
  for (const [, slash, name] of markup.matchAll(/<(\/?)([!a-z0-9]+)(?:\s[^<>]*)?>/g)) {
    if (slash === '/') expect(open.pop()).toBe(name);
    else if (!lone.includes(name)) open.push(name);
    names.push(name);
  }
  expect(open).toEqual([]);
  return names;
}

describe('drawing', () => {
  it('escapes what could be taken for markup', () => {
    expect(escapeText('<a href="x">&')).toBe('&lt;a href=&quot;x&quot;&gt;&amp;');
    expect(draw('g', { title: '"<', x: 1.26 }, 'in')).toBe('<g title="&quot;&lt;" x="1.3">in</g>');
  });

  it('places values', () => {
    expect(createLinearScale([0, 10], [100, 200])(2.5)).toBe(125);
    expect(createLinearScale([3, 3], [100, 200])(3)).toBe(100);
    expect(createLogScale([1, 100], [0, 10])(10)).toBeCloseTo(5, 9);
  });

  it('finds round ticks that hold all values', () => {
    expect(findTicks(7)).toEqual([0, 2, 4, 6, 8]);
    expect(findTicks(0.3)).toEqual([0, 0.1, 0.2, 0.3]);
    expect(findTicks(0)).toEqual([0, 1]);
    expect(findLogTicks(3, 40)).toEqual([2, 5, 10, 20, 50]);
    expect(findLogTicks(1, 10_000)).toEqual([1, 10, 100, 1000, 10_000]);
    expect(findLogTicks(5, 5)).toEqual([5]);
  });

  it('draws a bar for each contestant, to scale and with its whisker', () => {
    const range = { value: 5, low: 4, high: 10 };
    const svg = drawBars(
      [
        { title: 'one', colour: 'red', range, note: '' },
        { title: 'two', colour: 'red', range: { value: 10, low: 10, high: 10 }, note: '' },
        { title: 'none', colour: 'red', range: null, note: 'not offered' },
      ],
      'µs',
    );
    checkTags(svg);
    const widths = [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) =>
      Number(width),
    );
    expect(widths).toHaveLength(2);
    expect(widths[1] / widths[0]).toBeCloseTo(2, 1);
    expect(svg.match(/class="whisker"/g)).toHaveLength(1);
    expect(svg).toContain('none: not offered');
  });

  it('draws curves on both kinds of axes, single points included, and nothing without points', () => {
    const axis = { title: 'x', log: true, format: String };
    const curve = {
      title: 'c',
      colour: 'red',
      dashed: false,
      points: [
        [1, 5],
        [100, 50],
      ],
    } as const;
    const svg = drawCurves([curve], axis, { ...axis, log: false });
    checkTags(svg);
    expect(svg).not.toContain('NaN');
    expect(svg.match(/<circle/g)).toHaveLength(2);
    const single = drawCurves([{ ...curve, points: [[7, 7]] }], axis, axis);
    expect(single).not.toMatch(/NaN|Infinity/);
    expect(drawCurves([{ ...curve, points: [] }], axis, axis)).toBe('');
  });
});

describe('verdicts', () => {
  it('need every round on one side, and more than 3 %', () => {
    expect(judge({ value: 1.2, low: 1.01, high: 1.4 })).toBe('above');
    expect(judge({ value: 1.2, low: 0.99, high: 1.4 })).toBe('even');
    expect(judge({ value: 1.02, low: 1.01, high: 1.03 })).toBe('even');
    expect(judge({ value: 0.8, low: 0.7, high: 0.99 })).toBe('below');
    expect(judge({ value: 0.8, low: 0.7, high: 1.1 })).toBe('even');
  });

  it('are as strong one way as the other', () => {
    const of = (value: number): number => findStrength({ value, low: value, high: value });
    expect(of(2)).toBe(of(0.5));
    expect(of(1)).toBeLessThan(of(1.5));
    expect(of(4)).toBe(of(100));
  });
});

describe('formatRatioTable', () => {
  it('has a cell for every rival and scenario, and nothing without rivals', () => {
    const reports: Report[] = [
      {
        scenario: scenario('echo-64'),
        results: [
          createResult('handfast', [2, 2]),
          createResult('ws', [3, 3]),
          createResult('bun', [1, 1]),
        ],
      },
    ];
    const table = formatRatioTable(findRatios(reports));
    checkTags(table);
    expect(table).toMatch(/<div class="above"[^>]*>1\.50/);
    expect(table).toMatch(/<div class="below"[^>]*>0\.50/);
    expect(formatRatioTable(findRatios([]))).toBe('');
  });
});

describe('listNotes', () => {
  const reports: Report[] = [
    {
      scenario: scenario('echo-64'),
      results: [
        createResult('handfast', [2, 2, 2]),
        createResult('ws', [3, 2.5, 6]),
        createResult('bun', [1, 1, 1]),
        createResult('deno', [], { declined: 'it cannot' }),
      ],
    },
  ];

  it('tell where we lose, what was noisy, saturated and left out', () => {
    const text = listNotes(createKept({ reports })).join('\n');
    expect(text).toContain('<b>handfast costs more than bun</b> in echo-64 (0.50).');
    expect(text).toMatch(/disagree<\/b> .* in 1 of 3 medians: echo-64\/ws ±58/);
    expect(text).not.toMatch(/disagree.*echo-64\/bun/);
    expect(text).toMatch(/97\s% of its core.*lower bounds, in echo-64\/handfast/);
    expect(text).toContain('deno, not offered: it cannot (echo-64).');
    expect(text).not.toContain('not idle');
  });

  it('tell that one round is none to go by', () => {
    expect(listNotes(createKept({ rounds: 1 })).join('\n')).toMatch(/One round only.*\n1 round of/);
    expect(listNotes(createKept({ rounds: 2 })).join('\n')).not.toContain('One round');
  });

  it('tell of a busy machine and of processes that were not bound', () => {
    const { machine } = createKept({});
    const text = listNotes(createKept({ machine: { ...machine, loadAverage: 2 }, cores: null }));
    expect(text.join('\n')).toMatch(/not idle<\/b>.*2\.00/);
    expect(text.join('\n')).toContain('not bound to cores');
    const siblings = { server: 0, load: 1, siblings: true };
    expect(listNotes(createKept({ reports, cores: siblings })).join('\n')).toContain(
      'threads of one',
    );
  });
});

describe('formatPage', () => {
  const results = (name: string) => [
    createResult('handfast', [2, 2]),
    createResult(name, [3, 4], { title: `<${name}>` }),
    createResult('net', [1, 1]),
  ];
  const latency = [1, 2, 3, 4, 5, 6, 7, 8];
  const idle = createRound({
    perConnection: 5,
    growth: [
      { connections: 10, kib: 1000 },
      { connections: 20, kib: 1900 },
    ],
  });
  const reports: Report[] = [
    { scenario: scenario('echo-64'), results: results('ws') },
    {
      scenario: scenario('echo-16k'),
      results: results('ws').map((result) => ({
        ...result,
        rounds: result.rounds.map((round) => ({ ...round, latency })),
      })),
    },
    { scenario: scenario('idle'), results: [createResult('handfast', [], { rounds: [idle] })] },
  ];

  it('is one well-formed file that fetches nothing', () => {
    const page = formatPage([createKept({ reports })]);
    const names = checkTags(page);
    for (const name of ['script', 'link', 'img', 'iframe']) expect(names).not.toContain(name);
    expect(page).not.toMatch(/https?:|url\(|@import|NaN|undefined|Infinity/);
    expect(page).toContain('&lt;ws&gt;');
    expect(page).not.toContain('<ws>');
  });

  it('has a section for all that was measured, and none for what was not', () => {
    const headings = (page: string): string[] =>
      [...page.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, text]) => text);
    expect(headings(formatPage([createKept({ reports })]))).toEqual([
      'The short of it',
      'What has to be said with it',
      'Cost',
      'Cost against message size',
      'Latency',
      'Memory',
      'How near the floor',
      'Above a bare socket',
      'Every figure',
      'How to read it',
    ]);
    const split = { parts: [], files: [], samples: 1 };
    const profile = {
      ...{ rival: 'net', title: '<net>', cost: 1, profiledCost: null, split },
      ...{ systemShare: null, helperShare: null, faults: null },
    };
    const profiled = { scenario: scenario('echo-64'), profiles: [profile], memory: [], absent: [] };
    const profiles = formatPage([createKept({ command: 'profile', profiles: [profiled] })]);
    checkTags(profiles);
    expect(profiles).not.toContain('<net>');
    expect(headings(profiles)).toEqual([
      'What has to be said with it',
      'Where the time goes',
      'How to read it',
    ]);
    const micro = [
      { group: 'mask', name: 'in place, 8 B, offset 0', bytes: 8, rounds: [4, 5] },
      { group: 'accept', name: 'key', bytes: 0, rounds: [900] },
    ] as const;
    const page = formatPage([
      createKept({
        command: 'micro',
        micro: micro.map((one) => ({ ...one, rounds: [...one.rounds] })),
      }),
    ]);
    checkTags(page);
    expect(headings(page)).toEqual([
      'What has to be said with it',
      'Part by part',
      'How to read it',
    ]);
  });
});
