import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
// The load's own frame code against frames written by hand and against every way of cutting a stream.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BINARY,
  DEFLATE_TAIL,
  encodeMasked,
  encodeMessage,
  FrameCounter,
  TEXT,
} from '../../bench/frames.ts';
import {
  createDeflatedSequence,
  createJson,
  createSequence,
  Sequence,
} from '../../bench/messages.ts';

function count(stream: Uint8Array, cuts: readonly number[] = [], expected?: Uint8Array) {
  const lengths: number[] = [];
  let closes = 0;
  const counter = new FrameCounter(
    (length) => lengths.push(length),
    () => closes++,
  );
  if (expected !== undefined) counter.expect(expected);
  let start = 0;
  for (const cut of [...cuts, stream.length]) {
    counter.push(stream.subarray(start, cut));
    start = cut;
  }
  return { lengths, closes };
}

/** An unmasked frame, as servers send it. */
function encode(first: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  if (length < 126) return Buffer.concat([Buffer.from([first, length]), payload]);
  const header = Buffer.alloc(length < 65_536 ? 4 : 10);
  header[0] = first;
  header[1] = length < 65_536 ? 126 : 127;
  if (length < 65_536) header.writeUInt16BE(length, 2);
  else header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, payload]);
}

describe('encodeMasked', () => {
  it('writes the shortest length form, the mask bit and a key that undoes the masking', () => {
    for (const [length, second, start] of [
      [0, 0x80, 6],
      [125, 0xfd, 6],
      [126, 0xfe, 8],
      [65_535, 0xfe, 8],
      [65_536, 0xff, 14],
    ]) {
      const payload = Buffer.alloc(length, 'abc');
      const frame = encodeMasked(TEXT, true, payload);
      const key = frame.subarray(start - 4, start);
      const bare = frame.subarray(start).map((byte, i) => byte ^ key[i & 3]);
      expect([frame[0], frame[1], frame.length]).toEqual([0x81, second, start + length]);
      expect(key.equals(Buffer.alloc(4))).toBe(false);
      expect(Buffer.compare(bare, payload)).toBe(0);
    }
  });

  it('takes a new key for each frame', () => {
    const keys = Array.from({ length: 20 }, () =>
      encodeMasked(TEXT, true, Buffer.from('x')).readUInt32BE(2),
    );
    expect(new Set(keys).size).toBeGreaterThan(15);
  });
});

describe('encodeMessage', () => {
  it('sets the opcode on the first fragment only and FIN on the last only', () => {
    const stream = encodeMessage(BINARY, Buffer.alloc(25, 1), 10);
    expect(stream.length).toBe(25 + 3 * 6);
    expect([stream[0], stream[16], stream[32]]).toEqual([0x02, 0x00, 0x80]);
  });

  it('makes one frame of an empty message', () => {
    expect([...encodeMessage(TEXT, Buffer.alloc(0), 10)].slice(0, 2)).toEqual([0x81, 0x80]);
  });
});

describe('FrameCounter', () => {
  it('counts what was sent however the stream is cut, and its content is compared', () => {
    const messages = fc.array(
      fc.record({
        length: fc.oneof(fc.nat(300), fc.constantFrom(125, 126, 65_535, 65_536)),
        fragment: fc.integer({ min: 40, max: 70_000 }),
        masked: fc.boolean(),
      }),
      { minLength: 1, maxLength: 6 },
    );
    const run = fc.property(messages, fc.array(fc.nat(), { maxLength: 12 }), (list, places) => {
      const payloads = list.map(({ length }) => Buffer.alloc(length, 'some content'));
      const frames = list.map(({ fragment, masked }, i) =>
        masked ? encodeMessage(TEXT, payloads[i], fragment) : encode(0x81, payloads[i]),
      );
      const stream = Buffer.concat(frames);
      const cuts = places.map((place) => place % (stream.length + 1)).sort((a, b) => a - b);
      expect(count(stream, cuts, payloads[0]).lengths).toEqual(list.map(({ length }) => length));
    });
    fc.assert(run, { numRuns: 100 });
  });

  it('reads headers that come byte by byte', () => {
    const stream = Buffer.concat([
      encode(0x81, Buffer.alloc(70_000)),
      encode(0x82, Buffer.alloc(200)),
    ]);
    const everywhere = Array.from(stream.keys()).slice(0, 70_020);
    expect(count(stream, everywhere).lengths).toEqual([70_000, 200]);
  });

  it('tells Close and does not take control frames for messages', () => {
    const stream = Buffer.concat([
      encode(0x01, Buffer.from('ab')),
      encode(0x89, Buffer.from('ping')),
      encode(0x80, Buffer.from('cd')),
      encode(0x88, Buffer.from([3, 232])),
    ]);
    expect(count(stream, [], Buffer.from('abcd'))).toEqual({ lengths: [4], closes: 1 });
  });

  it('refuses one wrong byte in the message that it was told to expect', () => {
    const payload = Buffer.from('0123456789');
    for (let at = 0; at < payload.length; at++) {
      const wrong = Buffer.from(payload);
      wrong[at] ^= 1;
      const stream = encodeMessage(TEXT, wrong, 4);
      expect(() => count(stream, [3, 9], payload)).toThrow('other bytes');
    }
  });

  it('refuses reserved opcodes, since it has then lost its place', () => {
    for (const opcode of [3, 7, 0xb, 0xf]) {
      expect(() => count(encode(0x80 | opcode, Buffer.alloc(0)))).toThrow(`opcode ${opcode}`);
    }
  });
});

