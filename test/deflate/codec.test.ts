// A codec for each end: which direction uses which parameters, what is worth compressing, and that two
// ends which agreed understand each other.

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DeflateCodec } from '../../src/deflate/codec.ts';
import { Context } from '../../src/deflate/context.ts';
import type { DeflateParameters } from '../../src/deflate/negotiation.ts';
import { inflateMessage } from './decompressors.ts';
import { inflate, TAIL } from './reference/inflate.ts';

const NOTHING: DeflateParameters = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

afterEach(() => {
  vi.restoreAllMocks();
});

const whole = (codec: DeflateCodec, bytes: Uint8Array): Buffer =>
  Buffer.from(codec.compress(bytes, true));

/** The farthest back reference in what a codec makes of two messages that repeat themselves. */
function reach(codec: DeflateCodec, period: number): number {
  const noise = randomBytes(period);
  const text = Buffer.concat(Array.from({ length: Math.ceil(80_000 / period) }, () => noise));
  const { references } = inflate(Buffer.concat([whole(codec, text), TAIL]));
  return Math.max(0, ...references.map(({ distance }) => distance));
}

describe('a codec', () => {
  it('[7692-7.2.1-i] [7692-7.2.1-j] [node-zlib-c] [node-zlib-d] keeps to the window of its own direction', () => {
    for (let bits = 8; bits <= 15; bits++) {
      for (const period of [200, 255, 257, 1 << bits, (1 << bits) + 1]) {
        for (const takeover of [true, false]) {
          const server = { serverMaxWindowBits: bits, serverNoContextTakeover: !takeover };
          const client = { clientMaxWindowBits: bits, clientNoContextTakeover: !takeover };
          const codecs = [
            new DeflateCodec('server', { ...NOTHING, ...server }, { serverMaxWindowBits: bits }),
            new DeflateCodec('client', { ...NOTHING, ...client }, { clientMaxWindowBits: bits }),
          ];
          for (const codec of codecs) {
            expect(reach(codec, period)).toBeLessThanOrEqual(1 << bits);
            codec.close();
          }
        }
      }
    }
  });

  it('is content with less memory than was agreed on, unless the window was asked for', () => {
    const modest = new DeflateCodec('server', NOTHING);
    expect(reach(modest, 10_000)).toBe(0);
    const asked = new DeflateCodec('server', NOTHING, { serverMaxWindowBits: 15 });
    expect(reach(asked, 10_000)).toBe(10_000);
    const alone = new DeflateCodec('server', { ...NOTHING, serverNoContextTakeover: true });
    expect(reach(alone, 10_000)).toBe(10_000);
    for (const codec of [modest, asked, alone]) codec.close();
  });

  it('compresses as it is told to', () => {
    const text = Buffer.from('abcabcabc'.repeat(500));
    const lengths = [0, 1, 9].map((level) => {
      const codec = new DeflateCodec('client', NOTHING, {
        zlibDeflateOptions: { level, memLevel: 9, strategy: 0, chunkSize: 1024 },
      });
      const { length } = whole(codec, text);
      codec.close();
      return length;
    });
    expect(lengths[0]).toBeGreaterThan(text.length);
    expect(lengths[1]).toBeLessThan(100);
    expect(lengths[2]).toBeLessThan(100);
  });

  it('finds everything worth compressing with takeover, else what is as long as the threshold', () => {
    const alone = { ...NOTHING, serverNoContextTakeover: true };
    expect(new DeflateCodec('server', NOTHING).isWorthwhile(1)).toBe(true);
    expect(new DeflateCodec('client', alone).isWorthwhile(1)).toBe(true);
    const byDefault = new DeflateCodec('server', alone);
    expect([1023, 1024].map((length) => byDefault.isWorthwhile(length))).toEqual([false, true]);
    const told = new DeflateCodec('server', alone, { threshold: 5 });
    expect([4, 5].map((length) => told.isWorthwhile(length))).toEqual([false, true]);
    expect([32_767, 32_768].map((length) => told.takesLong(length))).toEqual([false, true]);
    const choosy = new DeflateCodec('server', alone, { threshold: 100_000 });
    expect([99_999, 100_000].map((length) => choosy.takesLong(length))).toEqual([false, true]);
  });

  it.each([
    ['kept contexts', true],
    ['the public interface', false],
  ])('understands its peer, on %s', async (_, supported) => {
    vi.spyOn(Context, 'isSupported').mockReturnValue(supported);
    for (const serverNoContextTakeover of [true, false]) {
      for (const clientNoContextTakeover of [true, false]) {
        for (const [server, client] of [
          [15, 15],
          [8, 9],
          [10, 8],
        ] as const) {
          const parameters = {
            serverNoContextTakeover,
            clientNoContextTakeover,
            serverMaxWindowBits: server,
            clientMaxWindowBits: client,
          };
          const ends = [
            new DeflateCodec('server', parameters),
            new DeflateCodec('client', parameters, { concurrencyLimit: 3 }),
          ] as const;
          for (let i = 0; i < 6; i++) {
            const [from, to] = i % 2 === 0 ? ends : ([ends[1], ends[0]] as const);
            const plain = Buffer.from(`${'some text and '.repeat(40)}${i}`);
            let sent = whole(from, plain);
            if (i === 2) {
              sent = await new Promise<Buffer>((resolve) =>
                from.compressLater(plain, true, (data) => resolve(Buffer.from(data))),
              );
            } else if (i === 3) {
              sent = Buffer.from(from.compressAlone(plain));
              from.forget();
            }
            // What was compressed in vain is unknown to the peer.
            if (i === 2) from.forget();
            if (i === 3) from.forget();
            expect((await inflateMessage(to, [sent])).output).toEqual(plain);
          }
          for (const end of ends) end.close();
        }
      }
    }
  });

  it('shares its key with those that compress alike', () => {
    const key = (options: object, parameters = NOTHING): string =>
      new DeflateCodec('server', parameters, options).aloneKey;
    expect(key({})).toBe(key({ threshold: 7 }));
    // What each keeps does not matter: this is for messages by themselves.
    expect(key({})).toBe(key({ serverMaxWindowBits: 15 }));
    expect(key({})).toBe(key({}, { ...NOTHING, serverNoContextTakeover: true }));
    expect(key({})).not.toBe(key({}, { ...NOTHING, serverMaxWindowBits: 14 }));
    expect(key({})).not.toBe(key({ zlibDeflateOptions: { level: 9 } }));
  });
});
