// Masking (§5.3): octet i of a payload is XORed with octet i mod 4 of the masking key.
// A key travels through the code as one 32-bit integer whose lowest byte is key octet 0, so that a
// rotated key, the state between two spans of one payload, is a number as well. Knows no frames.

// Octets of the key in memory order, seen as one word: right on either byte order.
const octets = new Uint8Array(4);
const word = new Int32Array(octets.buffer);

/** Below this many bytes a plain loop beats setting up a word view (measured on V8). */
const WORDWISE_FROM = 80;

/**
 * XORs `bytes[start, end)` in place with `key` and returns the key for the byte that follows, so
 * that a payload may be worked on span by span: `key = mask(a, key); key = mask(b, key)`.
 * Applying it twice with the same key gives the original back (§5.3). Throws RangeError when the
 * span does not lie within `bytes`.
 */
export function mask(
  bytes: Uint8Array,
  key: number,
  start = 0,
  end: number = bytes.length,
): number {
  // A word view would reach past `bytes`, into whatever shares its ArrayBuffer.
  if (start < 0 || end > bytes.length) throw new RangeError('The span must lie within the bytes');
  if (end - start < WORDWISE_FROM) return maskBytewise(bytes, key, start, end);

  // Word views need an offset into the underlying ArrayBuffer that 4 divides.
  const aligned = start + (-(bytes.byteOffset + start) & 3);
  const wordKey = maskBytewise(bytes, key, start, aligned);
  octets[0] = wordKey;
  octets[1] = wordKey >>> 8;
  octets[2] = wordKey >>> 16;
  octets[3] = wordKey >>> 24;
  const k = word[0];

  const count = (end - aligned) >>> 2;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + aligned, count);
  const unrolled = count & ~7;
  let i = 0;
  for (; i < unrolled; i += 8) {
    words[i] ^= k;
    words[i + 1] ^= k;
    words[i + 2] ^= k;
    words[i + 3] ^= k;
    words[i + 4] ^= k;
    words[i + 5] ^= k;
    words[i + 6] ^= k;
    words[i + 7] ^= k;
  }
  for (; i < count; i++) words[i] ^= k;
  return maskBytewise(bytes, wordKey, aligned + (count << 2), end);
}

/**
 * Copies `source` into `target` at `offset`, masked with `key`; `source` is not changed (§5.3, §10.3).
 * Returns the key for the byte that follows, as `mask` does. Throws RangeError when it does not fit.
 */
export function maskInto(
  source: Uint8Array,
  target: Uint8Array,
  offset: number,
  key: number,
): number {
  target.set(source, offset);
  return mask(target, key, offset, offset + source.length);
}

/**
 * Copies `source[start, start + target.length)` into `target`, masked with `key`, octet by octet: for
 * short spans. Returns the octets of `target` ORed together, which is below 128 when all are ASCII.
 * Throws RangeError when `source` does not hold so many.
 */
export function maskAcross(
  source: Uint8Array,
  start: number,
  key: number,
  target: Uint8Array,
): number {
  const count = target.length;
  if (start < 0 || start + count > source.length) {
    throw new RangeError('The span must lie within the bytes');
  }
  const k0 = key & 255;
  const k1 = (key >>> 8) & 255;
  const k2 = (key >>> 16) & 255;
  const k3 = key >>> 24;
  let seen = 0;
  let at = start;
  let i = 0;
  for (; i + 3 < count; i += 4, at += 4) {
    const o0 = source[at] ^ k0;
    const o1 = source[at + 1] ^ k1;
    const o2 = source[at + 2] ^ k2;
    const o3 = source[at + 3] ^ k3;
    target[i] = o0;
    target[i + 1] = o1;
    target[i + 2] = o2;
    target[i + 3] = o3;
    seen |= o0 | o1 | o2 | o3;
  }
  for (let k = key; i < count; i++, k >>>= 8) seen |= target[i] = source[at++] ^ (k & 255);
  return seen;
}

/** The key after `count` more octets. */
export function rotateKey(key: number, count: number): number {
  const bits = (count & 3) << 3;
  return bits === 0 ? key : (key >>> bits) | (key << (32 - bits));
}

function maskBytewise(bytes: Uint8Array, key: number, start: number, end: number): number {
  const k0 = key & 255;
  const k1 = (key >>> 8) & 255;
  const k2 = (key >>> 16) & 255;
  const k3 = key >>> 24;
  let i = start;
  for (; i + 3 < end; i += 4) {
    bytes[i] ^= k0;
    bytes[i + 1] ^= k1;
    bytes[i + 2] ^= k2;
    bytes[i + 3] ^= k3;
  }
  const rest = end - i;
  if (rest > 0) bytes[i] ^= k0;
  if (rest > 1) bytes[i + 1] ^= k1;
  if (rest > 2) bytes[i + 2] ^= k2;
  return rotateKey(key, rest);
}
