// Messages and control payloads to frames (§5.2, §6.1), gathered into as few buffers as will do, so
// that everything written between two calls of `take` can leave in one system call. Small frames are
// copied into a shared slab; a large payload stays where it is unless it must be masked.

import { Buffer } from 'node:buffer';
import { type KeySource, randomKey } from '../mask/key.ts';
import { mask, maskInto } from '../mask/mask.ts';
import { encodeHeader, encodeMaskedHeader, headerLength, MAX_HEADER_LENGTH } from './header.ts';
import type { Role } from './rules.ts';
import { findSlab, giveBack, SLAB_LENGTH, type Slab } from './slab.ts';

/** Payloads below this many bytes are copied, never kept: that costs less than one more buffer in a write. */
export const COPY_BELOW = 32_768;
/** A writer that others have come between gets so much of the slab for what it still writes. */
const SHARE = 2048;
/** Several small buffers are joined up to this many bytes. */
const JOIN_BELOW = 32768;
const KEY_LENGTH = 4;

/** Encodes the frames of one connection. A client's are masked, a server's never are (§5.1). */
export class FrameWriter {
  readonly #masks: boolean;
  readonly #nextKey: KeySource;
  /** Finished buffers, in order. */
  #chunks: Buffer[] = [];
  /** The open region, `#slab[#start, #end)`, with room up to `#limit`; none while `#slab` is null. */
  #slab: Slab | null = null;
  #start = 0;
  #end = 0;
  #limit = 0;
  #length = 0;
  /** A payload among the finished buffers is the caller's own or has a buffer to itself. */
  #hasLarge = false;
  /** The slab of each region among what is finished; of most batches there is one. */
  #region: Slab | null = null;
  #moreRegions: Slab[] | null = null;
  /** The same of the last batch taken. */
  #taken: Slab | null = null;
  #moreTaken: Slab[] | null = null;

  constructor(role: Role, nextKey: KeySource = randomKey) {
    this.#masks = role === 'client';
    this.#nextKey = nextKey;
  }

  /** Bytes that wait to be taken. */
  get length(): number {
    return this.#length;
  }

  /**
   * Adds a frame. `first` is its first byte: FIN, RSV bits and opcode (§5.2). A string is sent as
   * UTF-8, lone surrogates as U+FFFD (§5.6). Bytes are copied, except that a server's payload from
   * 32 KiB up is kept by reference and must not change until it has been written; a client's is
   * masked into a buffer of ours and never touched (§5.3, §10.3). Returns the payload's length.
   */
  write(first: number, payload: string | Uint8Array): number {
    return typeof payload === 'string'
      ? this.#writeText(first, payload)
      : this.#writeBytes(first, payload);
  }

  /** Adds bytes that are frames already, kept by reference. */
  append(frames: Buffer): void {
    this.#push(frames);
    this.#length += frames.length;
    this.#hasLarge ||= frames.length >= COPY_BELOW;
  }

