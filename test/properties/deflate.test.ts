// Compression that we agreed on with ourselves: what goes in comes out, and the wire keeps the
// agreement (RFC 7692 §6, §7.2).

import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Context } from '../../src/deflate/context.ts';
import {
  acceptOffer,
  acceptResponse,
  type DeflateOptions,
  type DeflateParameters,
  formatOffer,
} from '../../src/deflate/index.ts';
import { formatExtensions, parseExtensions } from '../../src/handshake/extensions.ts';
import { deflateOptions } from '../deflate/arbitraries.ts';
import { cut, cuts, role, runs } from './arbitraries.ts';
import {
  both,
  type Direction,
  direction,
  directionOf,
  endWith,
  feed,
  heard,
  noise,
  parameters,
  readMessages,
  type Saying,
  say,
  saying,
  sayings,
  tuning,
} from './deflate-ends.ts';

/** Sends everything from one end to the other, then as much back; both hear what was said. */
async function converse(
  options: { client: DeflateOptions; server: DeflateOptions },
  agreed: { client: DeflateParameters; server: DeflateParameters },
  dialogue: { client: readonly Saying[]; server: readonly Saying[] },
  sizes: readonly number[],
  patient: boolean,
): Promise<void> {
  const client = endWith('client', agreed.client, options.client);
  const server = endWith('server', agreed.server, options.server);
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    const said = dialogue[from.connection.role];
    for (const saying of said) await say(from, saying);
    from.connection.flush();
    await feed(to, cut(from.written, sizes), patient);
    expect(to.told.filter(([what]) => what !== 'pong')).toEqual(said.flatMap(heard));
    expect(from.isIntact).toBe(true);
  }
}

const same = <T>(value: T): { client: T; server: T } => ({ client: value, server: value });

// The second way is for versions of Node that do not have the first.
describe.each([
  ['in kept contexts', true],
  ['in runs of zlib for each message', false],
])('a compressed conversation, %s,', (_, isSupported) => {
  beforeEach(() => {
    vi.spyOn(Context, 'isSupported').mockReturnValue(isSupported);
  });
  afterEach(() => vi.restoreAllMocks());

  it('[7692-6-f] [7692-6-g] [7692-6-h] [7692-6-j] [7692-6-k] [7692-7.2.1-a] [7692-7.2.1-d] [7692-7.2.2-a] [7692-7.2.2-c] [node-zlib-a] arrives as it was said, whatever was agreed on (property 46)', async () => {
    await fc.assert(
      fc.asyncProperty(
        parameters,
        fc.record({ client: tuning, server: tuning }),
        fc.record({ client: sayings, server: sayings }),
        cuts,
        fc.boolean(),
        (parameters, options, dialogue, sizes, patient) =>
          converse(options, same(parameters), dialogue, sizes, patient),
      ),
      runs(150),
    );
  }, 60_000);

  it('[7692-7.2.1-a] [7692-7.2.2-a] arrives under every agreement that there is (property 46)', async () => {
    const text = noise(700, 1);
    const said = [text, Buffer.alloc(0), Buffer.alloc(0), text, noise(20, 2)].map((bytes) =>
      saying(bytes, { isText: true, sizes: [300] }),
    );
    for (let i = 0; i < 256; i++) {
      const parameters = {
        serverNoContextTakeover: i % 2 === 1,
        clientNoContextTakeover: i % 4 > 1,
        serverMaxWindowBits: 8 + ((i >> 2) % 8),
        clientMaxWindowBits: 8 + (i >> 5),
      };
      await converse(same({ threshold: 0 }), same(parameters), same(said), [], true);
    }
  });

  it('[7692-7.2.1-a] arrives when the output ends just where a buffer does', async () => {
    // What is stored as it is comes out five bytes longer for each block.
    const lengths = Array.from({ length: 40 }, (_, i) => 65_536 - 30 + i);
    for (const takeover of [false, true]) {
      const said = lengths.map((length) => saying(noise(length, length)));
      const parameters = both({ takeover, bits: 15 });
      const options = same({ threshold: 0, zlibDeflateOptions: { level: 0 } });
      await converse(options, same(parameters), { client: said, server: [] }, [], true);
    }
  });
});

