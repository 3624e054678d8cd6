// Masking in the arena against masking elsewhere, and what there is where WebAssembly is missing.

import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { getArena, getArenaMemory, isInArena, maskInArena } from '../../src/mask/arena.ts';
import { mask } from '../../src/mask/mask.ts';

const noise = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 151 + (i >> 8) + 13) & 255));

describe('the arena', () => {
  it('is one, and knows its own', () => {
    const arena = getArena();
    expect(arena.length).toBe(65_536);
    expect(getArena()).toBe(arena);
    expect(isInArena(arena)).toBe(true);
    expect(isInArena(arena.subarray(3, 9))).toBe(true);
    expect(isInArena(Buffer.alloc(9))).toBe(false);
    expect(getArenaMemory()?.buffer).toBe(arena.buffer);
  });

  it('[6455-5.3-e] [6455-5.3-f] masks any span as `mask` does, and nothing beside it', () => {
    const original = noise(400);
    for (let start = 0; start < 20; start++) {
      for (let length = 0; length < 200; length++) {
        const [here, there] = [getArena().subarray(start & 7, 400 + (start & 7)), noise(400)];
        original.copy(here);
        const key = Math.imul(start + 1, 0x3d21fa37) ^ length;
        const next = maskInArena(here, key, start, start + length);
        const expected = mask(there, key, start, start + length);
        if (next !== expected || !here.equals(there)) {
          expect({ start, length, next, here: here.toString('hex') }).toEqual({
            ...{ start, length, next: expected },
            here: there.toString('hex'),
          });
        }
      }
    }
  });

  it('[6455-5.3-e] goes on from one span to the next, up to its own end', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30_000)), fc.integer(), fc.nat(9), (cuts, key, before) => {
        const arena = getArena();
        const original = noise(arena.length);
        original.copy(arena);
        const ends = [...cuts.map((cut) => cut + before), arena.length].sort((a, b) => a - b);
        let start = before;
        let rotated = key;
        for (const end of ends) {
          rotated = maskInArena(arena, rotated, start, end);
          start = end;
        }
        mask(original, key, before);
        return arena.equals(original);
      }),
      { numRuns: 50 },
    );
  });
});

/** Memory that could be worked on, were there anything to do so. */
class Page {
  readonly buffer = new ArrayBuffer(65_536);
}

describe('without WebAssembly', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  it.each([
    ['at all', undefined],
    [
      'that has 128-bit values',
      {
        Memory: Page,
        Module: class {
          constructor() {
            throw new Error('invalid value type 0x7b');
          }
        },
      },
    ],
  ])('%s there is ordinary memory', async (_, replacement) => {
    vi.stubGlobal('WebAssembly', replacement);
    vi.resetModules();
    const own: typeof import('../../src/mask/arena.ts') = await import('../../src/mask/arena.ts');
    const arena = own.getArena();
    expect(arena.length).toBe(65_536);
    expect(own.getArena()).toBe(arena);
    expect(own.isInArena(arena)).toBe(false);
    expect(own.getArenaMemory()).toBeNull();
  });
});
