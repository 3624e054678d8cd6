// What the load sends and how it reads replies: masked client frames built before the clock starts, and
// a counter that walks frames by their header lengths (§5.2). Independent of src/ on purpose: a fault
// of the frame room must not hide in the instrument that measures it. Knows no sockets.

import { randomFillSync } from 'node:crypto';
import { constants, inflateRawSync } from 'node:zlib';

export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
/** What RFC 7692 §7.2.1 has taken off the end of a compressed message. */
export const DEFLATE_TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** One masked frame with a random key that is not zero (§5.3); `rsv1` as RFC 7692 §6 uses it. */
export function encodeMasked(
  opcode: number,
  fin: boolean,
  payload: Uint8Array,
  rsv1 = false,
): Buffer {
  const { length } = payload;
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.allocUnsafe(6 + extra + length);
  frame[0] = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode;
  frame[1] = 0x80 | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) frame.writeUInt16BE(length, 2);
  if (extra === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  const start = 6 + extra;
  const key = frame.subarray(start - 4, start);
  do randomFillSync(key);
  while (key.readUInt32BE() === 0);
  for (let i = 0; i < length; i++) frame[start + i] = payload[i] ^ key[i & 3];
  return frame;
}

/** One message in fragments of `size` bytes (§5.4), or in one frame when it is no longer than that. */
export function encodeMessage(opcode: number, payload: Uint8Array, size: number): Buffer {
  const frames: Buffer[] = [];
  for (let start = 0; start === 0 || start < payload.length; start += size) {
    const fin = start + size >= payload.length;
    const part = payload.subarray(start, start + size);
    frames.push(encodeMasked(start === 0 ? opcode : 0, fin, part));
  }
  return Buffer.concat(frames);
}

/** Counts messages in a stream of frames, whatever pieces it comes in; keeps none of the bytes. */
export class FrameCounter {
  readonly #onMessage: (length: number, compressed: boolean) => void;
  readonly #onClose: () => void;
  readonly #header = Buffer.alloc(14);
  #gathered = 0;
  #remaining = 0;
  #inPayload = false;
  #keyAt = -1;
  #position = 0;
  #length = 0;
  #expected: Uint8Array | null = null;
  #compressed = false;
  /** The pieces of a compressed message that is to be compared. */
  #pieces: Buffer[] = [];

  /**
   * @param onMessage called with the payload length of each complete data message, as it was on the
   *   wire when `compressed`
   * @param onClose called for each Close frame
   */
  constructor(onMessage: (length: number, compressed: boolean) => void, onClose: () => void) {
    this.#onMessage = onMessage;
    this.#onClose = onClose;
  }

  /**
   * Compare the next message byte by byte; a difference throws from `push`. A compressed one must be
   * the first of its connection, as nothing is known of those before it.
   */
  expect(payload: Uint8Array): void {
    this.#expected = payload;
  }

  /** Reads `chunk`, which stays the caller's. Throws on a reserved opcode or unexpected content. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (!this.#inPayload) {
        this.#header[this.#gathered++] = chunk[at++];
        if (this.#gathered < 2 || this.#gathered < this.#headerLength()) continue;
        this.#beginPayload();
      } else {
        const end = Math.min(chunk.length, at + this.#remaining);
        if (this.#expected !== null) this.#compare(chunk, at, end);
        this.#remaining -= end - at;
        at = end;
      }
      if (this.#remaining === 0) this.#endFrame();
    }
  }

  #headerLength(): number {
    const second = this.#header[1];
    const length7 = second & 0x7f;
    return 2 + (length7 === 126 ? 2 : length7 === 127 ? 8 : 0) + (second >> 7) * 4;
  }

  #beginPayload(): void {
    const length7 = this.#header[1] & 0x7f;
    if (length7 === 126) this.#remaining = this.#header.readUInt16BE(2);
    else if (length7 === 127) this.#remaining = Number(this.#header.readBigUInt64BE(2));
    else this.#remaining = length7;
    // Bare servers return our own masked frames.
    this.#keyAt = this.#header[1] & 0x80 ? this.#gathered - 4 : -1;
    this.#position = 0;
    this.#gathered = 0;
    this.#inPayload = true;
    const opcode = this.#header[0] & 0x0f;
    if (opcode > 0xa || (opcode > BINARY && opcode < CLOSE)) {
      throw new Error(`the server sent reserved opcode ${opcode}`);
    }
    if (opcode >= CLOSE) return;
    this.#length += this.#remaining;
    // RFC 7692 §6: RSV1 stands on the first frame of a compressed message only.
    if (opcode !== 0) this.#compressed = (this.#header[0] & 0x40) !== 0;
  }

  #compare(chunk: Uint8Array, start: number, end: number): void {
    if ((this.#header[0] & 0x0f) >= CLOSE || this.#expected === null) return;
    if (this.#compressed) {
      this.#pieces.push(Buffer.from(chunk.subarray(start, end)));
      return;
    }
    // Where this frame's payload begins within its message.
    const before = this.#length - this.#remaining - this.#position;
    for (let at = start; at < end; at++) {
      const key = this.#keyAt < 0 ? 0 : this.#header[this.#keyAt + (this.#position & 3)];
      if ((chunk[at] ^ key) !== this.#expected[before + this.#position]) {
        throw new Error('the server sent back other bytes than it was sent');
      }
      this.#position++;
    }
  }

  #endFrame(): void {
    this.#inPayload = false;
    const first = this.#header[0];
    const opcode = first & 0x0f;
    if (opcode === CLOSE) this.#onClose();
    if (opcode >= CLOSE || (first & 0x80) === 0) return;
    const length = this.#length;
    if (this.#compressed && this.#expected !== null) this.#compareInflated(this.#expected);
    this.#length = 0;
    this.#expected = null;
    this.#onMessage(length, this.#compressed);
  }

  #compareInflated(expected: Uint8Array): void {
    const deflated = Buffer.concat([...this.#pieces, DEFLATE_TAIL]);
    this.#pieces = [];
    const inflated = inflateRawSync(deflated, { finishFlush: constants.Z_SYNC_FLUSH });
    if (!inflated.equals(expected))
      throw new Error('the server compressed other bytes than it was sent');
  }
}
