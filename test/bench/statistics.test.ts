import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Latencies } from '../../bench/jobs/latencies.ts';
import { median, percentile, spread } from '../../bench/statistics.ts';

const numbers = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 50 });

describe('median', () => {
  it('is the middle one, or the mean of the middle two', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 1, 2, 4])).toBe(3);
    expect(() => median([])).toThrow(RangeError);
  });

  it('leaves what it was given in its order', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it('has as many values above as below', () => {
    const run = fc.property(numbers, (values) => {
      const middle = median(values);
      const below = values.filter((value) => value < middle).length;
      const above = values.filter((value) => value > middle).length;
      expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2);
    });
    fc.assert(run);
  });
});

describe('spread', () => {
  it('is the whole width as a share of the median', () => {
    expect(spread([8, 10, 13])).toBe(0.5);
    expect(spread([7])).toBe(0);
    expect(spread([0, 0])).toBe(0);
  });
});

describe('percentile', () => {
  it('is the nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, i) => i + 1);
    expect(percentile(values, 0.5)).toBe(50);
    expect(percentile(values, 0.99)).toBe(99);
    expect(percentile([1, 2, 3], 0.99)).toBe(3);
    expect(percentile([1, 2, 3], 0)).toBe(1);
    expect(() => percentile([], 0.5)).toThrow(RangeError);
  });
});

describe('Latencies', () => {
  it('tell no percentile that is too rare to have been met', () => {
    const latencies = new Latencies();
    expect(latencies.summarize()).toBeNull();
    for (let value = 100; value >= 1; value--) latencies.add(value);
    expect(latencies.summarize()).toEqual([10, 25, 50, 75, 90, 95, 99, null]);
  });
});
