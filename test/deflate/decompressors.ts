// Runs a decompressor of either kind by hand: what came out of a message, in pieces or whole, at once
// or later, or the error that it ended with.

import { Buffer } from 'node:buffer';
import type { Decompressor } from '../../src/connection/ports.ts';
import { ContextDecompressor, type DecompressorSettings } from '../../src/deflate/decompressor.ts';
import { OneShotDecompressor } from '../../src/deflate/oneshot.ts';
import { Pool } from '../../src/deflate/pool.ts';

export const KINDS = [
  ['on a kept context', ContextDecompressor],
  ['on the public interface', OneShotDecompressor],
] as const;

export function settings(given: Partial<DecompressorSettings> = {}): DecompressorSettings {
  return { context: { windowBits: 15 }, takeover: true, pool: new Pool(2), ...given };
}

export interface Result {
  /** What came out, joined. */
  readonly output: Buffer;
  /** Calls with output, and how many of them said that they were the last. */
  readonly calls: number;
  readonly ends: number;
  /** Whether the pool was needed. */
  readonly later: boolean;
}

/** Decompresses one message that comes in these pieces; rejects with what fails the connection. */
export async function inflateMessage(
  decompressor: Decompressor,
  pieces: readonly Buffer[],
  limit = Infinity,
): Promise<Result> {
  const output: Buffer[] = [];
  let ends = 0;
  let later = false;
  for (const [i, piece] of pieces.entries()) {
    let end: (fault: unknown) => void = () => {};
    const ended = new Promise<unknown>((resolve) => {
      end = resolve;
    });
    const sink = {
      onDecompressed: (bytes: Buffer, last: boolean): void => {
        output.push(Buffer.from(bytes));
        if (last) ends++;
      },
      onDecompressEnd: end,
    };
    const isLast = i === pieces.length - 1;
    if (decompressor.decompress(piece, isLast, limit, sink)) continue;
    later = true;
    const fault = await ended;
    if (fault !== null) throw fault;
  }
  return { output: Buffer.concat(output), calls: output.length, ends, later };
}
