// Stretches of memory that small frames are encoded into, shared by all writers. What has been handed
// out of a slab is not written again before it is given back; a slab that has all of it back is used
// from its start.

import { Buffer } from 'node:buffer';

export const SLAB_LENGTH = 65_536;
/** Slabs that are kept for later: what a burst to many connections needs. */
const MOST_SPARE = 8;

/** One stretch. Each region of it belongs to one writer. */
export class Slab {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(SLAB_LENGTH);
  /** Where the next region begins. */
  used = 0;
  /** Regions that are open, or handed out and not given back. */
  live = 0;
}

let current: Slab | null = null;
const spare: Slab[] = [];

/** The slab that has room for `count` bytes more, at most `SLAB_LENGTH`. */
export function findSlab(count: number): Slab {
  if (current === null || current.used + count > SLAB_LENGTH) {
    current = spare.pop() ?? new Slab();
  }
  return current;
}

/** A region of `slab` is given back: nobody reads it any more. */
export function giveBack(slab: Slab): void {
  if (--slab.live > 0) return;
  slab.used = 0;
  if (slab !== current && spare.length < MOST_SPARE) spare.push(slab);
}
