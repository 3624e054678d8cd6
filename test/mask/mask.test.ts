// Masking against the formula of §5.3 spelled out, over every length, start and alignment that the
// three loops inside could get wrong.

import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { mask, maskAcross, maskInto, rotateKey } from '../../src/mask/mask.ts';

/** §5.3, literally: transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4). */
function naive(bytes: Uint8Array, keyOctets: readonly number[]): Buffer {
  return Buffer.from(Array.from(bytes, (octet, i) => octet ^ (keyOctets[i % 4] as number)));
}

const OCTETS = [0x37, 0xfa, 0x21, 0x3d];
/** The same key as one number: octet 0 is the lowest byte. */
const KEY = 0x3d21fa37;

const noise = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 151 + 13) & 255));

describe('mask', () => {
  it('[6455-5.3-e] XORs octet i with key octet i mod 4: the example of §5.7', () => {
    const bytes = Buffer.from('Hello');
    mask(bytes, KEY);
    expect(bytes.toString('hex')).toBe('7f9f4d5158');
  });

  it('[6455-5.3-e] [6455-5.3-f] is the formula at every length, start and alignment, and undoes itself', () => {
    for (let alignment = 0; alignment < 8; alignment++) {
      for (let start = 0; start < 8; start++) {
        for (let length = 0; length <= 130; length++) {
          const size = start + length + 5;
          const memory = Buffer.from(new ArrayBuffer(alignment + size), alignment, size);
          const original = noise(size);
          original.copy(memory);
          const end = start + length;
          const next = mask(memory, KEY, start, end);

          const expected = Buffer.from(original);
          naive(original.subarray(start, end), OCTETS).copy(expected, start);
          if (!memory.equals(expected)) {
            expect.fail(`alignment ${alignment}, start ${start}, length ${length}`);
          }
          // The key it returns goes on where it stopped.
          expect([next & 255, (next >>> 8) & 255, (next >>> 16) & 255, next >>> 24]).toEqual(
            [0, 1, 2, 3].map((i) => OCTETS[(length + i) % 4]),
          );
          mask(memory, KEY, start, end);
          if (!memory.equals(original)) expect.fail(`not undone at length ${length}`);
        }
      }
    }
  });

  it('[6455-5.3-e] goes on over span borders with the key it returned', () => {
    const original = noise(301);
    const whole = naive(original, OCTETS);
    for (const step of [1, 2, 3, 5, 7, 49, 63, 64, 100]) {
      const bytes = Buffer.from(original);
      let key = KEY;
      for (let at = 0; at < bytes.length; at += step) {
        key = mask(bytes, key, at, Math.min(at + step, bytes.length));
      }
      expect(bytes.equals(whole)).toBe(true);
    }
  });

  it('takes a key as a signed or as an unsigned 32-bit number', () => {
    for (const length of [5, 200]) {
      const signed = noise(length);
      const unsigned = noise(length);
      mask(signed, 0x8899aabb | 0);
      mask(unsigned, 0x8899aabb);
      expect(signed.equals(unsigned)).toBe(true);
      expect(signed.equals(naive(noise(length), [0xbb, 0xaa, 0x99, 0x88]))).toBe(true);
    }
  });

  it('[6455-5.3-h] leaves bytes as they are under a key of zeros', () => {
    const bytes = noise(200);
    mask(bytes, 0);
    expect(bytes.equals(noise(200))).toBe(true);
  });

  it('works on any Uint8Array', () => {
    const bytes = new Uint8Array(noise(64));
    mask(bytes, KEY);
    expect(naive(noise(64), OCTETS).equals(bytes)).toBe(true);
  });

  it.each([
    [0, 11],
    [-1, 5],
    [0, 101],
    [-1, 90],
  ])('refuses a span from %i to %i that leaves the bytes, however long', (start, end) => {
    const memory = noise(300);
    const bytes = memory.subarray(100, end > 50 ? 200 : 110);
    expect(() => mask(bytes, KEY, start, end)).toThrow(RangeError);
    expect(memory.equals(noise(300))).toBe(true);
  });
});

describe('maskInto', () => {
  it('[6455-5.3-g] [6455-5.3-f] writes a masked copy and leaves the source alone', () => {
    for (const length of [0, 1, 3, 47, 48, 49, 200]) {
      const source = noise(length);
      const target = Buffer.alloc(length + 10, 0xee);
      const next = maskInto(source, target, 7, KEY);
      expect(source.equals(noise(length))).toBe(true);
      expect(target.subarray(7, 7 + length).equals(naive(source, OCTETS))).toBe(true);
      expect(target.subarray(0, 7).every((byte) => byte === 0xee)).toBe(true);
      expect(target.subarray(7 + length).every((byte) => byte === 0xee)).toBe(true);
      expect(next | 0).toBe(rotateKey(KEY, length) | 0);
    }
  });

  it('throws a RangeError when the source does not fit', () => {
    expect(() => maskInto(noise(9), Buffer.alloc(10), 2, KEY)).toThrow(RangeError);
  });
});

describe('maskAcross', () => {
  it('[6455-5.3-e] [6455-5.3-f] writes a masked copy of a span, and ORs what it writes', () => {
    for (let start = 0; start < 8; start++) {
      for (let length = 0; length <= 90; length++) {
        const source = noise(start + length + 3);
        const target = Buffer.alloc(length);
        const octets = maskAcross(source, start, KEY, target);
        expect(source.equals(noise(source.length))).toBe(true);
        const expected = naive(source.subarray(start, start + length), OCTETS);
        if (!target.equals(expected)) expect.fail(`start ${start}, length ${length}`);
        expect(octets).toBe(expected.reduce((all, octet) => all | octet, 0));
      }
    }
  });

  it('tells text that is ASCII from any other by its return, wherever the other octet stands', () => {
    for (let length = 1; length < 70; length++) {
      for (let at = -1; at < length; at++) {
        const text = Buffer.alloc(length, 'a');
        if (at >= 0) text[at] = 0x80;
        mask(text, KEY);
        expect(maskAcross(text, 0, KEY, Buffer.alloc(length)) < 0x80).toBe(at < 0);
      }
    }
  });

  it('throws a RangeError for a span that is not there', () => {
    expect(() => maskAcross(noise(9), 2, KEY, Buffer.alloc(8))).toThrow(RangeError);
    expect(() => maskAcross(noise(9), -1, KEY, Buffer.alloc(8))).toThrow(RangeError);
  });
});

describe('rotateKey', () => {
  it.each([
    [0, 0x3d21fa37],
    [1, 0x373d21fa],
    [2, 0xfa373d21],
    [3, 0x21fa373d],
    [4, 0x3d21fa37],
    [7, 0x21fa373d],
  ])('after %i octets begins with the next one', (count, expected) => {
    expect(rotateKey(KEY, count) >>> 0).toBe(expected);
  });
});
