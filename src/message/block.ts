// Memory for long messages, of which each is allocated once and soon given back. Knows no messages.

import { Buffer } from 'node:buffer';

/** From this length on, memory is worth holding on to. */
const LARGE = 131_072;
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

/** A buffer of `length` bytes with any content, which shares its memory with no other. */
export function allocateBlock(length: number): Buffer {
  const block = Buffer.allocUnsafeSlow(length);
  if (length >= LARGE) {
    bars[next] = Buffer.allocUnsafeSlow(BAR_LENGTH);
    next = (next + 1) % BARS;
  }
  return block;
}