describe('Sequence', () => {
  it('goes round without end, in whole messages', () => {
    const [a, b, c] = ['a', 'bb', 'ccc'].map((text) => Buffer.from(text));
    const sequence = new Sequence(a, [a], [b, c]);
    const take = (position: number, count: number): string =>
      Buffer.concat(sequence.take(position, count)).toString();
    expect(take(0, 1)).toBe('a');
    expect(take(0, 6)).toBe('abbcccbbcccbb');
    expect(take(2, 1)).toBe('ccc');
    expect(take(5, 2)).toBe('bbccc');
    expect(take(0, 0)).toBe('');
  });

  it('is what a server gets when it echoes, in one piece for a whole burst', () => {
    const sequence = createSequence({ type: 'text', size: 30 }, 4);
    expect(sequence.take(8, 4)).toHaveLength(1);
    const counter = new FrameCounter(
      (length) => expect(length).toBe(30),
      () => {},
    );
    counter.expect(sequence.first);
    for (const piece of sequence.take(0, 9)) counter.push(piece);
  });
});

describe('createDeflatedSequence', () => {
  /** Undoes framing and masking; the messages are in one frame each. */
  const unwrap = (frame: Buffer): Buffer => {
    const length = frame[1] & 0x7f;
    const start = length === 126 ? 8 : 6;
    const key = frame.subarray(start - 4, start);
    return Buffer.from(frame.subarray(start).map((byte, i) => byte ^ key[i & 3]));
  };

  it.each(['takeover', 'reset'] as const)(
    'inflates to the same records, pass after pass: %s',
    async (how) => {
      const size = 350;
      const sequence = await createDeflatedSequence({ type: 'json', size }, how);
      const count = Math.ceil((32 * 1024 * 1.25) / size);
      let before: Buffer = Buffer.alloc(0);
      for (let i = 0; i < count * 4; i++) {
        const [frame, none] = sequence.take(i, 1);
        expect(none).toBeUndefined();
        expect(frame[0]).toBe(0xc1);
        const dictionary = before.subarray(-32 * 1024);
        const options = { finishFlush: constants.Z_SYNC_FLUSH };
        const window = how === 'takeover' && dictionary.length > 0 ? { dictionary } : {};
        const bytes = Buffer.concat([unwrap(frame), DEFLATE_TAIL]);
        const text = inflateRawSync(bytes, { ...options, ...window });
        expect(text.equals(createJson(size, i % count))).toBe(true);
        before = Buffer.concat([before, text]).subarray(-64 * 1024);
      }
    },
  );

  it('has records of the wanted size that are JSON', () => {
    for (let i = 0; i < 200; i++) {
      const json = createJson(350, i);
      expect(json).toHaveLength(350);
      expect(() => JSON.parse(json.toString())).not.toThrow();
    }
  });
});

describe('compressed replies', () => {
  const reply = (bytes: Buffer): Buffer => {
    const deflated = deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    return Buffer.concat([Buffer.from([0xc1, deflated.length]), deflated]);
  };

  it('are inflated before they are compared, whatever pieces they come in', () => {
    const payload = createJson(150, 1);
    let seen = 0;
    const counter = new FrameCounter(
      (_, compressed) => {
        seen += compressed ? 1 : 0;
      },
      () => {},
    );
    counter.expect(payload);
    for (const byte of reply(payload)) counter.push(Buffer.of(byte));
    expect(seen).toBe(1);
    counter.expect(payload);
    expect(() => counter.push(reply(createJson(150, 2)))).toThrow('compressed other bytes');
  });
});