describe('what our compressor writes', () => {
  /** All that an end of that role puts on the wire. */
  async function written(
    role: 'client' | 'server',
    { takeover, bits }: Direction,
    options: DeflateOptions,
    said: readonly Saying[],
  ) {
    const endpoint = endWith(role, both({ takeover, bits }), options);
    for (const saying of said) await say(endpoint, saying);
    return endpoint.frames();
  }

  it('[7692-7.2.1-e] [7692-7.2.1-f] [7692-7.2.1-g] [7692-7.2.1-h] [7692-7.2.1-i] [7692-7.2.1-j] [7692-7.2.1-a] [7692-6-d] [node-zlib-c] [node-zlib-d] refers to nothing beyond the window, nor to what is to be forgotten (property 47)', async () => {
    await fc.assert(
      fc.asyncProperty(role, direction, tuning, sayings, async (role, direction, ...rest) => {
        const [options, said] = rest;
        const frames = await written(role, direction, { threshold: 0, ...options }, said);
        const messages = readMessages(frames, direction);
        expect(messages.map(({ plain }, i) => plain.equals(said[i].bytes))).not.toContain(false);
        for (const { references } of messages) {
          const far = references.filter(({ distance }) => distance > 2 ** direction.bits);
          const before = references.filter(({ distance, position }) => distance > position);
          expect(far).toEqual([]);
          if (!direction.takeover) expect(before).toEqual([]);
        }
      }),
      runs(80),
    );
  }, 60_000);

  it.each([8, 9, 10, 11, 12, 13, 14, 15])(
    '[7692-7.2.1-i] [7692-7.2.1-j] [node-zlib-c] stays within a window of %i bits where there is much to find outside (property 47)',
    async (bits) => {
      // Each text comes back at distances on both sides of the limit, and twice as far.
      const limit = 2 ** bits;
      const near = [limit - 262, limit - 100].filter((distance) => distance > 20);
      const distances = [...near, limit - 1, limit, limit + 1, 2 * limit];
      const said = distances.flatMap((distance, i) => {
        const text = noise(20, i);
        const bytes = Buffer.concat([text, noise(distance - text.length, 50 + i), text]);
        return [true, false].map((later) => saying(bytes, { later }));
      });
      for (const takeover of [true, false]) {
        for (const level of [1, 6, 9]) {
          const options = {
            ...{ clientMaxWindowBits: bits, threshold: 0, zlibDeflateOptions: { level } },
          };
          const direction = { takeover, bits };
          const messages = readMessages(
            await written('client', direction, options, said),
            direction,
          );
          const found = messages.flatMap(({ references }) => references);
          const farthest = Math.max(...found.map(({ distance }) => distance));
          expect(farthest).toBeLessThanOrEqual(limit);
          // It does look that far, or nothing would be shown.
          expect(farthest).toBeGreaterThanOrEqual(Math.max(...near.slice(0, 1)));
        }
      }
    },
  );

  it('[7692-7.2.1-h] does refer to earlier messages where that is allowed (property 47)', async () => {
    const said = Array.from({ length: 3 }, () => saying(noise(200, 1)));
    for (const role of ['client', 'server'] as const) {
      const direction = { takeover: true, bits: 15 };
      const messages = readMessages(await written(role, direction, {}, said), direction);
      expect(messages.map(({ references }) => references.length > 0)).toEqual([false, true, true]);
    }
  });
});

describe('ends that have agreed by themselves', () => {
  it('[7692-7.1.1.1-c] [7692-7.1.2.1-b] understand each other, and keep to what was agreed on (property 52)', async () => {
    let agreements = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.record({ client: deflateOptions, server: deflateOptions }),
        fc.record({ client: sayings, server: sayings }),
        cuts,
        async (options, dialogue, sizes) => {
          const offer = parseExtensions(formatExtensions([formatOffer(options.client)]));
          const accepted = acceptOffer(offer, options.server);
          if (accepted === null) return;
          const response = formatExtensions([accepted.response]);
          const agreed = {
            client: acceptResponse(parseExtensions(response), options.client) as DeflateParameters,
            server: accepted.parameters,
          };
          agreements++;
          const eager = {
            client: { ...options.client, threshold: 0 },
            server: { ...options.server, threshold: 0 },
          };
          await converse(eager, agreed, dialogue, sizes, true);
          // Each end keeps to what the other one expects of it.
          for (const [from, to] of [
            ['client', 'server'],
            ['server', 'client'],
          ] as const) {
            const end = endWith(from, agreed[from], eager[from]);
            for (const saying of dialogue[from]) await say(end, saying);
            const expected = directionOf(agreed[to], from);
            const messages = readMessages(end.frames(), expected);
            const distances = messages.flatMap(({ references }) =>
              references.map(({ distance }) => distance),
            );
            expect(Math.max(0, ...distances)).toBeLessThanOrEqual(2 ** expected.bits);
          }
        },
      ),
      runs(60),
    );
    expect(agreements).toBeGreaterThan(5);
  }, 60_000);
});
