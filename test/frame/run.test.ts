// Runs: what is joined, where they end, and that nothing beside them is touched; in ordinary memory and
// in the arena, where the same is done by other code.

import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  extentOf,
  fragmentsOf,
  joinRun,
  joinRunInArena,
  LONGEST_RUN,
  payloadOf,
} from '../../src/frame/run.ts';
import { getArena } from '../../src/mask/arena.ts';
import { decodeFrames, encodeFrame, type FrameSpec } from '../support/wire.ts';

const KEY = Buffer.from('37fa213d', 'hex');
const ALL = LONGEST_RUN;

const noise = (length: number, seed = 0): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 151 + seed * 31 + 7) & 255));

const fragment = (payload: Buffer | string, more: Partial<FrameSpec> = {}): Buffer =>
  encodeFrame({ opcode: 0, fin: false, mask: KEY, payload, ...more });

interface Run {
  readonly fragments: number;
  readonly extent: number;
  readonly payload: string;
}

const none: Run = { fragments: 0, extent: 0, payload: '' };

const PLACES = {
  'ordinary memory': { join: joinRun, memory: () => Buffer.alloc(ALL) },
  'the arena': { join: joinRunInArena, memory: getArena },
} as const;

/** What is joined of `bytes`, which stand in the middle of other ones. */
function joinIn(
  place: keyof typeof PLACES,
  bytes: Buffer,
  { room = ALL, most = ALL, before = 3, skip = 0 } = {},
): Run {
  const { join, memory } = PLACES[place];
  const whole = memory().fill(0xa5);
  bytes.copy(whole, before + skip);
  const view = whole.subarray(before, before + skip + bytes.length);
  const run = join(view, skip, view.length, room, most);
  const [extent, length] = [extentOf(run), payloadOf(run)];
  // Nothing before the run, nothing behind it.
  expect(whole.subarray(0, before + skip).every((byte) => byte === 0xa5)).toBe(true);
  expect(view.subarray(skip + extent).equals(bytes.subarray(extent))).toBe(true);
  expect(whole.subarray(before + skip + bytes.length).every((byte) => byte === 0xa5)).toBe(true);
  const payload = view.subarray(skip, skip + length).toString('hex');
  return { fragments: fragmentsOf(run), extent, payload };
}

