// A zlib context that is kept between messages and driven without the thread pool, which is what makes
// small messages cheap: a run costs a few microseconds, a trip through the pool a hundred. Node has no
// public interface for that, so this file, and no other, uses fields of its zlib streams that are not
// documented. `Context.isSupported` says whether they do as expected; for where they do not see oneshot.ts.

import { Buffer } from 'node:buffer';
import { constants, createDeflateRaw, createInflateRaw, type InflateRaw } from 'node:zlib';
import type { ZlibSettings } from './options.ts';

/** What Node's zlib streams have inside. */
interface Internals {
  readonly _handle: {
    /** Runs at once; `_writeState` then has the bytes left of the output and of the input. */
    writeSync(
      flush: number,
      input: Uint8Array,
      inputStart: number,
      inputLength: number,
      output: Uint8Array,
      outputStart: number,
      outputLength: number,
    ): void;
    reset(): void;
  } | null;
  readonly _writeState: Uint32Array;
  /** Where a run on the pool puts its output. */
  _outBuffer: Buffer;
  _outOffset: number;
  _chunkSize: number;
}

/** What a context works with. */
export interface ContextSettings extends ZlibSettings {
  /** 9 to 15 to compress, 8 to 15 to decompress. */
  readonly windowBits: number;
}

/** Where runs leave their output, one for all contexts: it is read before the next run. */
const OUTPUT_LENGTH = 65_536;
let output: Buffer | null = null;

const EMPTY = Buffer.alloc(0);
/** The smallest buffer that Node lets a stream have: it is thrown away. */
const SMALLEST_CHUNK = 64;

/** One compressor or decompressor of zlib's. */
export class Context {
  readonly #stream: InflateRaw;
  readonly #internals: Internals;
  #closed = false;
  /** Bytes of the last run's input that it did not use. */
  inputLeft = 0;
  /** The last run filled the output and may have more. */
  isOutputFull = false;

  constructor(direction: 'deflate' | 'inflate', settings: ContextSettings) {
    const options = { ...settings, chunkSize: SMALLEST_CHUNK };
    this.#stream = direction === 'deflate' ? createDeflateRaw(options) : createInflateRaw(options);
    // Whoever runs it looks for himself; without a listener the process would end.
    this.#stream.on('error', ignore);
    this.#internals = this.#stream as unknown as Internals;
    this.#internals._outBuffer = EMPTY;
  }

  /**
   * Puts bytes through, up to a full output buffer, and flushes (RFC 7692 §7.2). Returns the output:
   * a view that is valid until any context's next run. Null when the input is not DEFLATE data; the
   * context cannot be used after that. With Z_FULL_FLUSH nothing that is compressed later refers to
   * what was before, which costs less than `reset`.
   */
  run(
    input: Uint8Array,
    start: number,
    length: number,
    flush: number = constants.Z_SYNC_FLUSH,
  ): Buffer | null {
    output ??= Buffer.allocUnsafeSlow(OUTPUT_LENGTH);
    const internals = this.#internals;
    internals._handle?.writeSync(flush, input, start, length, output, 0, OUTPUT_LENGTH);
    // Node destroys the stream of a context in which zlib found an error.
    if (this.#stream.destroyed) return null;
    const state = internals._writeState;
    const outputLeft = state[0] as number;
    this.inputLeft = state[1] as number;
    this.isOutputFull = outputLeft === 0;
    return output.subarray(0, OUTPUT_LENGTH - outputLeft);
  }

  /**
   * Puts bytes through on the thread pool. `onOutput` gets each piece of the output, `onEnd` then how
   * many bytes of the input were used, or -1 when they are no DEFLATE data. Neither is called after
   * `close`. Nothing else may be run meanwhile.
   */
  runLater(
    input: Uint8Array,
    onOutput: (piece: Buffer) => void,
    onEnd: (used: number) => void,
  ): void {
    const stream = this.#stream;
    const internals = this.#internals;
    internals._chunkSize = OUTPUT_LENGTH;
    internals._outBuffer = Buffer.allocUnsafeSlow(OUTPUT_LENGTH);
    internals._outOffset = 0;
    const before = stream.bytesWritten;
    let ended = false;
    const end = (used: number): void => {
      if (ended) return;
      ended = true;
      stream.off('data', onOutput).off('end', onStop).off('error', onError);
      internals._outBuffer = EMPTY;
      if (!this.#closed) onEnd(used);
    };
    // A final block ends the stream, whatever stands behind it.
    const onStop = (): void => end(stream.bytesWritten - before);
    const onError = (): void => end(-1);
    stream.on('data', onOutput).on('end', onStop).on('error', onError);
    stream.write(input, () => end(stream.destroyed ? -1 : input.length));
  }

  /** Forgets what went through, and begins anew. */
  reset(): void {
    this.#internals._handle?.reset();
  }

  /** Gives the memory back, as soon as a run on the pool has ended. */
  close(): void {
    this.#closed = true;
    this.#stream.removeAllListeners('data');
    this.#stream.close();
  }

  static #supported: boolean | null = null;

  /** Whether contexts work as expected in this version of Node; found out by using two of them once. */
  static isSupported(): boolean {
    Context.#supported ??= Context.#tryOut();
    return Context.#supported;
  }

  static #tryOut(): boolean {
    try {
      const deflate = new Context('deflate', { windowBits: 9 });
      const inflate = new Context('inflate', { windowBits: 9 });
      const text = Buffer.from('contexts, contexts');
      const first = Buffer.from(deflate.run(text, 0, text.length) as Buffer);
      const second = Buffer.from(deflate.run(text, 0, text.length) as Buffer);
      // The second time the window has all of it.
      let works = second.length < first.length;
      for (const piece of [first, second]) {
        works &&= inflate.run(piece, 0, piece.length)?.equals(text) === true;
        works &&= inflate.inputLeft === 0 && !inflate.isOutputFull;
      }
      deflate.reset();
      for (let i = 0; i < 2; i++) {
        const alone = deflate.run(text, 0, text.length, constants.Z_FULL_FLUSH);
        works &&= alone?.equals(first) === true;
      }
      for (const context of [deflate, inflate]) {
        const { _outOffset, _chunkSize } = context.#internals;
        works &&= _outOffset === 0 && _chunkSize === SMALLEST_CHUNK;
        context.close();
      }
      return works;
    } catch {
      return false;
    }
  }
}

function ignore(): void {}
