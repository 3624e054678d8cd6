import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptKey, GUID } from '../../src/handshake/accept.ts';
import { key } from './arbitraries.ts';

describe('acceptKey', () => {
  it('[6455-4.2.2-q] [6455-4.2.2-a] gives the pair of §1.3, from a key that is not decoded', () => {
    // The pad bits of this key are not zero: decoding and encoding it would change it.
    expect(acceptKey('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    expect(GUID).toBe('258EAFA5-E914-47DA-95CA-C5AB0DC85B11');
  });

  it('[6455-4.2.2-q] uses the key as the text that came', () => {
    const last = ['w', 'x', '5', '/'].map((letter) =>
      acceptKey(`AAAAAAAAAAAAAAAAAAAAA${letter}==`),
    );
    expect(new Set(last).size).toBe(4);
  });

  it('[6455-4.2.2-q] equals an independent SHA-1 (property 36)', () => {
    fc.assert(
      fc.property(key, (text) => {
        const bytes = Buffer.from(`${text}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, 'ascii');
        expect(acceptKey(text)).toBe(sha1(bytes).toString('base64'));
      }),
    );
  });

  it('is compared with an oracle that agrees with OpenSSL', () => {
    for (const length of [0, 1, 55, 56, 63, 64, 60, 119, 120]) {
      const bytes = Buffer.alloc(length, 'handfast');
      expect(sha1(bytes)).toEqual(createHash('sha1').update(bytes).digest());
    }
  });
});

/** SHA-1 written from FIPS 180-4 §6.1, slowly. */
function sha1(message: Buffer): Buffer {
  const rotate = (x: number, n: number): number => (x << n) | (x >>> (32 - n));
  const zeros = (119 - (message.length % 64)) % 64;
  const tail = Buffer.alloc(1 + zeros + 8);
  tail[0] = 0x80;
  tail.writeBigUInt64BE(BigInt(message.length) * 8n, 1 + zeros);
  const padded = Buffer.concat([message, tail]);
  const h = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  for (let at = 0; at < padded.length; at += 64) {
    const w: number[] = [];
    for (let t = 0; t < 80; t++) {
      w[t] =
        t < 16
          ? padded.readInt32BE(at + 4 * t)
          : rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    }
    let [a, b, c, d, e] = h;
    for (let t = 0; t < 80; t++) {
      const [f, k] =
        t < 20
          ? [(b & c) | (~b & d), 0x5a827999]
          : t < 40
            ? [b ^ c ^ d, 0x6ed9eba1]
            : t < 60
              ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc]
              : [b ^ c ^ d, 0xca62c1d6];
      [a, b, c, d, e] = [(rotate(a, 5) + f + e + k + w[t]) | 0, a, rotate(b, 30), c, d];
    }
    [a, b, c, d, e].forEach((x, i) => {
      h[i] = (h[i] + x) | 0;
    });
  }
  const digest = Buffer.alloc(20);
  h.forEach((x, i) => {
    digest.writeInt32BE(x | 0, 4 * i);
  });
  return digest;
}