  /** Adds a frame that is encoded already, in pieces: copied below 32 KiB, else kept by reference. */
  writeEncoded(frame: readonly Uint8Array[]): void {
    let length = 0;
    for (const piece of frame) length += piece.length;
    if (length >= COPY_BELOW) {
      for (const piece of frame) {
        this.append(Buffer.from(piece.buffer, piece.byteOffset, piece.length));
      }
      return;
    }
    let end = this.#reserve(length);
    for (const piece of frame) {
      (this.#slab as Slab).bytes.set(piece, end);
      end += piece.length;
    }
    this.#end = end;
    this.#length += length;
  }

  /** Everything added since the last call, in order; the buffers are the caller's from here on. */
  take(): Buffer[] {
    this.#closeRegion();
    const chunks = this.#chunks;
    const length = this.#length;
    this.#chunks = [];
    this.#length = 0;
    this.#taken = this.#region;
    this.#moreTaken = this.#moreRegions;
    this.#region = null;
    this.#moreRegions = null;
    // Several small regions come from writers taking turns on the slab: one write is worth a copy.
    // A large payload among them is not: it was left where it is so as not to be copied.
    const joins = chunks.length > 1 && length < JOIN_BELOW && !this.#hasLarge;
    this.#hasLarge = false;
    return joins ? [Buffer.concat(chunks, length)] : chunks;
  }

  /**
   * What the last `take` gave has been copied or written: the slab it lies in may be written again.
   * Not to be called while anybody may still read those buffers; never calling it is no fault.
   */
  reclaim(): void {
    if (this.#taken !== null) giveBack(this.#taken);
    if (this.#moreTaken !== null) for (const slab of this.#moreTaken) giveBack(slab);
    this.#taken = null;
    this.#moreTaken = null;
  }

  #writeText(first: number, text: string): number {
    // UTF-8 takes 1 to 3 bytes for each UTF-16 unit.
    const most = text.length * 3;
    if (most > 125 || this.#masks) {
      const length = Buffer.byteLength(text);
      if (length >= COPY_BELOW) return this.#writeLargeText(first, text, length);
      const start = this.#reserve(MAX_HEADER_LENGTH + length);
      const at = this.#header(first, length, start);
      (this.#slab as Slab).bytes.write(text, at);
      return this.#commit(start, at, length);
    }
    const start = this.#reserve(2 + most);
    const target = (this.#slab as Slab).bytes;
    const length = target.write(text, start + 2);
    encodeHeader(target, start, first, length);
    return this.#commit(start, start + 2, length);
  }

  #writeBytes(first: number, payload: Uint8Array): number {
    const length = payload.length;
    if (length >= COPY_BELOW) return this.#writeLargeBytes(first, payload);
    const start = this.#reserve(MAX_HEADER_LENGTH + length);
    const at = this.#header(first, length, start);
    (this.#slab as Slab).bytes.set(payload, at);
    return this.#commit(start, at, length);
  }

  /** §5.3: the key of the frame begun by `#header`; each frame has a new one. */
  #key = 0;

  /** Writes a header into the slab at `start`, returns the position of the payload. */
  #header(first: number, length: number, start: number): number {
    const target = (this.#slab as Slab).bytes;
    if (!this.#masks) return encodeHeader(target, start, first, length);
    this.#key = this.#nextKey();
    return encodeMaskedHeader(target, start, first, length, this.#key);
  }

  /** The frame at `start`, its payload at `at`, is complete but for the mask. */
  #commit(start: number, at: number, length: number): number {
    const end = at + length;
    if (this.#masks) mask((this.#slab as Slab).bytes, this.#key, at, end);
    this.#end = end;
    this.#length += end - start;
    return length;
  }

  #writeLargeText(first: number, text: string, length: number): number {
    const frame = this.#allocate(length);
    const key = this.#masks ? this.#nextKey() : 0;
    const at = this.#masks
      ? encodeMaskedHeader(frame, 0, first, length, key)
      : encodeHeader(frame, 0, first, length);
    frame.write(text, at);
    if (this.#masks) mask(frame, key, at);
    this.append(frame);
    return length;
  }

  #writeLargeBytes(first: number, payload: Uint8Array): number {
    const length = payload.length;
    if (this.#masks) {
      const frame = this.#allocate(length);
      const key = this.#nextKey();
      maskInto(payload, frame, encodeMaskedHeader(frame, 0, first, length, key), key);
      this.append(frame);
      return length;
    }
    const start = this.#reserve(MAX_HEADER_LENGTH);
    const at = this.#header(first, length, start);
    this.#commit(start, at, 0);
    this.append(Buffer.from(payload.buffer, payload.byteOffset, length));
    return length;
  }

  /** A buffer for one whole frame: not pooled, as it is as large as a pool. */
  #allocate(length: number): Buffer {
    return Buffer.allocUnsafeSlow(headerLength(length) + (this.#masks ? KEY_LENGTH : 0) + length);
  }

  /** Room for `count` bytes behind the open region; a new region where that cannot grow. */
  #reserve(count: number): number {
    const limit = this.#end + count;
    const open = this.#slab;
    if (open !== null) {
      if (limit <= this.#limit) return this.#end;
      if (this.#limit === open.used && limit <= SLAB_LENGTH) {
        open.used = limit;
        this.#limit = limit;
        return this.#end;
      }
      this.#closeRegion();
    }
    const size = this.#chunks.length > 0 ? Math.max(count, SHARE) : count;
    const slab = findSlab(size);
    slab.live++;
    this.#slab = slab;
    this.#start = slab.used;
    this.#end = slab.used;
    slab.used += size;
    this.#limit = slab.used;
    return this.#end;
  }

  #closeRegion(): void {
    const slab = this.#slab;
    if (slab === null) return;
    // What it has not needed, if nobody has come behind it.
    if (this.#limit === slab.used) slab.used = this.#end;
    this.#chunks.push(slab.bytes.subarray(this.#start, this.#end));
    if (this.#region === null) {
      this.#region = slab;
    } else {
      this.#moreRegions ??= [];
      this.#moreRegions.push(slab);
    }
    this.#slab = null;
  }

  #push(chunk: Buffer): void {
    this.#closeRegion();
    this.#chunks.push(chunk);
  }
}
