// Messages to DEFLATE data: the examples of RFC 7692 §7.2.3, empty messages, fragments, windows that
// are kept or not, and what is compressed on the thread pool or for many.

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { constants, deflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Compressor, type CompressorSettings } from '../../src/deflate/compressor.ts';
import { Context } from '../../src/deflate/context.ts';
import { Pool } from '../../src/deflate/pool.ts';
import { inflate, TAIL } from './reference/inflate.ts';

const open: Compressor[] = [];

function compressor(settings: Partial<CompressorSettings> = {}): Compressor {
  const made = new Compressor({
    context: { windowBits: 15 },
    alone: settings.context ?? { windowBits: 15 },
    takeover: true,
    pool: new Pool(1),
    ...settings,
  });
  open.push(made);
  return made;
}

afterEach(() => {
  for (const each of open.splice(0)) each.close();
  vi.restoreAllMocks();
});

const HELLO = Buffer.from('Hello');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const whole = (of: Compressor, bytes: Uint8Array): Buffer => Buffer.from(of.compress(bytes, true));

/** What a peer that has seen `before` makes of a compressed message. */
function read(message: Uint8Array, before: Uint8Array = Buffer.alloc(0)): Buffer {
  const result = inflate(Buffer.concat([message, TAIL]), { window: before });
  expect(result.fault).toBeUndefined();
  expect(result.atBorder).toBe(true);
  return result.output;
}

describe.each([
  ['on kept contexts', true],
  ['on the public interface', false],
])('a compressor %s', (_, supported) => {
  const made = (settings: Partial<CompressorSettings> = {}): Compressor => {
    vi.spyOn(Context, 'isSupported').mockReturnValue(supported);
    return compressor(settings);
  };

  it('[7692-7.2.1-a] [7692-7.2.3.1-a] compresses "Hello" as in the example', () => {
    expect(hex(whole(made(), HELLO))).toBe('f248cdc9c90700');
    expect(hex(whole(made({ takeover: false }), HELLO))).toBe('f248cdc9c90700');
  });

  it('[7692-7.2.3.6-a] [node-zlib-a] sends an empty message as one zero byte, again and again', () => {
    const each = made();
    const empty = Buffer.alloc(0);
    const sent = [empty, HELLO, empty, empty].map((bytes) => hex(whole(each, bytes)));
    expect(sent).toEqual(['00', 'f248cdc9c90700', '00', '00']);
    for (const message of ['00', '00']) expect(read(Buffer.from(message, 'hex'))).toHaveLength(0);
  });

  it('[7692-7.2.1-d] takes the tail off at the end of a message only', () => {
    const each = made();
    const first = Buffer.from(each.compress(HELLO, false));
    expect(hex(first)).toBe('f248cdc9c907000000ffff');
    const last = Buffer.from(each.compress(Buffer.from(' again'), true));
    expect(read(Buffer.concat([first, last])).toString()).toBe('Hello again');
    expect(each.compress(Buffer.alloc(0), false)).toHaveLength(0);
    const end = Buffer.from(each.compress(Buffer.alloc(0), true));
    expect(read(Buffer.concat([first, end])).toString()).toBe('Hello');
  });

  it('[7692-7.2.1-f] [7692-7.2.1-g] refers to no other message without takeover', () => {
    const each = made({ takeover: false });
    const text = Buffer.from('the same words, the same words');
    for (let i = 0; i < 3; i++) {
      each.compress(randomBytes(40), true);
      expect(read(whole(each, text))).toEqual(text);
    }
  });

  it('[7692-7.2.1-g] makes of each message without takeover what it would make of the first', () => {
    const each = made({ takeover: false });
    for (const length of [30, 5_000, 70_000, 40_000, 300_000, 2]) {
      const bytes = randomBytes(length / 2);
      const message = Buffer.concat([bytes, bytes]);
      const alone = deflateRawSync(message, {
        windowBits: 15,
        finishFlush: constants.Z_SYNC_FLUSH,
      });
      expect(whole(each, message).equals(alone.subarray(0, -TAIL.length)), `${length}`).toBe(true);
    }
  });

  it('compresses what is larger than any buffer', () => {
    const each = made();
    const large = Buffer.concat([randomBytes(150_000), Buffer.alloc(300_000, 'abc')]);
    expect(read(whole(each, large)).equals(large)).toBe(true);
    expect(read(whole(each, HELLO), large)).toEqual(HELLO);
  });

  it('compresses on the pool, after which it refers to nothing that came before', async () => {
    const each = made();
    const text = Buffer.from('words that come again and again: words');
    each.compress(text, true);
    const large = Buffer.alloc(100_000, 'large ');
    const sent = await new Promise<Buffer>((resolve) => each.compressLater(large, true, resolve));
    expect(read(sent).equals(large)).toBe(true);
    expect(read(whole(each, text))).toEqual(text);
    const fragment = await new Promise<Buffer>((resolve) =>
      each.compressLater(large, false, resolve),
    );
    expect(read(fragment.subarray(0, -4)).equals(large)).toBe(true);
    expect(hex(fragment.subarray(-4))).toBe('0000ffff');
  });

  it('compresses a message alone, the same for all with the same settings', () => {
    const [one, other] = [made(), made({ takeover: false })];
    const text = Buffer.from('to all of you, to all of you');
    one.compress(text, true);
    const alone = Buffer.from(one.compressAlone(text));
    expect(read(alone)).toEqual(text);
    expect(Buffer.from(other.compressAlone(text))).toEqual(alone);
    expect(one.aloneKey).toBe(other.aloneKey);
    expect(made({ context: { windowBits: 10 } }).aloneKey).not.toBe(one.aloneKey);
    expect(made({ context: { windowBits: 15, level: 1 } }).aloneKey).not.toBe(one.aloneKey);
    expect(hex(one.compressAlone(Buffer.alloc(0)))).toBe('00');
    // The peer has read it, our context has not.
    one.forget();
    expect(read(whole(one, text))).toEqual(text);
  });
});

