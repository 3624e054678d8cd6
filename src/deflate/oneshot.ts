// DEFLATE data to messages (RFC 7692 §7.2.2) with Node's public interface alone, for versions of Node
// in which contexts cannot be kept (context.ts). Each message is inflated whole, when it is complete,
// with the end of those before it as its dictionary: about seven times the cost, for the same result.

import { Buffer } from 'node:buffer';
import { constants, type Inflate, inflateRaw, inflateRawSync } from 'node:zlib';
import type { DecompressedSink, Decompressor } from '../connection/ports.ts';
import { messageTooBig } from '../frame/rules.ts';
import { AT_ONCE, type DecompressorSettings, TAIL } from './decompressor.ts';
import { invalidData, truncatedData } from './faults.ts';

/**
 * RFC 1951 §3.2.4: an empty stored block with BFINAL, and a byte more. At a block border they end the
 * stream, and the byte is left over; inside a block they do not.
 */
const FINAL_BLOCK = Buffer.from([0x01, 0x00, 0x00, 0xff, 0xff, 0x00]);
const LEFT_OVER = 1;

const EMPTY = Buffer.alloc(0);

interface Inflated {
  readonly buffer: Buffer;
  readonly engine: Inflate;
}

/** The receiving half of a codec, without anything kept but the window. */
export class OneShotDecompressor implements Decompressor {
  readonly #settings: DecompressorSettings;
  /** The message in progress, compressed. */
  #pieces: Buffer[] = [];
  /** The last bytes of the messages before. */
  #window = EMPTY;
  #closed = false;

  constructor(settings: DecompressorSettings) {
    this.#settings = settings;
  }

  decompress(piece: Buffer, last: boolean, limit: number, sink: DecompressedSink): boolean {
    if (piece.length > 0) this.#pieces.push(Buffer.from(piece));
    if (!last) return true;
    // RFC 7692 §7.2.3.6: a message may be empty to the point of having no block at all.
    if (this.#pieces.length === 0) {
      sink.onDecompressed(EMPTY, true);
      return true;
    }
    const input = Buffer.concat([...this.#pieces, TAIL, FINAL_BLOCK]);
    this.#pieces = [];
    if (input.length > AT_ONCE) {
      this.#inflateLater(input, 0, [], limit, sink);
      return false;
    }
    const outputs: Buffer[] = [];
    let start = 0;
    while (start >= 0) {
      let inflated: Inflated;
      try {
        const options = this.#options(outputs, limit);
        inflated = inflateRawSync(input.subarray(start), options) as unknown as Inflated;
      } catch (error) {
        throw faultOf(error);
      }
      start = this.#proceed(inflated, input, start, outputs, limit);
    }
    sink.onDecompressed(Buffer.concat(outputs), true);
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#pieces = [];
    this.#window = EMPTY;
  }

  #inflateLater(
    input: Buffer,
    start: number,
    outputs: Buffer[],
    limit: number,
    sink: DecompressedSink,
  ): void {
    this.#settings.pool.run((release) => {
      inflateRaw(input.subarray(start), this.#options(outputs, limit), (error, inflated) => {
        release();
        if (this.#closed) return;
        let fault: unknown = null;
        try {
          if (error) throw faultOf(error);
          const result = inflated as unknown as Inflated;
          const next = this.#proceed(result, input, start, outputs, limit);
          if (next >= 0) {
            this.#inflateLater(input, next, outputs, limit, sink);
            return;
          }
          sink.onDecompressed(Buffer.concat(outputs), true);
        } catch (thrown) {
          fault = thrown;
        }
        sink.onDecompressEnd(fault);
      });
    });
  }

  /** Takes what came out; returns where a stream begins that follows, -1 at the end of the message. */
  #proceed(
    { buffer, engine }: Inflated,
    input: Buffer,
    start: number,
    outputs: Buffer[],
    limit: number,
  ): number {
    const border = input.length - TAIL.length - FINAL_BLOCK.length;
    const used = start + engine.bytesWritten;
    outputs.push(buffer);
    // §10.4: not more than allowed; a limit of nothing cannot be told to zlib.
    if (outputs.reduce((sum, { length }) => sum + length, 0) > limit) throw messageTooBig();
    const isWhole = used === input.length - LEFT_OVER;
    // A block with BFINAL ended the stream, and the window with it (RFC 7692 §7.2.1).
    this.#keep(buffer, !isWhole);
    if (used < border) return used;
    // Its place is before the tail, or it is the block that the tail completes.
    if (!isWhole && used !== border && used !== border + TAIL.length) throw truncatedData();
    return -1;
  }

  #options(outputs: readonly Buffer[], limit: number): object {
    const { windowBits } = this.#settings.context;
    const room = limit - outputs.reduce((sum, { length }) => sum + length, 0);
    return {
      windowBits,
      info: true,
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(room < Infinity && { maxOutputLength: Math.max(room, 1) }),
      ...(this.#window.length > 0 && { dictionary: this.#window }),
    };
  }

  /** The window of what follows. */
  #keep(output: Buffer, isOver: boolean): void {
    const { takeover, context } = this.#settings;
    if (isOver || !takeover) {
      this.#window = EMPTY;
      return;
    }
    const size = 1 << context.windowBits;
    this.#window = Buffer.concat([this.#window, output]).subarray(-size);
  }
}

function faultOf(error: unknown): Error {
  const { code } = error as { code?: string };
  return code === 'ERR_BUFFER_TOO_LARGE' ? messageTooBig() : invalidData();
}
