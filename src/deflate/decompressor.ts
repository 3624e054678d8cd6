// DEFLATE data to messages (RFC 7692 §7.2.2), for one direction of one connection. What is small is
// inflated at once, in a kept context; what is large, or turns out to be, on the thread pool. The limit
// is kept while the output grows. Knows neither frames nor text.

import { Buffer } from 'node:buffer';
import type { DecompressedSink, Decompressor } from '../connection/ports.ts';
import { messageTooBig } from '../frame/rules.ts';
import { Context, type ContextSettings } from './context.ts';
import { invalidData, truncatedData } from './faults.ts';
import type { Pool } from './pool.ts';

/** How one direction is decompressed. */
export interface DecompressorSettings {
  readonly context: ContextSettings;
  /** Messages may refer to those before them. */
  readonly takeover: boolean;
  readonly pool: Pool;
}

/** Pieces up to this many bytes are inflated at once, as long as they fit into one output buffer. */
export const AT_ONCE = 16_384;

/** RFC 7692 §7.2.2: what the sender has left out. */
export const TAIL: Buffer = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/**
 * Empty blocks, which change nothing at a block border. Inside a block they come out as content or are
 * an error. First 32 fixed ones (RFC 1951 §3.2.6: `010` and seven zeros), because the zeros of stored
 * ones may end a block, behind which stored ones fall in step again; then 48 stored ones (§3.2.4),
 * so that all together are longer than the header of a block, with its 316 code lengths.
 */
const EMPTY_BLOCKS = Buffer.concat([
  ...Array.from({ length: 8 }, () => Buffer.from([0x02, 0x08, 0x20, 0x80, 0x00])),
  ...Array.from({ length: 48 }, () => Buffer.from([0x00, 0x00, 0x00, 0xff, 0xff])),
]);

/**
 * A final block, empty and fixed, with something behind it. At a block border the stream ends with its
 * second byte; inside a block it does not, as no code can end before the first bit of all. For a
 * context that begins anew after it: it costs a fifth of the empty blocks.
 */
const FINAL_BLOCK = Buffer.from([0x03, 0x00, 0x00, 0x00, 0x00, 0x00]);
const FINAL_BLOCK_LENGTH = 2;

const EMPTY = Buffer.alloc(0);

/** A piece with its tail; one for all, as it has been read when a call is over. */
let input: Buffer | null = null;

/** Contexts without a message in progress, for those who start each message with an empty window. */
const idle = new Map<number, Context[]>();
const MOST_IDLE = 8;

/** The receiving half of a codec, on a kept context. */
export class ContextDecompressor implements Decompressor {
  readonly #settings: DecompressorSettings;
  #context: Context | null = null;
  /** Bytes that have come out of the message in progress. */
  #length = 0;
  #isBegun = false;
  #closed = false;
  /** Leaves the thread pool. */
  #release: (() => void) | null = null;

  constructor(settings: DecompressorSettings) {
    this.#settings = settings;
  }

  decompress(piece: Buffer, last: boolean, limit: number, sink: DecompressedSink): boolean {
    // RFC 7692 §7.2.3.6: a message may be empty to the point of having no block at all.
    if (piece.length === 0 && !this.#isBegun) {
      if (last) sink.onDecompressed(EMPTY, true);
      return true;
    }
    this.#isBegun = true;
    if (piece.length > AT_ONCE) {
      this.#inflateLater(Buffer.from(piece), last, limit, sink);
      return false;
    }
    return this.#inflate(piece, last, limit, sink);
  }

  close(): void {
    this.#closed = true;
    this.#context?.close();
    this.#context = null;
    this.#release?.();
  }

