// Compressed messages that are wrong: our decompressor beside the reference (RFC 7692 §7.2.2), by way of a
// connection. What breaks off within a block, or is no DEFLATE data, fails; nothing is delivered of it.

import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Context } from '../../src/deflate/context.ts';
import type { Endpoint } from '../connection/endpoint.ts';
import {
  agreement,
  compose,
  type ForeignMessage,
  messagePlan,
} from '../deflate/reference/arbitraries.ts';
import { type Inflated, inflate, TAIL } from '../deflate/reference/inflate.ts';
import { role, runs, wire } from './arbitraries.ts';
import { both, endWith, feed, framesOf, told, WAYS } from './deflate-ends.ts';

/** What the reference makes of a broken message: its content, or that it must be refused. */
function judge(seen: Inflated, length: number): Buffer | 'refused' {
  if (seen.fault !== undefined) return 'refused';
  if (seen.atBorder) return seen.output;
  // Nothing at all is an empty message; behind a final block the empty one may be missing.
  const [last, before] = seen.blocks.toReversed();
  const isTail = last !== undefined && last.start === length * 8;
  return isTail && (before === undefined || before.final) ? seen.output : 'refused';
}

describe.each(WAYS)('a broken compressed message, %s,', (_, isSupported) => {
  beforeEach(() => {
    vi.spyOn(Context, 'isSupported').mockReturnValue(isSupported);
  });
  afterEach(() => vi.restoreAllMocks());

  const change = fc.record({
    kind: fc.constantFrom('changed', 'removed', 'added', 'cut'),
    at: fc.nat(),
    value: fc.integer({ min: 1, max: 255 }),
  });

  function breakIt(
    payload: Buffer,
    { kind, at, value }: { kind: string; at: number; value: number },
  ) {
    const bytes = [...payload];
    const place = at % (bytes.length + 1);
    if (kind === 'changed' && place < bytes.length) bytes[place] = (bytes[place] as number) ^ value;
    if (kind === 'removed') bytes.splice(place, 1);
    if (kind === 'added') bytes.splice(place, 0, value);
    if (kind === 'cut') bytes.length = place;
    return Buffer.from(bytes);
  }

  const isUtf8 = (bytes: Buffer): boolean => Buffer.from(bytes.toString()).equals(bytes);

  /** Told of a message, or that it failed; when it is uncertain what zlib notices, either will do. */
  function check(
    endpoint: Endpoint,
    judged: Buffer | 'refused',
    isText: boolean,
    sure: boolean,
  ): void {
    const [last] = endpoint.told;
    expect(endpoint.told).toHaveLength(1);
    const fails = judged === 'refused' || (isText && !isUtf8(judged));
    if (fails || (!sure && last?.[0] === 'fail')) {
      expect(last?.slice(0, 2)).toEqual(['fail', 1007]);
      expect(endpoint.connection.state).toBe('failed');
      expect(endpoint.frames().at(-1)?.payload.toString('hex')).toBe('03ef');
    } else {
      expect(last).toEqual(told(judged, isText));
    }
  }

  it('[7692-7.2.2-f] [7692-7.2.2-g] is what the reference makes of it, or fails with 1007 (property 53)', async () => {
    const plan = fc.array(messagePlan, { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(
        ...[role, plan, agreement, change, fc.boolean(), fc.array(fc.nat(30), { maxLength: 3 })],
        async (role, plans, agreement, change, isText, sizes) => {
          const endpoint = endWith(role, both(agreement));
          const messages = compose(plans, agreement);
          const { compressed } = messages.pop() as ForeignMessage;
          const rsv = 4;
          let window: Buffer = Buffer.alloc(0);
          for (const message of messages) {
            const payload = message.compressed;
            const specs = framesOf({ payload, isText: false, rsv }, []);
            await feed(endpoint, [wire(role, specs)], true);
            const bytes = Buffer.concat([payload, TAIL]);
            window = inflate(bytes, { window, behindFinal: 'forget' }).window;
          }
          endpoint.told.length = 0;

          const payload = breakIt(compressed, change);
          const bytes = Buffer.concat([payload, TAIL]);
          const before = agreement.takeover ? { window } : {};
          const seen = inflate(bytes, { ...before, behindFinal: 'forget' });
          // A smaller window may be kept as agreed, or not: zlib sees what is in its buffers.
          const sure = seen.references.every(({ distance }) => distance <= 2 ** agreement.bits);
          const specs = framesOf({ payload, isText, rsv }, sizes);
          await feed(endpoint, [wire(role, specs)], true);
          check(endpoint, judge(seen, payload.length), isText, sure);
        },
      ),
      runs(600),
    );
  }, 60_000);

  // Each was found by the property: the rest of the block, as far as it goes, can be mistaken for its
  // end, and what a decoder is given behind it for blocks without content.
  it.each([
    ['in a final fixed block', '3a06d8'],
    ['in a final fixed block with more in it', '9b30e1d4'],
    ['in a dynamic block', '02100006160000000cbaa913b637faff8f'],
    ['in a dynamic block with a short code for its end', '54c7b109000000c3a07bf245febf2a6b8b9378'],
    ['in a fixed block', 'f248cdc9'],
    ['in the header of a dynamic block', '04c0'],
    ['in the length of a stored block', '0005'],
    ['in the content of a stored block', '000500faff48656c'],
  ])('[7692-7.2.2-g] fails with 1007 if it breaks off %s (property 53)', async (_, hex) => {
    const payload = Buffer.from(hex, 'hex');
    const seen = inflate(Buffer.concat([payload, TAIL]), { behindFinal: 'forget' });
    expect(seen.atBorder).toBe(false);
    for (const takeover of [true, false]) {
      const endpoint = endWith('server', both({ takeover, bits: 15 }));
      const specs = framesOf({ payload, isText: false, rsv: 4 }, []);
      await feed(endpoint, [wire('server', specs)], true);
      check(endpoint, 'refused', false, true);
    }
  });
});
