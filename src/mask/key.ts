// Masking keys (§5.3): 32 bits each from the operating system's CSPRNG, fresh for every frame.
// Random bytes are fetched in bulk, and each one is used once, so that no key tells about another.

import { randomFillSync } from 'node:crypto';

/** Gives a new masking key, as the 32-bit integer that `mask` takes, each time it is called. */
export type KeySource = () => number;

const pool = new Int32Array(2048);
let next = pool.length;

/** The default key source: unpredictable, never the same key material twice (§5.3, §10.3). */
export const randomKey: KeySource = () => {
  if (next === pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  const key = pool[next];
  // What has been used must not be found in memory later.
  pool[next++] = 0;
  return key;
};