describe('a kept window', () => {
  it('[7692-7.2.3.2-a] [7692-7.2.1-h] compresses the second "Hello" as in the example', () => {
    const each = compressor();
    each.compress(HELLO, true);
    expect(hex(whole(each, HELLO))).toBe('f200110000');
    each.forget();
    expect(hex(whole(each, HELLO))).toBe('f248cdc9c90700');
    expect(hex(whole(each, HELLO))).toBe('f200110000');
  });

  it('[7692-7.2.1-e] is of the size that was agreed on, and never above 32768 bytes', () => {
    for (const windowBits of [9, 12, 15]) {
      const each = compressor({ context: { windowBits } });
      const noise = randomBytes(50_000);
      const text = Buffer.concat([noise, noise.subarray(0, 100)]);
      const { references } = inflate(Buffer.concat([whole(each, text), TAIL]));
      for (const { distance } of references) expect(distance).toBeLessThanOrEqual(1 << windowBits);
      each.compress(text.subarray(0, 90), true);
    }
  });

  it('is given back when it rests, and begins anew', () => {
    const each = compressor();
    each.rest();
    const sent: string[] = [];
    for (let i = 0; i < 2; i++) {
      sent.push(hex(whole(each, HELLO)));
      each.rest();
      // It had been used.
      sent.push(hex(whole(each, HELLO)));
      each.rest();
      each.rest();
    }
    expect(sent).toEqual(['f248cdc9c90700', 'f200110000', 'f248cdc9c90700', 'f200110000']);
  });

  it('[7692-7.2.1-g] says nothing of a message that was given up halfway to the next', () => {
    const each = compressor({ takeover: false });
    const other = compressor({ takeover: false });
    vi.spyOn(Buffer, 'from').mockImplementationOnce(() => {
      throw new RangeError('Array buffer allocation failed');
    });
    expect(() => each.compress(randomBytes(300_000), true)).toThrow('allocation failed');
    vi.restoreAllMocks();
    expect(hex(whole(other, HELLO))).toBe('f248cdc9c90700');
  });

  it('gives its memory back, also when it never had any', () => {
    const each = compressor();
    each.close();
    each.compress(HELLO, true);
    each.close();
    each.close();
    expect(hex(whole(each, HELLO))).toBe('f248cdc9c90700');
  });
});
