// Messages to DEFLATE data (RFC 7692 §7.2.1), for one direction of one connection. Small ones at once,
// from a kept context; large ones on the thread pool, each by itself. Knows neither frames nor limits.

import { Buffer } from 'node:buffer';
import { constants, deflateRaw, deflateRawSync } from 'node:zlib';
import { Context, type ContextSettings } from './context.ts';
import type { Pool } from './pool.ts';

/** How one direction compresses. */
export interface CompressorSettings {
  /** For what is compressed at once, one message after the other. */
  readonly context: ContextSettings;
  /** For what is compressed by itself: large messages, and those for many. */
  readonly alone: ContextSettings;
  /** Each message may refer to those before it. */
  readonly takeover: boolean;
  readonly pool: Pool;
}

const EMPTY = Buffer.alloc(0);
/** RFC 7692 §7.2.3.6: what an empty message, or an empty last piece of one, is sent as. */
const EMPTY_MESSAGE = Buffer.from([0x00]);
/** RFC 7692 §7.2.1: `00 00 ff ff` at the end of a message is not sent. */
const TAIL_LENGTH = 4;

/** For those who compress each message by itself: one context for all with the same settings. */
const shared = new Map<string, Context>();

/** The sending half of a codec. */
export class Compressor {
  readonly #settings: CompressorSettings;
  /** Compressors with the same key make the same of a message by itself. */
  readonly aloneKey: string;
  /** Made with the first message; null without takeover, and where contexts are not supported. */
  #context: Context | null = null;
  /** The peer's window has what our context does not know of. */
  #isStale = false;
  /** Shared with others: made with the first message without takeover. */
  #shared: Context | null = null;
  /** It has been used since the last `rest`. */
  #isBusy = false;

  constructor(settings: CompressorSettings) {
    this.#settings = settings;
    this.aloneKey = keyOf(settings.alone);
  }

  /**
   * Compresses a whole message (`fin`), the last fragment of one, or another fragment. The result is
   * valid until the next call on any compressor.
   */
  compress(bytes: Uint8Array, fin: boolean): Buffer {
    // A second flush with nothing before it would yield nothing.
    if (bytes.length === 0) return fin ? EMPTY_MESSAGE : EMPTY;
    const deflated = this.#deflate(bytes);
    return fin ? deflated.subarray(0, deflated.length - TAIL_LENGTH) : deflated;
  }

  /**
   * The same on the thread pool, for what would take long. `bytes` must not change meanwhile, and
   * nothing else may be compressed before `done` has been called, with a result that is its own.
   */
  compressLater(bytes: Uint8Array, fin: boolean, done: (deflated: Buffer) => void): void {
    this.#settings.pool.run((release) => {
      deflateRaw(bytes, this.#options(), (_, deflated) => {
        release();
        this.forget();
        done(fin ? deflated.subarray(0, deflated.length - TAIL_LENGTH) : deflated);
      });
    });
  }

  /** Compresses a whole message by itself. The result is valid until the next call on any compressor. */
  compressAlone(bytes: Uint8Array): Buffer {
    if (bytes.length === 0) return EMPTY_MESSAGE;
    const deflated = Context.isSupported()
      ? runAlone(sharedContext(this.#settings.alone), bytes)
      : deflateRawSync(bytes, this.#options());
    return deflated.subarray(0, deflated.length - TAIL_LENGTH);
  }

  /**
   * Something was sent that did not go through this context. RFC 7692 §7.2.1: distances count in
   * what was sent, so the context must not refer to anything before that: it begins anew.
   */
  forget(): void {
    this.#isStale = true;
  }

  /**
   * Gives the memory back if nothing has been compressed since the last call. RFC 7692 §7.2.1: the
   * next message may refer to those before it, and need not.
   */
  rest(): void {
    if (!this.#isBusy) this.close();
    this.#isBusy = false;
  }

  /** Gives the memory back. */
  close(): void {
    this.#context?.close();
    this.#context = null;
  }

  #deflate(bytes: Uint8Array): Buffer {
    if (!Context.isSupported()) return deflateRawSync(bytes, this.#options());
    if (this.#settings.takeover) return run(this.#kept(), bytes, constants.Z_SYNC_FLUSH);
    this.#shared ??= sharedContext(this.#settings.context);
    return runAlone(this.#shared, bytes);
  }

  /** Each by itself: what may refer to nothing need not, and what is large gains little by it. */
  #options(): ContextSettings & { finishFlush: number } {
    return { ...this.#settings.alone, finishFlush: constants.Z_SYNC_FLUSH };
  }

  /** The context that knows what was sent before. */
  #kept(): Context {
    this.#context ??= new Context('deflate', this.#settings.context);
    if (this.#isStale) this.#context.reset();
    this.#isStale = false;
    this.#isBusy = true;
    return this.#context;
  }
}

/** The context that all with these settings share, whose messages refer to nothing before them. */
function sharedContext(settings: ContextSettings): Context {
  const key = keyOf(settings);
  let context = shared.get(key);
  if (context === undefined) {
    context = new Context('deflate', settings);
    shared.set(key, context);
  }
  return context;
}

function keyOf({ windowBits, level, memLevel, strategy }: ContextSettings): string {
  return `${windowBits} ${level} ${memLevel} ${strategy}`;
}

/** RFC 7692 §7.2.1: with no_context_takeover each message begins with an empty window. */
function runAlone(context: Context, bytes: Uint8Array): Buffer {
  // The message before this one was given up halfway.
  if (context.isOutputFull) context.reset();
  return run(context, bytes, constants.Z_FULL_FLUSH);
}

/** Everything that comes out for `bytes`; valid until the next run of any context. */
function run(context: Context, bytes: Uint8Array, flush: number): Buffer {
  let output = context.run(bytes, 0, bytes.length, flush) as Buffer;
  if (!context.isOutputFull) return output;
  const pieces: Buffer[] = [];
  while (context.isOutputFull) {
    pieces.push(Buffer.from(output));
    const start = bytes.length - context.inputLeft;
    output = context.run(bytes, start, context.inputLeft, flush) as Buffer;
  }
  return Buffer.concat([...pieces, output]);
}
