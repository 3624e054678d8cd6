// Fragments to messages (§5.4): collects the pieces of one message, checks text as it comes (§8.1).
// What is kept is bounded by the bytes that came, not by what was announced nor by the number of
// pieces: small pieces are copied together, and a piece never holds on to a much larger chunk.

import type { Buffer } from 'node:buffer';
import { ProtocolError } from '../errors.ts';
import { allocateBlock } from './block.ts';
import { Utf8Validator } from './utf8.ts';

/** A piece at least this long may be kept as it is. */
const KEEP_FROM = 4096;
const SMALLEST_BLOCK = 1024;
const LARGEST_BLOCK = 65536;
/**
 * A frame's memory is set aside when it is at most this many times what has come: not taken from the
 * system before it is written to, but no longer free for others.
 */
const GATHER_RATIO = 16;

/** Collects one message at a time. */
export class Assembler {
  readonly #utf8: Utf8Validator | null;
  #isText = false;
  /** Full pieces in order; then the block that is being filled. */
  #blocks: Buffer[] = [];
  #block: Buffer | null = null;
  #filled = 0;
  #length = 0;

  /** `checkText: false` takes text on trust. */
  constructor(checkText = true) {
    this.#utf8 = checkText ? new Utf8Validator() : null;
  }

  /** Bytes of the message in progress. */
  get length(): number {
    return this.#length;
  }

  /** A new message begins. */
  begin(isText: boolean): void {
    this.#isText = isText;
  }

  /**
   * Adds a piece. With `borrowed` its bytes belong to someone else and are copied; otherwise a large
   * piece may be kept as the view it is. Throws ProtocolError 1007 at the first byte that no UTF-8
   * text can hold at that place (§8.1), whether or not the frame is complete. `announced`: bytes of
   * the frame behind this piece.
   */
  write(piece: Buffer, borrowed: boolean, announced = 0): void {
    if (this.#isText && this.#utf8 !== null && !this.#utf8.write(piece)) throw invalidUtf8();
    this.#length += piece.length;
    // A view of a small part of a large chunk would keep all of that chunk alive; and the rest of a
    // block stays empty when a view is put behind it, so that rest must not be longer than the view.
    if (
      !borrowed &&
      piece.length >= KEEP_FROM &&
      piece.length * 2 >= piece.buffer.byteLength &&
      piece.length >= this.#room()
    ) {
      this.#closeBlock();
      this.#blocks.push(piece);
      return;
    }
    if (announced > 0 && this.#block === null) this.#gather(piece.length + announced);
    this.#copy(piece);
  }

  /**
   * The message is complete: returns it in one buffer, which is the caller's, and forgets it. Throws
   * ProtocolError 1007 when a text ends inside a character (§8.1).
   */
  end(): Buffer {
    if (this.#isText && this.#utf8 !== null && !this.#utf8.end()) throw invalidUtf8();
    this.#closeBlock();
    const message = this.#blocks.length === 1 ? this.#blocks[0] : this.#join(this.#length);
    this.#clear();
    return message;
  }

  /** Drops the message in progress and its memory. */
  reset(): void {
    this.#utf8?.reset();
    this.#block = null;
    this.#clear();
  }

  #clear(): void {
    this.#blocks = [];
    this.#length = 0;
  }

  /**
   * Once so much of a frame has come that memory for all of it is in proportion, the message goes on
   * in one block of the announced length, so that its end costs no copy. What came before is moved
   * there: never more than is still to come, so that many frames do not make many copies.
   */
  #gather(rest: number): void {
    const before = this.#blocks.reduce((sum, { length }) => sum + length, 0);
    if (before > rest || before + rest > this.#length * GATHER_RATIO) return;
    this.#block = this.#join(before + rest);
    this.#blocks = [];
    this.#filled = before;
  }

  /** What is in the full blocks, at the start of a new one. */
  #join(length: number): Buffer {
    const joined = allocateBlock(length);
    let filled = 0;
    for (const piece of this.#blocks) filled += piece.copy(joined, filled);
    return joined;
  }

  #copy(piece: Buffer): void {
    let at = 0;
    while (at < piece.length) {
      if (this.#block === null) {
        const size = Math.max(piece.length - at, Math.min(this.#length, LARGEST_BLOCK));
        this.#block = allocateBlock(Math.max(size, SMALLEST_BLOCK));
        this.#filled = 0;
      }
      const count = piece.copy(this.#block, this.#filled, at);
      at += count;
      this.#filled += count;
      if (this.#filled === this.#block.length) this.#closeBlock();
    }
  }

  /** Bytes that the open block can still take. */
  #room(): number {
    return this.#block === null ? 0 : this.#block.length - this.#filled;
  }

  #closeBlock(): void {
    if (this.#block === null) return;
    this.#blocks.push(this.#block.subarray(0, this.#filled));
    this.#block = null;
  }
}

/** §8.1: the error for text that is not UTF-8. */
export function invalidUtf8(): ProtocolError {
  return new ProtocolError(
    1007,
    'WS_ERR_INVALID_UTF8',
    'Invalid WebSocket frame: invalid UTF-8 sequence',
  );
}
