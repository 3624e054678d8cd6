// What other compressors may write (RFC 7692 §6, §7.2), read by our decompressor by way of a connection.

import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Context } from '../../src/deflate/context.ts';
import type { Told } from '../connection/endpoint.ts';
import { compose, type ForeignMessage, messagePlan } from '../deflate/reference/arbitraries.ts';
import { StreamWriter } from '../deflate/reference/write.ts';
import type { FrameSpec } from '../support/wire.ts';
import { cut, cuts, role, runs, text, wire } from './arbitraries.ts';
import { both, direction, endWith, feed, framesOf, noise, told, WAYS } from './deflate-ends.ts';

const PING: FrameSpec = { opcode: 9, payload: 'p' };
const PINGED: Told = ['ping', '70'];

/** How a message is sent: where it is cut, what stands between its fragments and before it. */
const manner = fc.record({
  sizes: fc.array(fc.oneof(fc.nat(4), fc.nat(60)), { maxLength: 5 }),
  isText: fc.boolean(),
  pings: fc.boolean(),
  before: fc.option(text, { freq: 4 }),
});

const plans = fc.array(fc.tuple(messagePlan, manner), { maxLength: 5 });

describe.each(WAYS)('a foreign compressed message, %s,', (_, isSupported) => {
  beforeEach(() => {
    vi.spyOn(Context, 'isSupported').mockReturnValue(isSupported);
  });
  afterEach(() => vi.restoreAllMocks());

  it('[7692-7.2.1-b] [7692-7.2.1-c] [7692-7.2.2-a] [7692-7.2.2-c] [7692-7.2.2-e] [7692-6-c] [7692-6-f] [7692-6-g] [7692-6-j] [7692-6-k] [node-zlib-b] is read whatever its blocks, and so are those that follow (property 48)', async () => {
    await fc.assert(
      fc.asyncProperty(role, plans, direction, cuts, fc.boolean(), async (role, plans, ...rest) => {
        const [direction, sizes, patient] = rest;
        const messages = compose(
          plans.map(([plan]) => plan),
          direction,
        );
        const specs: FrameSpec[] = [];
        const expected: Told[] = [];
        plans.forEach(([, { sizes, isText, pings, before }], i) => {
          const { compressed, plain } = messages[i] as ForeignMessage;
          if (before !== null) {
            const payload = Buffer.from(before);
            specs.push(...framesOf({ payload, isText: true, rsv: 0 }, sizes));
            expected.push(told(payload, true));
          }
          for (const frame of framesOf({ payload: compressed, isText, rsv: 4 }, sizes)) {
            if (pings) {
              specs.push(PING);
              expected.push(PINGED);
            }
            specs.push(frame);
          }
          expected.push(told(plain, isText));
        });
        const endpoint = endWith(role, both(direction));
        await feed(endpoint, cut(wire(role, specs), sizes), patient);
        expect(endpoint.told).toEqual(expected);
      }),
      runs(200),
    );
  }, 60_000);

  it('[6455-6.2-a] [7692-7.2.2-a] is heard in its turn, wherever several large ones and what follows them are cut (property 48)', async () => {
    const large = [1, 2, 3].map((seed) => noise(20_000, seed));
    const specs: FrameSpec[] = large.flatMap((bytes) => {
      const writer = new StreamWriter();
      writer.stored(bytes);
      writer.flush();
      return [{ opcode: 2, rsv: 4, payload: writer.bytes().subarray(0, -4) }, PING];
    });
    const bytes = wire('server', specs);
    const expected = large.flatMap((bytes) => [told(bytes, false), PINGED]);
    for (const at of [1, 5, 20_000, 20_030, 25_000, 40_030, 45_000, bytes.length - 1]) {
      const endpoint = endWith('server', both({ takeover: true, bits: 15 }));
      await feed(endpoint, cut(bytes, [at, 7]), false);
      expect(endpoint.told).toEqual(expected);
    }
  });

  it.each(['client', 'server'] as const)(
    '[7692-7.1.2.1-d] [7692-7.1.2.2-f] [7692-7.2.2-e] may reach 32768 bytes back, to a %s that agreed on no less',
    async (role) => {
      const first = noise(32_768, 1);
      const writer = new StreamWriter();
      writer.stored(first);
      writer.flush();
      const second = new StreamWriter();
      second.fixed([{ length: 258, distance: 32_768 }]);
      second.flush();
      const endpoint = endWith(role, both({ takeover: true, bits: 15 }));
      const specs = [writer, second].map((writer) => ({
        ...{ opcode: 2, rsv: 4, payload: writer.bytes().subarray(0, -4) },
      }));
      await feed(endpoint, [wire(role, specs)], true);
      expect(endpoint.told).toEqual([told(first, false), told(first.subarray(0, 258), false)]);
    },
  );

  // RFC 7692 §7.2.3, each followed by an ordinary message.
  it.each([
    ['[7692-7.2.3.1-a]', ['f248cdc9c90700'], 'Hello'],
    ['[7692-7.2.3.1-a]', ['f248cd', 'c9c90700'], 'Hello'],
    ['[7692-7.2.3.3-a]', ['000500faff48656c6c6f00'], 'Hello'],
    ['[7692-7.2.3.4-a]', ['f348cdc9c9070000'], 'Hello'],
    ['[7692-7.2.3.5-a]', ['f248050000 00ffffcac9c90700'.replace(' ', '')], 'Hello'],
    ['[7692-7.2.3.6-a]', ['00'], ''],
    ['[7692-7.2.3.6-a]', ['f248cdc9c90700', '', '', '00'.slice(2)], 'Hello'],
    ['[7692-7.2.3.6-b]', [''], ''],
    ['[7692-7.2.3.6-b]', ['', ''], ''],
  ])('%s is read: the fragments %j as %j', async (_, fragments, plain) => {
    for (const takeover of [true, false]) {
      const endpoint = endWith('client', both({ takeover, bits: 15 }));
      const specs = fragments.map((hex, i) => ({
        ...{ opcode: i > 0 ? 0 : 1, rsv: i > 0 ? 0 : 4, fin: i === fragments.length - 1 },
        payload: Buffer.from(hex, 'hex'),
      }));
      const next = { opcode: 1, rsv: 4, payload: Buffer.from('f248cdc9c90700', 'hex') };
      await feed(endpoint, [wire('client', [...specs, next])], true);
      expect(endpoint.told).toEqual([
        ['text', plain],
        ['text', 'Hello'],
      ]);
    }
  });

  it('[7692-7.2.3.2-a] may refer to the message before it', async () => {
    const endpoint = endWith('client', both({ takeover: true, bits: 15 }));
    const specs = ['f248cdc9c90700', 'f200110000'].map((hex) => ({
      ...{ opcode: 1, rsv: 4, payload: Buffer.from(hex, 'hex') },
    }));
    await feed(endpoint, [wire('client', specs)], true);
    expect(endpoint.told).toEqual([
      ['text', 'Hello'],
      ['text', 'Hello'],
    ]);
  });

  it('[7692-6-i] is text if it is so after decompression, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(role, text, fc.array(fc.nat(9), { maxLength: 9 }), async (role, ...rest) => {
        const [content, sizes] = rest;
        const good = Buffer.from(content);
        for (const [plain, expected] of [
          [good, ['text', content]],
          [Buffer.concat([good, Buffer.from([0xe2, 0x82])]), ['fail', 1007]],
        ] as const) {
          const writer = new StreamWriter();
          writer.dynamic([...plain]);
          writer.flush();
          const payload = writer.bytes().subarray(0, -4);
          const endpoint = endWith(role, both({ takeover: true, bits: 15 }));
          const specs = framesOf({ payload, isText: true, rsv: 4 }, sizes);
          await feed(endpoint, [wire(role, specs)], true);
          expect(endpoint.told.map((told) => told.slice(0, 2))).toEqual([expected]);
        }
      }),
      runs(60),
    );
  });
});
