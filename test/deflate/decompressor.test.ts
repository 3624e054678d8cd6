// DEFLATE data to messages, both kinds of decompressor: the examples of RFC 7692 §7.2.3, final blocks,
// damaged and truncated data, limits, and what is small and what is not.

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { createDeflateRaw, deflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { Decompressor } from '../../src/connection/ports.ts';
import {
  AT_ONCE,
  ContextDecompressor,
  type DecompressorSettings,
} from '../../src/deflate/decompressor.ts';
import { Pool } from '../../src/deflate/pool.ts';
import { inflateMessage, KINDS, settings } from './decompressors.ts';

const open: Decompressor[] = [];

afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

const bytes = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const SYNC = { finishFlush: 2 };
/** A message as a peer without takeover sends it. */
const compressed = (plain: Buffer | string, options: object = {}): Buffer =>
  deflateRawSync(plain, { ...SYNC, ...options }).subarray(0, -4);

const code = (closeCode: number): object => expect.objectContaining({ closeCode });

describe.each(KINDS)('a decompressor %s', (_, Kind) => {
  const made = (given: Partial<DecompressorSettings> = {}): Decompressor => {
    const decompressor = new Kind(settings(given));
    open.push(decompressor);
    return decompressor;
  };
  const text = async (of: Decompressor, ...pieces: Buffer[]): Promise<string> =>
    (await inflateMessage(of, pieces)).output.toString();

  it.each([
    ['[7692-7.2.3.1-a] [7692-7.2.2-a] one block', 'f2 48 cd c9 c9 07 00'],
    ['[7692-7.2.3.3-a] a stored block', '00 05 00 fa ff 48 65 6c 6c 6f 00'],
    ['[7692-7.2.3.5-a] two blocks', 'f2 48 05 00 00 00 ff ff ca c9 c9 07 00'],
    ['[7692-7.2.3.4-a] [node-zlib-b] a block with BFINAL', 'f3 48 cd c9 c9 07 00 00'],
  ])('%s: "Hello", and the next messages too', async (__, hex) => {
    for (const takeover of [true, false]) {
      const each = made({ takeover });
      for (let i = 0; i < 3; i++) expect(await text(each, bytes(hex))).toBe('Hello');
      expect(await text(each, bytes('f2 48 cd c9 c9 07 00'))).toBe('Hello');
    }
  });

  it('[7692-7.2.3.2-a] [7692-7.2.2-c] keeps the window from message to message', async () => {
    const each = made();
    expect(await text(each, bytes('f2 48 cd c9 c9 07 00'))).toBe('Hello');
    expect(await text(each, bytes('f2 00 11 00 00'))).toBe('Hello');
  });

  it('[7692-7.2.2-b] begins each message with an empty window where that was agreed on', async () => {
    const each = made({ takeover: false });
    expect(await text(each, bytes('f2 48 cd c9 c9 07 00'))).toBe('Hello');
    await expect(text(each, bytes('f2 00 11 00 00'))).rejects.toEqual(code(1007));
  });

  it('[7692-7.2.3.6-a] [7692-7.2.3.6-b] takes one zero byte, or nothing, for an empty message', async () => {
    const each = made();
    for (const hex of ['00', '', '', '00']) {
      const { output, ends } = await inflateMessage(each, [bytes(hex)]);
      expect([output.length, ends]).toEqual([0, 1]);
    }
    expect(await text(each, bytes('f2 48 cd c9 c9 07 00'))).toBe('Hello');
  });

  it('[7692-6-j] takes a message in any pieces', async () => {
    const data = bytes('f2 48 05 00 00 00 ff ff ca c9 c9 07 00');
    for (let cut = 0; cut <= data.length; cut++) {
      const pieces = [data.subarray(0, cut), data.subarray(cut)];
      expect(await text(made(), ...pieces)).toBe('Hello');
    }
    expect(await text(made(), ...Array.from(data, (byte) => Buffer.from([byte])))).toBe('Hello');
  });

  it('[7692-7.2.1-b] [7692-7.2.1-c] goes on behind final blocks, wherever they stand', async () => {
    const stream = deflateRawSync('Hello');
    const data = Buffer.concat([stream, stream, stream, compressed('!')]);
    for (let cut = 0; cut <= data.length; cut++) {
      const pieces = [data.subarray(0, cut), data.subarray(cut)];
      expect(await text(made(), ...pieces)).toBe('HelloHelloHello!');
    }
    // Without the empty block that belongs behind it.
    const each = made();
    expect(await text(each, stream)).toBe('Hello');
    expect(await text(each, stream.subarray(0, 3), stream.subarray(3))).toBe('Hello');
    expect(await text(each, bytes('f2 48 cd c9 c9 07 00'))).toBe('Hello');
  });

  it('[7692-7.2.2-f] fails with 1007 what is no DEFLATE data', async () => {
    for (const hex of ['07', 'ff', '00 05 00 05 00 48', 'f2 48 cd c9 c9 07 ff ff ff']) {
      await expect(text(made(), bytes(hex))).rejects.toEqual(code(1007));
      await expect(text(made({ takeover: false }), bytes(hex))).rejects.toEqual(code(1007));
    }
  });

  it('[7692-7.2.2-g] fails with 1007 a message that ends inside a block, wherever it was cut', async () => {
    const noise = randomBytes(60).toString('latin1');
    const plain = Buffer.from(`${noise} some words, some words ${noise}`);
    for (const options of [{}, { level: 1 }, { strategy: 4 }, { strategy: 2 }]) {
      for (const takeover of [true, false]) {
        const data = compressed(plain, options);
        for (let cut = 1; cut < data.length; cut++) {
          const each = made({ takeover });
          await expect(text(each, data.subarray(0, cut)), `at ${cut}`).rejects.toEqual(code(1007));
        }
      }
    }
    await expect(text(made(), bytes('f2 48 cd c9'))).rejects.toEqual(code(1007));
    // Where the zeros of a stored block are code for the end of this one.
    for (const hex of ['3a06d8', '9b30e1d4', '02100006160000000cbaa913b637faff8f']) {
      for (const takeover of [true, false]) {
        await expect(text(made({ takeover }), bytes(hex)), hex).rejects.toEqual(code(1007));
      }
    }
    // A final block that ends in the tail.
    await expect(text(made(), bytes('f3 48 cd c9 c9 07'))).rejects.toEqual(code(1007));
    // One that the tail completes: an empty stored block with BFINAL.
    for (const takeover of [true, false]) {
      const each = made({ takeover });
      for (let i = 0; i < 2; i++) expect(await text(each, bytes('01'))).toBe('');
      expect(await text(each, bytes('f2 48 cd c9 c9 07 00'))).toBe('Hello');
    }
  });

  it('fails with 1009 what is longer than allowed, and takes what is not', async () => {
    const data = compressed(Buffer.alloc(1000));
    for (const pieces of [[data], [data.subarray(0, 5), data.subarray(5)]]) {
      await expect(inflateMessage(made(), pieces, 999)).rejects.toEqual(code(1009));
      expect((await inflateMessage(made(), pieces, 1000)).output).toHaveLength(1000);
    }
    const each = made();
    for (let i = 0; i < 3; i++) await inflateMessage(each, [data], 1000);
    await expect(inflateMessage(each, [compressed('x')], 0)).rejects.toEqual(code(1009));
    expect((await inflateMessage(made(), [bytes('00')], 0)).output).toHaveLength(0);
  });

  it('[node-zlib-e] inflates large messages on the pool, with small ones before and behind', async () => {
    const noise = randomBytes(100_000);
    for (const takeover of [true, false]) {
      const deflate = createDeflateRaw({ windowBits: 12 });
      const each = made({ takeover, context: { windowBits: 12 } });
      for (const plain of [Buffer.from('small'), noise, Buffer.from('small'), noise, noise]) {
        if (!takeover) deflate.reset();
        const parts: Buffer[] = [];
        deflate.on('data', (part: Buffer) => parts.push(part));
        deflate.write(plain);
        await new Promise<void>((resolve) => deflate.flush(2, resolve));
        deflate.removeAllListeners('data');
        const data = Buffer.concat(parts).subarray(0, -4);
        const { output, later, ends } = await inflateMessage(each, [data]);
        expect(output.equals(plain)).toBe(true);
        expect([later, ends]).toEqual([plain === noise, 1]);
      }
      deflate.close();
    }
  });

  it('finds on the pool what it finds at once', async () => {
    const noise = randomBytes(AT_ONCE * 2);
    const data = compressed(noise);
    for (const takeover of [true, false]) {
      const given = { takeover };
      // Damaged, truncated, too long, behind a final block.
      const damaged = Buffer.concat([data, bytes('07')]);
      await expect(inflateMessage(made(given), [damaged])).rejects.toEqual(code(1007));
      const nonsense = Buffer.alloc(AT_ONCE + 1, 0xff);
      await expect(inflateMessage(made(given), [nonsense])).rejects.toEqual(code(1007));
      const cut = data.subarray(0, -7);
      await expect(inflateMessage(made(given), [cut])).rejects.toEqual(code(1007));
      const limit = noise.length - 1;
      await expect(inflateMessage(made(given), [data], limit)).rejects.toEqual(code(1009));
      const stream = deflateRawSync(noise);
      const twice = Buffer.concat([stream, stream, bytes('00')]);
      const each = made(given);
      for (let i = 0; i < 2; i++) {
        const { output } = await inflateMessage(each, [twice]);
        expect(output.equals(Buffer.concat([noise, noise]))).toBe(true);
        // The stream of the context has ended for Node, and nothing came behind it.
        expect((await inflateMessage(each, [stream])).output.equals(noise)).toBe(true);
        expect(await text(each, compressed('small'))).toBe('small');
      }
    }
  });

  it('calls nobody any more once it is closed', async () => {
    const noise = compressed(randomBytes(300_000));
    const pool = new Pool(1);
    const calls: string[] = [];
    const sink = {
      onDecompressed: () => calls.push('output'),
      onDecompressEnd: () => calls.push('end'),
    };
    const [running, waiting] = [made({ pool }), made({ pool })];
    for (const each of [running, waiting]) {
      expect(each.decompress(noise, true, Infinity, sink)).toBe(false);
    }
    waiting.close();
    running.close();
    running.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(calls).toEqual([]);
    // The pool has been left.
    expect((await inflateMessage(made({ pool }), [noise])).output).toHaveLength(300_000);
  });

  it('passes on what the sink throws', async () => {
    const thrown = new Error('from the sink');
    const failing = (later: boolean): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const sink = {
          onDecompressed: (piece: Buffer) => {
            if (piece.length > 0) throw thrown;
          },
          onDecompressEnd: (fault: unknown) => (fault ? reject(fault) : resolve(null)),
        };
        const plain = later ? randomBytes(100_000) : Buffer.from('x');
        made().decompress(compressed(plain), true, Infinity, sink);
      });
    await expect(failing(false)).rejects.toBe(thrown);
    await expect(failing(true)).rejects.toBe(thrown);
  });
});

