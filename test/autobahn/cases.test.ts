// The table itself: that it has the cases it claims to have, each once, in order.

import { describe, expect, it } from 'vitest';
import { CASES } from './cases.ts';

const SUBGROUPS: Record<string, number> = {
  ...{ '1.1': 8, '1.2': 8, '2': 11, '3': 7, '4.1': 5, '4.2': 5, '5': 20 },
  ...{ '6.1': 3, '6.2': 4, '6.3': 2, '6.4': 4, '6.5': 5, '6.6': 11, '6.7': 4, '6.8': 2, '6.9': 4 },
  ...{ '6.10': 3, '6.11': 5, '6.12': 8, '6.13': 5, '6.14': 10, '6.15': 1, '6.16': 3, '6.17': 5 },
  ...{ '6.18': 5, '6.19': 5, '6.20': 7, '6.21': 8, '6.22': 34, '6.23': 7 },
  ...{ '7.1': 6, '7.3': 6, '7.5': 1, '7.7': 13, '7.9': 9, '7.13': 2, '10.1': 1 },
};

describe('the table of cases', () => {
  it('has the 247 cases of groups 1 to 7 and 10, each once and in order', () => {
    const numbers = Object.entries(SUBGROUPS).flatMap(([subgroup, count]) =>
      Array.from({ length: count }, (_, i) => `${subgroup}.${i + 1}`),
    );
    const inOrder = numbers.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
    expect(CASES.map(({ number }) => number)).toEqual(inOrder);
    expect(CASES).toHaveLength(247);
  });

  it('calls a text of group 6 valid exactly when a strict decoder does', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const isValid = (bytes: Buffer) => {
      try {
        decoder.decode(bytes);
        return true;
      } catch {
        return false;
      }
    };
    let sequences = 0;
    for (const { number, steps, ending, events } of CASES) {
      if (!/^6\.([5-9]|\d\d)\./.test(number)) continue;
      const [step] = steps;
      if (step.do !== 'send') throw new Error(`${number} does not begin with a frame`);
      const payload = Buffer.from(step.frames[0].payload ?? '');
      expect([number, isValid(payload)]).toEqual([number, ending.code === 1000]);
      expect(events.map((event) => event.payload)).toEqual(isValid(payload) ? [payload] : []);
      sequences++;
    }
    expect(sequences).toBe(132);
  });
});
