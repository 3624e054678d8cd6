// Bytes to frames (§5.2, §6.2), however the transport cut them. Two states: in a header, in a payload.
// Payloads are handed on piece by piece, unmasked, so that nothing is kept here but a header that is
// cut in two and the 125 bytes of a control frame. Knows no messages and no sockets.

import { Buffer } from 'node:buffer';
import { isInArena, maskInArena } from '../mask/arena.ts';
import { mask, maskAcross } from '../mask/mask.ts';
import { decodeHeader, FrameHeader, MAX_HEADER_LENGTH } from './header.ts';
import { isControl, Opcode } from './opcode.ts';
import type { FrameContext } from './rules.ts';
import { extentOf, fragmentsOf, joinRun, joinRunInArena, LONGEST_RUN, payloadOf } from './run.ts';

/** Where a reader's frames go. Either call may stop the reader; it looks before it goes on. */
export interface FrameSink {
  /**
   * A piece of a data frame's payload, unmasked; `last` when the frame is complete (a frame without
   * payload gives one empty piece). `header` is the reader's own and changes with the next frame;
   * `piece` is a view of the chunk that was read, valid as long as that is.
   */
  onData(header: FrameHeader, piece: Buffer, last: boolean): void;
  /**
   * A whole short message: the payload of a masked frame that is not fragmented, nor compressed, and lay
   * in one chunk. `payload` is unmasked and the sink's own; `isAscii` if all of its bytes are. A sink that
   * has not this gets it by `onData`.
   */
  onShort?(opcode: number, payload: Buffer, isAscii: boolean): void;
  /**
   * Fragments in the middle of a message, joined: their payloads, unmasked, as if they had come in one
   * continuation. A sink that has this gets short ones so, wherever that makes no other difference; one
   * that has not gets each by `onData`. `piece` as there.
   */
  onRun?(piece: Buffer): void;
  /** A whole control frame, unmasked. `payload` may be a view of the chunk that was read. */
  onControl(opcode: number, payload: Buffer): void;
}

const EMPTY = Buffer.alloc(0);
/** In a shorter chunk it is not worthwhile to find out whether masking is fast. */
const ASK_FROM = 64;

/** Up to this many bytes a payload is unmasked on its way into memory of its own (measured on V8). */
const SHORT = 80;

/** An incremental frame reader. */
export class FrameReader {
  readonly #context: FrameContext;
  readonly #sink: FrameSink;
  readonly #header = new FrameHeader();
  /** Payload bytes of the current frame that have not come yet; -1 while a header is being read. */
  #remaining = -1;
  /** The current frame's key, rotated to the next payload byte. */
  #key = 0;
  /** What has come of a header that a chunk border cut. */
  #partial: Buffer | null = null;
  #partialLength = 0;
  /** What has come of a control payload that a chunk border cut. */
  #control: Buffer | null = null;
  #stopped = false;
  #suspended = false;

  constructor(context: FrameContext, sink: FrameSink) {
    this.#context = context;
    this.#sink = sink;
  }

  /** Payload bytes of the current frame that have not come yet; -1 while a header is being read. */
  get remaining(): number {
    return this.#remaining;
  }

  /** Reads no further, neither in the current chunk nor in any later one (§7.1.7). */
  stop(): void {
    this.#stopped = true;
    this.#partial = null;
    this.#control = null;
  }

  /** Reads no further in the current chunk; `resume` comes before the next. */
  suspend(): void {
    this.#suspended = true;
  }

  /** Ends `suspend`. */
  resume(): void {
    this.#suspended = false;
  }