describe('a decompressor on a kept context', () => {
  const made = (given: Partial<DecompressorSettings> = {}): Decompressor => {
    const decompressor = new ContextDecompressor(settings(given));
    open.push(decompressor);
    return decompressor;
  };

  it('hands on what has come out of a piece, before the message is complete', async () => {
    const each = made();
    const seen: string[] = [];
    const sink = {
      onDecompressed: (piece: Buffer, last: boolean) => seen.push(`${piece}${last ? '.' : ''}`),
      onDecompressEnd: () => {},
    };
    // RFC 7692 §7.2.3.5: "Hello" in two blocks, cut behind the first.
    each.decompress(bytes('f2 48 05 00 00 00 ff ff'), false, 10, sink);
    expect(seen).toEqual(['He']);
    each.decompress(bytes('ca c9 c9 07 00'), true, 10, sink);
    expect(seen).toEqual(['He', 'llo.']);
  });

  it('leaves to the pool what turns out to be large', async () => {
    const plain = Buffer.alloc(10_000_000, 'ab');
    const data = compressed(plain);
    expect(data.length).toBeLessThan(AT_ONCE);
    const { output, later, ends } = await inflateMessage(made(), [data]);
    expect(output.equals(plain)).toBe(true);
    expect([later, ends]).toEqual([true, 1]);
    await expect(inflateMessage(made(), [data], 9_999_999)).rejects.toEqual(code(1009));
  });

  it('ends where the last output fills its buffer', async () => {
    for (const length of [65_535, 65_536, 65_537, 131_072]) {
      const plain = Buffer.alloc(length, 'c');
      const each = made();
      for (const data of [compressed(plain), compressed(plain).subarray(0, 20)]) {
        if (data.length > 20) expect((await inflateMessage(each, [data])).output).toEqual(plain);
      }
      const [head, rest] = [compressed(plain), Buffer.alloc(0)];
      const { output } = await inflateMessage(each, [head, rest]);
      expect(output.equals(plain)).toBe(true);
    }
  });

  it('[7692-7.2.2-d] [7692-7.2.2-e] refuses distances beyond the window that was agreed on', async () => {
    const noise = randomBytes(2000);
    const plain = Buffer.concat([noise, noise]);
    const data = compressed(plain);
    // zlib sees it when the window has to be asked: in a later run.
    const pieces = [data.subarray(0, 2010), data.subarray(2010)];
    await expect(inflateMessage(made({ context: { windowBits: 9 } }), pieces)).rejects.toEqual(
      code(1007),
    );
    expect((await inflateMessage(made(), pieces)).output.equals(plain)).toBe(true);
  });

  it('uses the contexts of others again, but not their content', async () => {
    const many = Array.from({ length: 12 }, () => made({ takeover: false }));
    const sink = { onDecompressed: () => {}, onDecompressEnd: () => {} };
    // All in the middle of a message at once.
    for (const each of many)
      each.decompress(compressed('Hello, hello').subarray(0, 3), false, 99, sink);
    for (const each of many)
      each.decompress(compressed('Hello, hello').subarray(3), true, 99, sink);
    for (const each of many) {
      expect((await inflateMessage(each, [compressed('next')])).output.toString()).toBe('next');
    }
  });
});
