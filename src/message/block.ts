// Memory for long messages, of which each is allocated once and soon given back. Knows no messages.

import { Buffer } from 'node:buffer';

/** From this length on, memory is worth holding on to; a bar stands behind so much of it. */
const LARGE = 32_768;
const BETWEEN_BARS = 131_072;
const BARS = 32;
const BAR_LENGTH = 8192;

/**
 * Small allocations behind the newest large ones, a quarter of a mebibyte in all. The allocator of most
 * Linux systems returns free memory at the end of its heap to the system, and with a garbage collection
 * that is where the last long messages were; the next ones would then be paid for page by page,
 * which costs as much as everything else about a message of a mebibyte. A bar at the end keeps it.
 */
const bars: Buffer[] = [];
let next = 0;
/** Bytes allocated since the newest bar. */
let unbarred = 0;

/** A buffer of `length` bytes with any content, which shares its memory with no other. */
export function allocateBlock(length: number): Buffer {
  const block = Buffer.allocUnsafeSlow(length);
  if (length < LARGE) return block;
  unbarred += length;
  if (unbarred >= BETWEEN_BARS) {
    unbarred = 0;
    bars[next] = Buffer.allocUnsafeSlow(BAR_LENGTH);
    next = (next + 1) % BARS;
  }
  return block;
}
