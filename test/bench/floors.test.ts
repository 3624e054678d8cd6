// How near a run was to the floors, from results made by hand.

import { describe, expect, it } from 'vitest';
import { findFloors, formatFloors } from '../../bench/floors.ts';
import { formatFloorTable } from '../../bench/html/floors.ts';
import { formatScenario } from '../../bench/report.ts';
import { selectScenarios } from '../../bench/scenarios.ts';
import { createResult } from './fixtures.ts';

const [scenario] = selectScenarios('full', ['echo-64']);
const report = {
  scenario,
  results: [
    createResult('handfast', [4, 5, 8]),
    createResult('ws', [8, 10, 12]),
    createResult('ws-plain', [9, 9, 9]),
    createResult('net', [4, 4, 4], { title: 'bare net' }),
    createResult('net-shared', [2, 2, 2], { title: 'bare onread' }),
  ],
};

describe('findFloors', () => {
  it('compares round by round: bare ÷ ours, ws ÷ ours, ws ÷ bare', () => {
    const [net, shared, ...more] = findFloors([report]);
    expect(more).toEqual([]);
    expect(net).toEqual({
      scenario: 'echo-64',
      floor: 'net',
      title: 'bare net',
      near: { value: 0.8, low: 0.5, high: 1 },
      rival: 'ws',
      reached: { value: 2, low: 1.5, high: 2 },
      ceiling: { value: 2.5, low: 2, high: 3 },
    });
    expect(shared.ceiling).toEqual({ value: 5, low: 4, high: 6 });
  });

  it('takes ws without add-ons where it is alone, and does without any', () => {
    const [own, ws, plain, net] = report.results;
    const [beside] = findFloors([{ scenario, results: [own, plain, net] }]);
    expect(beside).toMatchObject({ rival: 'ws-plain', ceiling: { value: 2.25 } });
    const absent = { ...ws, rounds: [], failure: 'broke' };
    expect(findFloors([{ scenario, results: [own, absent, plain, net] }])[0].rival).toBe(
      'ws-plain',
    );
    const [alone] = findFloors([{ scenario, results: [own, net] }]);
    expect(alone).toMatchObject({ rival: null, reached: null, ceiling: null });
  });

  it('finds none without figures of a bare server, or of ours', () => {
    const [own, ws, , net] = report.results;
    expect(findFloors([{ scenario, results: [own, ws] }])).toEqual([]);
    expect(findFloors([{ scenario, results: [net] }])).toEqual([]);
    const declined = createResult('net', [], { declined: 'no' });
    expect(findFloors([{ scenario, results: [own, ws, declined] }])).toEqual([]);
  });
});

describe('what is told of floors', () => {
  it('is a line each below the table', () => {
    const lines = formatFloors(report).split('\n');
    expect(lines[0]).toMatch(
      /^ {2}bare net ÷ handfast 0\.80 ±31\s%; ws ÷ bare net 2\.50 ±20\s%: the most/,
    );
    expect(lines[1]).toMatch(/^ {2}bare onread ÷ handfast 0\.40/);
    expect(formatScenario(report)).toContain(lines[0]);
    expect(formatFloors({ scenario, results: report.results.slice(0, 2) })).toBe('');
  });

  it('is a row each on the page', () => {
    const table = formatFloorTable([report]);
    expect(table.match(/<tr>/g)).toHaveLength(3);
    expect(table).toContain('<th scope="col">bare ÷ handfast</th>');
    expect(table).toMatch(/bare net<\/th><td[^>]*>0\.80 .*<td[^>]*>2\.00 .*<td[^>]*>2\.50 /);
    expect(formatFloorTable([{ scenario, results: report.results.slice(0, 2) }])).toBe('');
  });
});