  /**
   * Reads `chunk` to its end, or to where the sink has it stop; returns how far. The reader owns it from
   * here on: payloads are unmasked in place, or joined there, and the sink gets views of it. Throws
   * ProtocolError at the first byte that breaks a rule; what stood before it has been handed on, and
   * nothing may be read after it.
   */
  read(chunk: Buffer): number {
    const end = chunk.length;
    let at = 0;
    const isFast = end >= ASK_FROM && isInArena(chunk);
    while (at < end && !this.#stopped && !this.#suspended) {
      if (this.#remaining < 0) {
        const start = at;
        if (this.#mayRun(chunk, at)) at = this.#readRun(chunk, at, end, isFast);
        if (at > start) continue;
        at = this.#readHeader(chunk, at, end);
        // A frame without payload is complete with its header.
        if (this.#remaining === 0) this.#finish(EMPTY);
        else if (this.#remaining > 0 && this.#isShort(end - at)) at = this.#readShort(chunk, at);
        continue;
      }
      const count = Math.min(this.#remaining, end - at);
      if (this.#header.masked) {
        const span = isFast ? maskInArena : mask;
        this.#key = span(chunk, this.#key, at, at + count);
      }
      const piece = chunk.subarray(at, at + count);
      at += count;
      this.#remaining -= count;
      if (this.#remaining === 0) this.#finish(piece);
      else if (isControl(this.#header.opcode)) this.#keepControl(piece);
      else this.#sink.onData(this.#header, piece, false);
    }
    return at;
  }

  /** Whether the payload that begins is a short message, and among the `count` bytes that are there. */
  #isShort(count: number): boolean {
    const { fin, rsv1, opcode, masked, length } = this.#header;
    if (length > SHORT || length > count || !fin || rsv1 || !masked) return false;
    // The last fragment of a message is a continuation.
    return (opcode === Opcode.TEXT || opcode === Opcode.BINARY) && this.#sink.onShort !== undefined;
  }

  #readShort(chunk: Buffer, at: number): number {
    const { opcode, length } = this.#header;
    const payload = Buffer.allocUnsafe(length);
    const octets = maskAcross(chunk, at, this.#key, payload);
    this.#remaining = -1;
    (this.#sink as Required<FrameSink>).onShort(opcode, payload, octets < 0x80);
    return at + length;
  }

  /** Whether a continuation without FIN stands at `at`, and may be joined with those behind it. */
  #mayRun(chunk: Buffer, at: number): boolean {
    if (chunk[at] !== 0 || !this.#context.inMessage || this.#partialLength > 0) return false;
    // §5.1: what comes to a server is masked, as runs are.
    return this.#context.role === 'server' && this.#sink.onRun !== undefined;
  }

  /** Takes the run of short fragments at `at`; returns the position behind it. */
  #readRun(chunk: Buffer, at: number, end: number, isFast: boolean): number {
    const stop = Math.min(end, at + LONGEST_RUN);
    const room = Math.min(this.#context.room, stop - at);
    const most = Math.min(this.#context.fragmentsLeft, stop - at);
    const run = (isFast ? joinRunInArena : joinRun)(chunk, at, stop, room, most);
    if (run === 0) return at;
    const length = payloadOf(run);
    this.#context.enterRun(fragmentsOf(run), length);
    (this.#sink as Required<FrameSink>).onRun(chunk.subarray(at, at + length));
    return at + extentOf(run);
  }

  /** Decodes a header at `at`; returns the position behind it, or `end` when it is not complete. */
  #readHeader(chunk: Buffer, at: number, end: number): number {
    if (this.#partialLength === 0) {
      const size = decodeHeader(this.#header, chunk, at, end, this.#context);
      if (size > 0) {
        this.#begin();
        return at + size;
      }
    }
    // The rest of a header is at most a few bytes, so it is tried again from its start with each.
    this.#partial ??= Buffer.allocUnsafeSlow(MAX_HEADER_LENGTH);
    const partial = this.#partial;
    while (at < end) {
      partial[this.#partialLength++] = chunk[at++];
      if (decodeHeader(this.#header, partial, 0, this.#partialLength, this.#context) > 0) {
        this.#partialLength = 0;
        this.#begin();
        return at;
      }
    }
    return at;
  }

  #begin(): void {
    const header = this.#header;
    if (!isControl(header.opcode)) this.#context.enter(header.fin, header.length);
    this.#remaining = header.length;
    this.#key = header.key;
  }

  /** The frame's last piece has come. */
  #finish(piece: Buffer): void {
    this.#remaining = -1;
    const header = this.#header;
    if (!isControl(header.opcode)) {
      this.#sink.onData(header, piece, true);
      return;
    }
    const control = this.#control;
    if (control === null) {
      this.#sink.onControl(header.opcode, piece);
      return;
    }
    this.#control = null;
    this.#sink.onControl(header.opcode, Buffer.concat([control, piece]));
  }

  /** Keeps a piece of a control payload: a copy, so that it does not keep its chunk alive. */
  #keepControl(piece: Buffer): void {
    this.#control = Buffer.concat(this.#control === null ? [piece] : [this.#control, piece]);
  }
}
