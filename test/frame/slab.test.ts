// Slabs: room where it is asked for, and memory that is used again when all of it has come back, and
// not before.

import { expect, it } from 'vitest';
import { findSlab, giveBack, SLAB_LENGTH, type Slab } from '../../src/frame/slab.ts';

/** Takes a region, as a writer does. */
function take(count: number): Slab {
  const slab = findSlab(count);
  slab.live++;
  slab.used += count;
  return slab;
}

it('has room for as much as is asked for', () => {
  const taken: Slab[] = [];
  for (const count of [1, 1000, SLAB_LENGTH, 5, SLAB_LENGTH - 5, 1]) {
    const slab = take(count);
    expect(slab.used).toBeLessThanOrEqual(SLAB_LENGTH);
    expect(slab.bytes.length).toBe(SLAB_LENGTH);
    taken.push(slab);
  }
  for (const slab of taken) giveBack(slab);
});

it('begins a slab anew when the last region has come back, and not before', () => {
  const slab = take(SLAB_LENGTH - 100);
  slab.live++;
  const { used } = slab;
  giveBack(slab);
  expect(slab.used).toBe(used);
  giveBack(slab);
  expect(slab.used).toBe(0);
  expect(findSlab(SLAB_LENGTH)).toBe(slab);
});

it('keeps some slabs for later, and uses those first', () => {
  const taken = Array.from({ length: 30 }, () => take(SLAB_LENGTH));
  expect(new Set(taken).size).toBe(30);
  for (const slab of taken) giveBack(slab);
  const again = Array.from({ length: 30 }, () => take(SLAB_LENGTH));
  const kept = again.filter((slab) => taken.includes(slab)).length;
  expect(kept).toBeGreaterThan(4);
  expect(kept).toBeLessThan(12);
  for (const slab of again) giveBack(slab);
});
