// Streams that are mostly short fragments, with everything else between them that a peer may send, right
// or wrong: the same is heard wherever they were cut and whatever memory they lie in, and it is what
// the tables say, at the same byte.

import { Buffer } from 'node:buffer';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader, type FrameSink } from '../../src/frame/reader.ts';
import { FrameContext } from '../../src/frame/rules.ts';
import { getArena } from '../../src/mask/arena.ts';
import { Endpoint, type Told } from '../connection/endpoint.ts';
import { encodeFrame, type FrameSpec } from '../support/wire.ts';
import { cut, fragment, key, message, runs, text, wire } from './arbitraries.ts';
import { endWith, settled } from './deflate-ends.ts';
import { heardBy } from './follow.ts';
import { judge } from './reference.ts';

const size = fc.oneof(
  { weight: 4, arbitrary: fc.nat(6) },
  { weight: 1, arbitrary: fc.constantFrom(15, 16, 17, 64, 124, 125) },
);

const short = fc.record({
  opcode: fc.constant(0),
  fin: fc.constant(false),
  // Text at any place where one character ends.
  payload: size.map((size) => Buffer.alloc(size, 'text')),
  mask: key,
});
const many = fc.array(short, { minLength: 2, maxLength: 12 });

/** One frame that ends a run, or has no place in it. */
const other: fc.Arbitrary<FrameSpec> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      opcode: fc.constantFrom(9, 10),
      mask: key,
      payload: text.map((text) => text.slice(0, 20)),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.constantFrom<FrameSpec>({ opcode: 0, payload: 'end' }, { opcode: 0 }),
  },
  {
    weight: 8,
    arbitrary: fc.constantFrom<FrameSpec>(
      { opcode: 1, fin: false, payload: 'begin' },
      { opcode: 2, fin: false, payload: 'begin' },
      { opcode: 1, fin: false },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<FrameSpec>(
      { opcode: 0, fin: false, payload: Buffer.alloc(126, 'l') },
      { opcode: 0, fin: false, payload: Buffer.alloc(300, 'l') },
      // A character in two halves, with a fragment's border between them.
      { opcode: 0, fin: false, payload: Buffer.from([0xe2, 0x82]) },
      { opcode: 0, fin: false, payload: Buffer.from([0xac]) },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<FrameSpec>(
      { opcode: 0, fin: false, payload: Buffer.from([0x61, 0xff, 0x61]) },
      { opcode: 0, fin: false, rsv: 4, payload: 'rsv1' },
      { opcode: 0, fin: false, rsv: 2 },
      { opcode: 3, fin: false },
      { opcode: 0, fin: false, payload: 'padded', length: 16 },
      { opcode: 0, fin: false, payload: 'padded', length: 64 },
      { opcode: 9, fin: false },
      { opcode: 8 },
    ),
  },
);

interface Stream {
  readonly bytes: Buffer;
  readonly [fc.toStringMethod]: () => string;
}

/** A message begun, runs, and other frames between them; perhaps one that is not masked at the end. */
const stream: fc.Arbitrary<Stream> = fc
  .tuple(
    fc.constantFrom(1, 2),
    fc.array(
      fc.oneof(
        { weight: 2, arbitrary: many },
        other.map((spec) => [spec]),
      ),
      {
        minLength: 1,
        maxLength: 7,
      },
    ),
    fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true)),
  )
  .map(([opcode, parts, isUnmasked]) => {
    const specs = [{ opcode, fin: false, payload: 'first' }, ...parts.flat()];
    const last = isUnmasked ? [encodeFrame({ opcode: 0, fin: false, payload: 'bare' })] : [];
    // The reference is slow and asked at every cut.
    const bytes = Buffer.concat([wire('server', specs), ...last]).subarray(0, 900);
    return { bytes, [fc.toStringMethod]: () => bytes.toString('hex') };
  });

const limits = fc.record(
  { maxPayload: fc.integer({ min: 20, max: 400 }), maxFragments: fc.integer({ min: 2, max: 30 }) },
  { requiredKeys: [] },
);

/** Whole, in a few large pieces, or in small ones. */
const cuts = fc.oneof(
  fc.constant<number[]>([]),
  fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 6 }),
  fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 3, maxLength: 30 }),
);

/** In memory of its own. */
const copy = (piece: Buffer): Buffer => Buffer.from(piece);

/** Puts a piece in the arena, at any alignment, as sockets do. */
function inArena(piece: Buffer): Buffer {
  const start = piece.length % 5;
  return getArena().subarray(start, start + piece.copy(getArena(), start));
}

/** Ways in which a piece can be handed over. Behind those that lend it, it is spoilt. */
const WAYS: readonly ((endpoint: Endpoint, piece: Buffer) => void)[] = [
  ({ connection }, piece) => connection.receive(copy(piece)),
  ({ connection }, piece) => {
    const lent = copy(piece);
    connection.receive(lent, true);
    lent.fill(0xdd);
  },
  ({ connection }, piece) => {
    const lent = inArena(piece);
    connection.receive(lent, true);
    lent.fill(0xdd);
  },
];

/** Text that hardly gets shorter. */
function letters(length: number): Buffer {
  let state = 1;
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = 0x20 + ((state >>> 16) % 91);
  }
  return bytes;
}

