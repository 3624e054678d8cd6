// The key source: whether its bytes come from the CSPRNG, each once. `randomFillSync` is watched, not
// replaced, so that the bytes are the system's.

import { describe, expect, it, vi } from 'vitest';

/** What the CSPRNG gave, in order, as 32-bit words. */
const drawn = vi.hoisted(() => [] as number[]);

vi.mock('node:crypto', async (importOriginal) => {
  const crypto = await importOriginal<typeof import('node:crypto')>();
  return {
    ...crypto,
    randomFillSync(target: Int32Array) {
      crypto.randomFillSync(target);
      drawn.push(...target);
      return target;
    },
  };
});

const { randomKey } = await import('../../src/mask/key.ts');

describe('randomKey', () => {
  it('[6455-5.3-c] [6455-5.3-d] gives the words of the CSPRNG, each of them once, in bulk', () => {
    const keys = Array.from({ length: 5000 }, () => randomKey());
    expect(drawn.length).toBeGreaterThanOrEqual(5000);
    expect(keys).toEqual(drawn.slice(0, 5000));
  });

  it('[6455-5.3-b] gives a new key at each call', () => {
    const keys = Array.from({ length: 3000 }, () => randomKey());
    // Two equal keys among 3000 come about once in 1000 runs, three equal pairs practically never.
    expect(new Set(keys).size).toBeGreaterThan(2997);
    for (const key of keys) expect(key).toBe(key | 0);
  });
});