describe.each(Object.keys(PLACES) as (keyof typeof PLACES)[])('in %s a run', (place) => {
  it('[6455-5.3-e] [6455-6.2-b] [6455-5.4-b] is the payloads, each unmasked with its own key, whatever their lengths', () => {
    for (let length = 0; length <= 125; length++) {
      for (let before = 0; before < 4; before++) {
        // The second and the fourth are moved, by little and by more.
        const lengths = [length, 125 - length, 0, length];
        const payloads = lengths.map((length, i) => noise(length, i));
        const frames = payloads.map((payload, i) =>
          fragment(payload, { mask: Buffer.from([i, 0x80 + i, 255 - i, length]) }),
        );
        const bytes = Buffer.concat(frames);
        const payload = Buffer.concat(payloads).toString('hex');
        const expected = { fragments: 4, extent: bytes.length, payload };
        const run = joinIn(place, bytes, { before, skip: before * 5 });
        // A great many: compared in one word first.
        if (JSON.stringify(run) !== JSON.stringify(expected)) expect(run).toEqual(expected);
      }
    }
  });

  const whole = fragment('one');
  const joined = {
    fragments: 1,
    extent: whole.length,
    payload: Buffer.from('one').toString('hex'),
  };

  it.each<[string, Buffer]>([
    ['a final one', fragment('two', { fin: true })],
    ['RSV1', fragment('two', { rsv: 4 })],
    ['RSV3', fragment('two', { rsv: 1 })],
    ['a new message', fragment('two', { opcode: 1 })],
    ['a reserved opcode', fragment('two', { opcode: 3 })],
    ['a control frame', fragment('two', { opcode: 9, fin: true })],
    ['half a control frame', fragment('two', { opcode: 9 })],
    ['one without a key', fragment('two', { mask: false })],
    ['one of 126 bytes', fragment(noise(126))],
    ['one of 65 536 bytes', fragment(noise(0), { announcedLength: 65_536 })],
    ['a padded length', fragment('two', { length: 16 })],
    ['a header cut in two', fragment('two').subarray(0, 5)],
    ['a payload cut in two', fragment('two').subarray(0, 8)],
    ['one byte', fragment('two').subarray(0, 1)],
    ['nothing', Buffer.alloc(0)],
  ])('ends before %s', (_, frame) => {
    expect(joinIn(place, Buffer.concat([whole, frame]))).toEqual(joined);
    expect(joinIn(place, frame)).toEqual(none);
  });

  it('[6455-10.4-c] [6455-5.2-r] ends before the one that is too much', () => {
    const bytes = Buffer.concat([fragment('12'), fragment(''), fragment('345'), fragment('')]);
    const count = (room: number, most: number): [number, string] => {
      const { fragments, payload } = joinIn(place, bytes, { room, most });
      return [fragments, Buffer.from(payload, 'hex').toString()];
    };
    expect([0, 1, 2, 4, 5, 6].map((room) => count(room, ALL))).toEqual([
      ...[[0, ''] as const, [0, ''] as const, [2, '12'] as const, [2, '12'] as const],
      ...[[4, '12345'] as const, [4, '12345'] as const],
    ]);
    expect([0, 1, 2, 3, 4, 5].map((most) => count(ALL, most))).toEqual([
      ...[[0, ''] as const, [1, '12'] as const, [2, '12'] as const],
      ...[[3, '12345'] as const, [4, '12345'] as const, [4, '12345'] as const],
    ]);
  });

  it('may be as long as both of its numbers allow', () => {
    const empty = Buffer.concat(Array(10_922).fill(fragment('')));
    expect(joinIn(place, empty, { before: 0 })).toEqual({
      ...{ fragments: 10_922, extent: 65_532, payload: '' },
    });
    const payload = noise(125);
    const long = Buffer.concat(Array(500).fill(fragment(payload)));
    expect(joinIn(place, long, { before: 36 })).toEqual({
      ...{ fragments: 500, extent: 65_500, payload: payload.toString('hex').repeat(500) },
    });
  });
});

describe('both ways', () => {
  const frame = fc
    .record({
      first: fc.oneof(
        { weight: 30, arbitrary: fc.constant(0) },
        fc.constantFrom(0x80, 0x01, 0x40, 0x10, 0x89, 0x03),
      ),
      second: fc.oneof(
        { weight: 30, arbitrary: fc.integer({ min: 0x80, max: 0xfd }) },
        fc.nat(255),
      ),
      key: fc.uint8Array({ minLength: 4, maxLength: 4 }),
      seed: fc.nat(255),
    })
    .map(({ first, second, key, seed }) =>
      Buffer.concat([Buffer.from([first, second]), key, noise(second & 0x7f, seed)]),
    );

  it('[6455-6.2-a] [6455-5.3-e] join what the frames say, up to the same place (property 7)', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 30 }),
        fc.nat(20),
        fc.oneof(fc.constant(ALL), fc.nat(1000)),
        fc.oneof(fc.constant(ALL), fc.nat(10)),
        (frames, missing, room, most) => {
          const all = Buffer.concat(frames);
          const bytes = all.subarray(0, Math.max(0, all.length - missing));
          const expected = { fragments: 0, extent: 0, payload: '' };
          let left = room;
          for (const { fin, rsv, opcode, masked, length, payload, bytes: frame } of decodeFrames(
            bytes,
          ).frames) {
            if (fin || rsv !== 0 || opcode !== 0 || !masked || length !== 7) break;
            if (payload.length > left || expected.fragments === most) break;
            left -= payload.length;
            expected.fragments++;
            expected.extent += frame.length;
            expected.payload += payload.toString('hex');
          }
          for (const place of Object.keys(PLACES) as (keyof typeof PLACES)[]) {
            expect(joinIn(place, bytes, { room, most })).toEqual(expected);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
