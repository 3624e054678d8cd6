// The frame header (§5.2): bits to fields and back. The encoder writes the shortest length form, as
// the sender must; the decoder hands each byte to the rules as soon as it is there.

import {
  checkExtendedLength,
  checkFirstByte,
  checkLengthTopBit,
  checkSecondByte,
  type FrameContext,
} from './rules.ts';

/** FIN as it stands in a header's first byte (§5.2). */
export const FIN = 0x80;
/** RSV1 as it stands there: the first frame of a compressed message has it (RFC 7692 §6). */
export const RSV1 = 0x40;
const MASK = 0x80;

/** A header is at most this long: 2 bytes, 8 of extended length, 4 of masking key (§5.2). */
export const MAX_HEADER_LENGTH = 14;

/** A decoded header. The reader owns one of these and fills it anew for every frame. */
export class FrameHeader {
  /** §5.2: the final fragment of its message. */
  fin = false;
  /** §5.2: reserved bit 1, which permessage-deflate uses (RFC 7692 §6). */
  rsv1 = false;
  /** §5.2: one of the values of `Opcode`. */
  opcode = 0;
  /** §5.1: the payload is masked. */
  masked = false;
  /** Masking key as `mask` takes it; 0 when not masked. */
  key = 0;
  /** Payload length in bytes; without the key, which is part of the header (§5.2). */
  length = 0;
}

/**
 * Decodes the header that starts at `bytes[start]` into `header`, checking it against the rules.
 * Returns the header's length in bytes, or 0 when `bytes[start, end)` does not hold all of it; the
 * fields of `header` then mean nothing. What is there is checked all the same, so that a fault
 * shows at its first byte. Throws ProtocolError (1002, 1009).
 */
export function decodeHeader(
  header: FrameHeader,
  bytes: Uint8Array,
  start: number,
  end: number,
  context: FrameContext,
): number {
  if (start >= end) return 0;
  const first = bytes[start];
  checkFirstByte(first, context);
  if (start + 1 >= end) return 0;
  const second = bytes[start + 1];
  checkSecondByte(first, second, context);

  let at = start + 2;
  let length = second & 0x7f;
  if (length === 126) {
    at += 2;
    if (at > end) return 0;
    length = (bytes[at - 2] << 8) | bytes[at - 1];
    checkExtendedLength(0, length, 126);
  } else if (length === 127) {
    if (at < end) checkLengthTopBit(bytes[at]);
    at += 8;
    if (at > end) return 0;
    // Two halves: a 64-bit number is more than a double holds exactly.
    const high = readUint32(bytes, at - 8);
    const low = readUint32(bytes, at - 4);
    checkExtendedLength(high, low, 127);
    length = high * 0x1_0000_0000 + low;
  }
  if ((first & 0x8) === 0) context.checkMessageLength(length);

  let key = 0;
  if ((second & MASK) !== 0) {
    at += 4;
    if (at > end) return 0;
    key = bytes[at - 4] | (bytes[at - 3] << 8) | (bytes[at - 2] << 16) | (bytes[at - 1] << 24);
  }
  header.fin = (first & FIN) !== 0;
  header.rsv1 = (first & RSV1) !== 0;
  header.opcode = first & 0x0f;
  header.masked = (second & MASK) !== 0;
  header.key = key;
  header.length = length;
  return at - start;
}

/** Bytes that the header of a frame with `length` bytes of payload takes, without a masking key. */
export function headerLength(length: number): number {
  return length < 126 ? 2 : length < 0x1_0000 ? 4 : 10;
}

/**
 * Writes an unmasked header at `target[at]` and returns the position behind it. `first` is the first
 * byte: FIN, RSV bits and opcode. §5.2: the shortest of the three length forms is used.
 */
export function encodeHeader(
  target: Uint8Array,
  at: number,
  first: number,
  length: number,
): number {
  target[at] = first;
  if (length < 126) {
    target[at + 1] = length;
    return at + 2;
  }
  if (length < 0x1_0000) {
    target[at + 1] = 126;
    target[at + 2] = length >>> 8;
    target[at + 3] = length;
    return at + 4;
  }
  target[at + 1] = 127;
  const high = Math.floor(length / 0x1_0000_0000);
  writeUint32(target, at + 2, high);
  writeUint32(target, at + 6, length);
  return at + 10;
}

/** Like `encodeHeader`, with the MASK bit set and the key behind the length (§5.3). */
export function encodeMaskedHeader(
  target: Uint8Array,
  at: number,
  first: number,
  length: number,
  key: number,
): number {
  const end = encodeHeader(target, at, first, length);
  target[at + 1] |= MASK;
  target[end] = key;
  target[end + 1] = key >>> 8;
  target[end + 2] = key >>> 16;
  target[end + 3] = key >>> 24;
  return end + 4;
}

function readUint32(bytes: Uint8Array, at: number): number {
  return bytes[at] * 0x100_0000 + ((bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]);
}

function writeUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = value / 0x100_0000;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}