describe('runs of short fragments', () => {
  it('[6455-5.4-b] [6455-5.4-c] [6455-5.4-g] [6455-6.2-a] [6455-8.1-e] [6455-5.2-j] [6455-10.4-b] [6455-10.4-c] are heard as the tables say, at the same byte, in any memory (property 2)', () => {
    fc.assert(
      fc.property(stream, limits, cuts, ({ bytes }, limits, sizes) => {
        const rules = { role: 'server', ...limits } as const;
        const endpoints = WAYS.map(() => new Endpoint(rules));
        let count = 0;
        for (const piece of cut(bytes, sizes)) {
          count += piece.length;
          const { heard, over } = judge(bytes.subarray(0, count), rules);
          endpoints.forEach((endpoint, i) => {
            WAYS[i]?.(endpoint, piece);
            expect(heardBy(endpoint)).toEqual(heard);
            expect(endpoint.connection.state !== 'open').toBe(over);
          });
        }
        const [one, ...others] = endpoints.map((endpoint) => [endpoint.told, endpoint.wire()]);
        for (const other of others) expect(other).toEqual(one);
      }),
      runs(400),
    );
  });

  /** What a sink gets, and the reader's place in the message, which data makes no difference to. */
  function readAll(
    pieces: readonly Buffer[],
    place: (piece: Buffer) => Buffer,
    limits: { maxPayload?: number; maxFragments?: number },
    takesRuns: boolean,
  ): unknown[] {
    const { maxPayload, maxFragments } = limits;
    const context = new FrameContext('server', maxPayload, false, maxFragments);
    const seen: unknown[] = [];
    let data = '';
    const end = (...what: unknown[]): void => {
      seen.push(data, ...what);
      data = '';
    };
    const sink: FrameSink = {
      onData({ fin, opcode }, piece, last) {
        // Where a fragment ends is nothing that a message shows.
        if (opcode !== 0 && data === '') end(opcode);
        data += piece.toString('hex');
        if (fin && last) end('fin');
      },
      onControl: (opcode, payload) => end(opcode, payload.toString('hex')),
    };
    if (takesRuns) {
      sink.onRun = (piece) => {
        data += piece.toString('hex');
      };
    }
    const reader = new FrameReader(context, sink);
    try {
      for (const piece of pieces) {
        end(reader.read(place(piece)), reader.remaining);
        end(context.inMessage, context.messageLength, context.fragments);
      }
    } catch (error) {
      end((error as Error).message);
    }
    return seen;
  }

  it('[6455-6.2-a] [6455-10.4-b] [6455-10.4-c] leave a reader where single fragments would, with the same error (property 2)', () => {
    fc.assert(
      fc.property(stream, limits, cuts, ({ bytes }, limits, sizes) => {
        const pieces = cut(bytes, sizes);
        const expected = readAll(pieces, copy, limits, false);
        for (const place of [copy, inArena]) {
          expect(readAll(pieces, place, limits, true)).toEqual(expected);
        }
      }),
      runs(300),
    );
  });

  it('[6455-5.4-e] [6455-5.4-i] [6455-5.4-n] are parts of the messages that they stand in (property 11)', () => {
    const sizes = fc.array(fc.nat(125), { maxLength: 60 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(text, sizes), { maxLength: 3 }),
        message,
        cuts,
        (texts, between, at) => {
          const bytes = Buffer.concat([
            ...texts.map(([text, sizes]) => {
              const fragments = fragment(Buffer.from(text.repeat(20)), sizes);
              const specs = fragments.map((payload, i) => ({
                ...{ opcode: i === 0 ? 1 : 0, fin: i === fragments.length - 1, payload },
              }));
              return wire('server', specs);
            }),
            wire('server', between.specs),
          ]);
          for (const receive of WAYS) {
            const endpoint = new Endpoint({ role: 'server' });
            for (const piece of cut(bytes, at)) {
              for (let i = 0; i < piece.length; i += 65_000)
                receive(endpoint, piece.subarray(i, i + 65_000));
            }
            const expected = texts.map(([text]) => ['text', text.repeat(20)]);
            expect(heardBy(endpoint)).toEqual([...expected, ...between.heard]);
          }
        },
      ),
      runs(60),
    );
  });

  it('[7692-6-h] [7692-6-j] [7692-7.2.2-a] are decompressed as any other fragments (property 46)', async () => {
    const agreed = {
      ...{ serverNoContextTakeover: false, clientNoContextTakeover: false },
      ...{ serverMaxWindowBits: 15, clientMaxWindowBits: 15 },
    };
    const content = fc.oneof(
      text.map((text) => Buffer.from(text.repeat(9))),
      // Longer than what is decompressed at once.
      fc.constantFrom(1000, 40_000).map(letters),
    );
    await fc.assert(
      fc.asyncProperty(
        content,
        fc.integer({ min: 1, max: 125 }),
        cuts,
        async (content, size, at) => {
          const data = deflateRawSync(content, { finishFlush: 2 }).subarray(0, -4);
          const specs: FrameSpec[] = [
            { opcode: 1, rsv: 4, fin: false, payload: data.subarray(0, 1) },
          ];
          for (let i = 1; i < data.length; i += size) {
            if (i % 5 === 0) specs.push({ opcode: 9, payload: `${i}` });
            specs.push({ opcode: 0, fin: false, payload: data.subarray(i, i + size) });
          }
          specs.push({ opcode: 0 }, { opcode: 10, payload: 'behind' });
          const expected: Told[] = specs
            .filter(({ opcode }) => opcode === 9)
            .map(({ payload }) => ['ping', Buffer.from(payload as string).toString('hex')]);
          expected.push(
            ['text', content.toString()],
            ['pong', Buffer.from('behind').toString('hex')],
          );
          for (const receive of WAYS) {
            const endpoint = endWith('server', agreed);
            for (const piece of cut(wire('server', specs), at)) {
              for (let i = 0; i < piece.length; i += 60_000)
                receive(endpoint, piece.subarray(i, i + 60_000));
            }
            await settled(endpoint);
            expect(endpoint.told).toEqual(expected);
            endpoint.connection.receiveEnd();
          }
        },
      ),
      runs(40),
    );
  });
});