  /** Inflates a small piece; false when it turned out to be large, and went to the pool. */
  #inflate(piece: Buffer, last: boolean, limit: number, sink: DecompressedSink): boolean {
    input ??= Buffer.allocUnsafeSlow(AT_ONCE + TAIL.length);
    const border = piece.copy(input);
    const end = last ? border + TAIL.copy(input, border) : border;
    this.#context ??= acquire(this.#settings.context);
    const context = this.#context;
    let start = 0;
    while (true) {
      const output = context.run(input, start, end - start);
      if (output === null) throw this.#failed(invalidData());
      this.#count(output.length, limit);
      const used = end - context.inputLeft;
      if (context.isOutputFull) {
        sink.onDecompressed(output, false);
        if (used < border) {
          // Much from little: the rest may take long.
          this.#inflateLater(Buffer.from(input.subarray(used, border)), last, limit, sink);
          return false;
        }
      } else if (context.inputLeft === 0) {
        if (last) this.#checkBorder(context);
        this.#deliver(output, last, sink);
        return true;
      } else {
        // A block with BFINAL has ended the stream. RFC 7692 §7.2.1: more may follow, which is a
        // stream of its own; zlib would take no notice of it.
        context.reset();
        if (used > border) throw this.#failed(truncatedData());
        if (used === border) {
          // The empty block that belongs behind it was left out, tail and all.
          this.#deliver(output, last, sink);
          return true;
        }
        sink.onDecompressed(output, false);
      }
      start = used;
    }
  }

  /** Inflates a large piece on the thread pool; the sink is told when that is done. */
  #inflateLater(piece: Buffer, last: boolean, limit: number, sink: DecompressedSink): void {
    this.#settings.pool.run((release) => {
      if (this.#closed) {
        release();
        return;
      }
      this.#release = release;
      this.#context ??= acquire(this.#settings.context);
      const fail = (error: unknown): void => {
        this.close();
        sink.onDecompressEnd(error);
      };
      this.#context.runLater(
        piece,
        (output) => {
          try {
            this.#count(output.length, limit);
            sink.onDecompressed(output, false);
          } catch (error) {
            fail(error);
          }
        },
        (used) => {
          release();
          if (used < 0) {
            fail(invalidData());
          } else if (used < piece.length) {
            // As above, and the stream has ended for Node too.
            this.#context?.close();
            this.#context = null;
            this.#inflateLater(piece.subarray(used), last, limit, sink);
          } else {
            this.#endLater(last, limit, sink);
          }
        },
      );
    });
  }

  #endLater(last: boolean, limit: number, sink: DecompressedSink): void {
    let fault: unknown = null;
    try {
      if (last) this.#inflate(EMPTY, true, limit, sink);
    } catch (error) {
      fault = error;
    }
    sink.onDecompressEnd(fault);
  }

  #deliver(output: Buffer, last: boolean, sink: DecompressedSink): void {
    if (last) {
      this.#length = 0;
      this.#isBegun = false;
      if (!this.#settings.takeover) this.#giveBack();
    }
    sink.onDecompressed(output, last);
  }

  /** §10.4: not more than allowed, however little it was made of. */
  #count(length: number, limit: number): void {
    this.#length += length;
    if (this.#length > limit) throw this.#failed(messageTooBig());
  }

  /** RFC 7692 §7.2.1: where the message ends a block has ended. */
  #checkBorder(context: Context): void {
    const probe = this.#settings.takeover ? EMPTY_BLOCKS : FINAL_BLOCK;
    const used = this.#settings.takeover ? EMPTY_BLOCKS.length : FINAL_BLOCK_LENGTH;
    const output = context.run(probe, 0, probe.length);
    // Nothing is used where a final block ended with the tail.
    const isWhole = context.inputLeft === probe.length - used || context.inputLeft === probe.length;
    if (output === null || output.length > 0 || !isWhole) throw this.#failed(truncatedData());
  }

  /** RFC 7692 §7.2.2: nothing can be read with a damaged window. */
  #failed(error: Error): Error {
    this.#context?.close();
    this.#context = null;
    return error;
  }

  #giveBack(): void {
    const context = this.#context as Context;
    this.#context = null;
    const { windowBits } = this.#settings.context;
    const others = idle.get(windowBits) ?? [];
    if (others.length >= MOST_IDLE) {
      context.close();
      return;
    }
    context.reset();
    others.push(context);
    idle.set(windowBits, others);
  }
}

function acquire(settings: ContextSettings): Context {
  return idle.get(settings.windowBits)?.pop() ?? new Context('inflate', settings);
}
