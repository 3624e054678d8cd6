// The reader: frames out of bytes that were cut anywhere, nothing behind a fault or a stop.

import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { FrameReader, type FrameSink } from '../../src/frame/reader.ts';
import { FrameContext, type Role } from '../../src/frame/rules.ts';
import { getArena } from '../../src/mask/arena.ts';
import { encodeFrame, type FrameSpec } from '../support/wire.ts';
import { type Reading, read, replay } from './replay.ts';

const KEY = Buffer.from('37fa213d', 'hex');
const ZERO = Buffer.alloc(4);

/** Behind every case that is fine: a whole Ping, which is legal between any two frames. */
const TRAILING: Record<Role, Buffer> = {
  server: encodeFrame({ opcode: 9, payload: 'trailing', mask: KEY }),
  client: encodeFrame({ opcode: 9, payload: 'trailing' }),
};

function readAll(bytes: Buffer, role: Role, maxPayload?: number, maxFragments?: number): Reading {
  const context = (): FrameContext => new FrameContext(role, maxPayload, false, maxFragments);
  return replay(bytes, (pieces) => read(context(), pieces), TRAILING[role]);
}

const wire = (...specs: FrameSpec[]): Buffer => Buffer.concat(specs.map(encodeFrame));
const utf8 = (text: string): string => Buffer.from(text).toString('hex');
const frame = (opcode: number, payload: string, fin = true) => ({
  ...{ fin, rsv1: false, opcode },
  payload: utf8(payload),
});

describe('a reader', () => {
  it.each<[string, Role, string, ReturnType<typeof frame>[]]>([
    ['a text', 'client', '810548656c6c6f', [frame(1, 'Hello')]],
    ['a masked text', 'server', '818537fa213d7f9f4d5158', [frame(1, 'Hello')]],
    [
      'a text in two fragments',
      'client',
      '010348656c 80026c6f',
      [frame(1, 'Hel', false), frame(0, 'lo')],
    ],
    ['a Ping', 'client', '890548656c6c6f', [frame(9, 'Hello')]],
    ['a masked Pong', 'server', '8a8537fa213d7f9f4d5158', [frame(10, 'Hello')]],
  ])('[6455-5.7-a] [6455-6.2-a] reads the example of §5.7: %s', (_, role, hex, frames) => {
    expect(readAll(Buffer.from(hex.replaceAll(' ', ''), 'hex'), role)).toEqual({
      ...{ events: frames, error: undefined, over: false },
    });
  });

  it.each([256, 65536])('[6455-5.7-a] reads the example of §5.7: %d bytes of binary', (length) => {
    const header = length === 256 ? '827e0100' : '827f0000000000010000';
    const payload = Buffer.alloc(length, 'handfast');
    const { events } = readAll(Buffer.concat([Buffer.from(header, 'hex'), payload]), 'client');
    expect(events.map(({ payload }) => payload)).toEqual([payload.toString('hex')]);
  });

  it('[6455-6.2-b] [6455-5.3-e] unmasks each frame with its own key, from its first octet', () => {
    const lengths = [1, 2, 3, 5, 60, 131];
    const specs = lengths.map((length, i) => ({
      ...{ opcode: 2, payload: Buffer.alloc(length, 'abcdefg') },
      mask: Buffer.from([i, 0x10 + i, 0x80 + i, 0xff - i]),
    }));
    const { events } = readAll(wire(...specs), 'server');
    expect(events.map(({ payload }) => payload)).toEqual(
      specs.map(({ payload }) => payload.toString('hex')),
    );
  });

  it('[6455-6.2-b] [6455-5.3-e] unmasks in the arena as elsewhere, wherever it was cut', () => {
    const lengths = [0, 1, 60, 125, 131, 1000, 3, 40_000];
    const bytes = wire(
      ...lengths.map((length, i) => ({
        ...{
          opcode: i % 2 === 0 && length < 126 ? 9 : 2,
          payload: Buffer.alloc(length, 'abcdefg'),
        },
        mask: Buffer.from([i, 0x10 + i, 0x80 + i, 0xff - i]),
      })),
    );
    for (const step of [1, 63, 64, 65, 1001, bytes.length]) {
      const payloads: Buffer[] = [];
      const pieces: Buffer[] = [];
      const reader = new FrameReader(new FrameContext('server'), {
        onData(_, piece, last) {
          pieces.push(Buffer.from(piece));
          if (last) payloads.push(Buffer.concat(pieces.splice(0)));
        },
        onControl: (_, payload) => void payloads.push(Buffer.from(payload)),
      });
      for (let at = 0; at < bytes.length; at += step) {
        const length = bytes.copy(getArena(), at % 7, at, at + step);
        reader.read(getArena().subarray(at % 7, (at % 7) + length));
      }
      expect(payloads.map(({ length }) => length)).toEqual(lengths);
      expect(
        payloads.every((payload) => payload.equals(Buffer.alloc(payload.length, 'abcdefg'))),
      ).toBe(true);
    }
  });

  it('[6455-5.3-h] takes a key of zeros', () => {
    expect(readAll(wire({ opcode: 1, payload: 'zero', mask: ZERO }), 'server').events).toEqual([
      frame(1, 'zero'),
    ]);
  });

  it('[6455-5.2-k] [6455-5.2-g] reads frames of every kind without payload, key or not', () => {
    const specs: FrameSpec[] = [
      { opcode: 9 },
      { opcode: 1, fin: false },
      { opcode: 0, fin: false },
      { opcode: 10 },
      { opcode: 0 },
      { opcode: 2 },
      { opcode: 8 },
    ];
    const expected = specs.map(({ opcode, fin }) => frame(opcode, '', fin ?? true));
    expect(readAll(wire(...specs), 'client').events).toEqual(expected);
    const masked = specs.map((spec) => ({ ...spec, mask: KEY }));
    expect(readAll(wire(...masked), 'server').events).toEqual(expected);
  });

  it('[6455-5.4-c] [6455-5.4-g] [6455-6.2-e] hands a control frame on between two fragments', () => {
    const bytes = wire(
      { opcode: 1, fin: false, payload: 'a' },
      { opcode: 9, payload: 'p'.repeat(125) },
      { opcode: 0, payload: 'b' },
      { opcode: 2, payload: 'c' },
    );
    expect(readAll(bytes, 'client').events).toEqual([
      ...[frame(1, 'a', false), frame(9, 'p'.repeat(125)), frame(0, 'b'), frame(2, 'c')],
    ]);
  });

  it.each<[string, FrameSpec, number, string]>([
    ['[6455-5.2-c] RSV3', { opcode: 1, rsv: 1 }, 1002, 'WS_ERR_UNEXPECTED_RSV_2_3'],
    ['[6455-5.2-d] opcode 11', { opcode: 11 }, 1002, 'WS_ERR_INVALID_OPCODE'],
    ['[6455-5.5-b] half a Ping', { opcode: 9, fin: false }, 1002, 'WS_ERR_EXPECTED_FIN'],
    ['[6455-5.4-k] a continuation', { opcode: 0 }, 1002, 'WS_ERR_INVALID_OPCODE'],
    ['[6455-5.1-f] a key', { opcode: 1, mask: ZERO }, 1002, 'WS_ERR_UNEXPECTED_MASK'],
    [
      '[6455-5.5-a] [6455-5.5-c] a padded Ping',
      { opcode: 9, payload: 'x', length: 16 },
      ...([1002, 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'] as const),
    ],
    [
      '[6455-5.2-n] a padded text',
      { opcode: 1, payload: 'x', length: 64 },
      ...([1002, 'WS_ERR_NON_MINIMAL_LENGTH'] as const),
    ],
    [
      '[6455-5.2-o] a negative length',
      { opcode: 2, length: 64, announcedLength: 2n ** 63n },
      ...([1002, 'WS_ERR_NON_MINIMAL_LENGTH'] as const),
    ],
    [
      '[6455-5.2-p] a length of 2^62',
      { opcode: 2, length: 64, announcedLength: 2n ** 62n },
      ...([1009, 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH'] as const),
    ],
    [
      '[6455-5.2-r] more than the limit',
      { opcode: 2, announcedLength: 1001 },
      ...([1009, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'] as const),
    ],
  ])(
    '[6455-5.2-j] hands on what came before a fault, then gives its code: %s',
    (_, spec, closeCode, code) => {
      const bytes = wire({ opcode: 2, payload: 'before' }, { opcode: 10 }, spec);
      expect(readAll(bytes, 'client', 1000)).toEqual({
        ...{ events: [frame(2, 'before'), frame(10, '')], error: { closeCode, code }, over: true },
      });
    },
  );

  it('[6455-5.4-f] refuses a new message inside a message', () => {
    const bytes = wire({ opcode: 1, fin: false, payload: 'a' }, { opcode: 1, payload: 'b' });
    expect(readAll(bytes, 'client')).toEqual({
      ...{ events: [frame(1, 'a', false)], over: true },
      error: { closeCode: 1002, code: 'WS_ERR_INVALID_OPCODE' },
    });
  });

  it('[6455-10.4-c] refuses one fragment more than the limit', () => {
    const fragments = [{ opcode: 1, fin: false }, { opcode: 0, fin: false }, { opcode: 0 }];
    expect(readAll(wire(...fragments, ...fragments), 'client', undefined, 3).events.length).toBe(6);
    expect(readAll(wire(...fragments), 'client', undefined, 2)).toEqual({
      ...{ events: [frame(1, '', false)], over: true },
      error: { closeCode: 1008, code: 'WS_ERR_TOO_MANY_BUFFERED_PARTS' },
    });
  });

  it('[6455-5.2-q] hands pieces on as they come and waits for nothing it was promised', () => {
    const pieces: [length: number, last: boolean, memory: ArrayBufferLike][] = [];
    const reader = new FrameReader(new FrameContext('client'), {
      onData: (_, piece, last) => pieces.push([piece.length, last, piece.buffer]),
      onControl: () => expect.fail(),
    });
    const chunks = [
      encodeFrame({ opcode: 2, length: 64, announcedLength: 2n ** 53n - 1n, payload: 'abc' }),
      Buffer.alloc(1000),
    ];
    for (const chunk of chunks) reader.read(chunk);
    // Views of the chunks themselves: no memory was taken for 2^53 - 1 bytes.
    expect(pieces).toEqual([
      [3, false, (chunks[0] as Buffer).buffer],
      [1000, false, (chunks[1] as Buffer).buffer],
    ]);
  });

  it('[6455-7.1.7-g] reads nothing behind a stop, in this chunk or a later one', () => {
    const seen: number[] = [];
    const reader: FrameReader = new FrameReader(new FrameContext('client'), {
      onData: () => reader.stop(),
      onControl: (opcode) => seen.push(opcode),
    });
    reader.read(wire({ opcode: 9 }, { opcode: 1, payload: 'stop here' }, { opcode: 9 }));
    reader.read(wire({ opcode: 9 }, { opcode: 15 }));
    expect(seen).toEqual([9]);
  });

  it.each([3, 10])('lets go of a frame it has %d bytes of when it is stopped', (count) => {
    const reader = new FrameReader(new FrameContext('server'), {
      onData: () => expect.fail(),
      onControl: () => expect.fail(),
    });
    const bytes = wire({ opcode: 9, payload: 'a Ping', mask: KEY });
    reader.read(bytes.subarray(0, count));
    reader.stop();
    reader.read(bytes.subarray(count));
  });
});

describe('short messages', () => {
  /** What a sink is called with, in short. `rsv1` has a meaning. */
  function calls(role: Role, chunks: Buffer[], takesShort = true): string[] {
    const seen: string[] = [];
    const sink: FrameSink = {
      onData: ({ opcode }, piece, last) => void seen.push(`data ${opcode} ${last} ${piece.length}`),
      onControl: (opcode, payload) => void seen.push(`control ${opcode} ${payload}`),
    };
    if (takesShort) {
      sink.onShort = (opcode, payload, isAscii) =>
        void seen.push(`short ${opcode} ${payload} ${isAscii}`);
    }
    const reader = new FrameReader(new FrameContext(role, Infinity, true), sink);
    for (const chunk of chunks) expect(reader.read(chunk)).toBe(chunk.length);
    return seen;
  }
  const masked = (spec: FrameSpec): Buffer => encodeFrame({ ...spec, mask: KEY });

  it('[6455-5.3-e] [6455-6.2-b] come unmasked, and with a word on ASCII, to a sink that takes them so', () => {
    const specs = [
      { opcode: 1, payload: 'Hello' },
      { opcode: 2, payload: 'ä' },
      { opcode: 1, payload: 'a'.repeat(80) },
      { opcode: 1, payload: 'a'.repeat(81) },
    ];
    const expected = ['short 1 Hello true', 'short 2 ä false', `short 1 ${'a'.repeat(80)} true`];
    const bytes = Buffer.concat(specs.map(masked));
    const length = bytes.copy(getArena(), 3);
    expect(calls('server', [Buffer.from(bytes)])).toEqual([...expected, 'data 1 true 81']);
    const inArena = getArena().subarray(3, 3 + length);
    expect(calls('server', [inArena])).toEqual([...expected, 'data 1 true 81']);
    const lengths = ['data 1 true 5', 'data 2 true 2', 'data 1 true 80', 'data 1 true 81'];
    expect(calls('server', [bytes], false)).toEqual(lengths);
  });

  it.each<[string, Role, FrameSpec, string]>([
    ['a fragment', 'server', { opcode: 1, fin: false, payload: 'abc', mask: KEY }, 'data 1 true 3'],
    [
      'a compressed one',
      'server',
      { opcode: 1, rsv: 4, payload: 'abc', mask: KEY },
      'data 1 true 3',
    ],
    ['one to a client', 'client', { opcode: 1, payload: 'abc' }, 'data 1 true 3'],
    ['an empty one', 'server', { opcode: 1, mask: KEY }, 'data 1 true 0'],
    ['a Ping', 'server', { opcode: 9, payload: 'abc', mask: KEY }, 'control 9 abc'],
  ])('are not: %s', (_, role, spec, expected) => {
    expect(calls(role, [encodeFrame(spec)])).toEqual([expected]);
  });

  it('are not: the last fragment of a message', () => {
    const first = masked({ opcode: 1, fin: false, payload: 'abc' });
    const last = masked({ opcode: 0, payload: 'def' });
    expect(calls('server', [first, last])).toEqual(['data 1 true 3', 'data 0 true 3']);
  });

  it('[6455-6.2-a] are not: what was cut in its payload; a cut header makes no difference', () => {
    const bytes = masked({ opcode: 1, payload: 'abc' });
    for (let at = 1; at < bytes.length; at++) {
      const seen = calls('server', [
        Buffer.from(bytes.subarray(0, at)),
        Buffer.from(bytes.subarray(at)),
      ]);
      if (at < 6) expect(seen).toEqual(['short 1 abc true']);
      else if (at === 6) expect(seen).toEqual(['data 1 true 3']);
      else expect(seen).toEqual([`data 1 false ${at - 6}`, `data 1 true ${9 - at}`]);
    }
  });

  it('belong to the sink, and are the last it gets when it stops the reader', () => {
    const bytes = Buffer.concat(['one', 'two'].map((payload) => masked({ opcode: 1, payload })));
    const kept: Buffer[] = [];
    const reader = new FrameReader(new FrameContext('server'), {
      onData: () => {},
      onControl: () => {},
      onShort(_, payload) {
        kept.push(payload);
        reader.stop();
      },
    });
    expect(reader.read(bytes)).toBe(9);
    bytes.fill(0);
    expect(kept.map(String)).toEqual(['one']);
  });
});

describe('runs of short fragments', () => {
  const SPECS: readonly FrameSpec[] = [
    { opcode: 2, fin: false, payload: 'first ' },
    { opcode: 0, fin: false, payload: 'a' },
    { opcode: 0, fin: false },
    { opcode: 0, fin: false, payload: 'b'.repeat(125) },
    { opcode: 9, payload: 'ping' },
    { opcode: 0, fin: false, payload: 'c' },
    { opcode: 0, fin: false, payload: 'd'.repeat(126) },
    { opcode: 0, fin: false, payload: 'e' },
    { opcode: 0, payload: 'last' },
    { opcode: 1, payload: 'next' },
  ];

  /** What a sink is called with, in short. */
  function calls(role: Role, bytes: Buffer, takesRuns = true): string[] {
    const seen: string[] = [];
    const sink: FrameSink = {
      onData: ({ opcode, fin }, piece, last) =>
        void seen.push(`data ${opcode} ${fin} ${last} ${piece}`),
      onControl: (opcode, payload) => void seen.push(`control ${opcode} ${payload}`),
    };
    if (takesRuns) sink.onRun = (piece) => void seen.push(`run ${piece}`);
    expect(new FrameReader(new FrameContext(role), sink).read(bytes)).toBe(bytes.length);
    return seen;
  }

  const each = SPECS.map(({ opcode, fin = true, payload = '' }) =>
    opcode === 9 ? `control 9 ${payload}` : `data ${opcode} ${fin} true ${payload}`,
  );

  it('[6455-5.4-b] [6455-5.4-g] come joined to a sink that takes them so, up to what is something else', () => {
    const bytes = wire(...SPECS.map((spec) => ({ ...spec, mask: KEY })));
    const expected = [
      ...['data 2 false true first ', `run a${'b'.repeat(125)}`, 'control 9 ping', 'run c'],
      ...[`data 0 false true ${'d'.repeat(126)}`, 'run e', 'data 0 true true last'],
      'data 1 true true next',
    ];
    expect(calls('server', Buffer.from(bytes))).toEqual(expected);
    const length = bytes.copy(getArena(), 5);
    expect(calls('server', getArena().subarray(5, 5 + length))).toEqual(expected);
  });

  it('come one by one to any other sink, and to a client', () => {
    const masked = wire(...SPECS.map((spec) => ({ ...spec, mask: KEY })));
    expect(calls('server', masked, false)).toEqual(each);
    expect(calls('client', wire(...SPECS))).toEqual(each);
  });

  it.each<[string, Role, FrameSpec[]]>([
    ['[6455-5.1-f] to a client, which takes no key', 'client', [{ opcode: 1, fin: false }]],
    ['[6455-5.4-k] of no message', 'server', []],
    ['[6455-5.4-k] behind the end of one', 'server', [{ opcode: 1, mask: KEY }]],
  ])('are refused like any continuation %s', (_, role, before) => {
    const bytes = wire(...before, { opcode: 0, fin: false, mask: KEY, payload: 'x' });
    expect(() => calls(role, bytes)).toThrow(expect.objectContaining({ closeCode: 1002 }));
  });

  it('[6455-6.2-a] are the same bytes wherever they were cut', () => {
    // A header that lies in two chunks begins no run, even where its rest looks like one: at this key.
    const mask = Buffer.from('3700813d', 'hex');
    const bytes = wire(...SPECS.map((spec) => ({ ...spec, mask })));
    const joined = (seen: string[]): string =>
      seen.map((call) => call.replace(/^(data \d \w+ \w+|run) /, '')).join('');
    for (let at = 0; at <= bytes.length; at++) {
      const seen: string[] = [];
      const reader = new FrameReader(new FrameContext('server'), {
        onData: (_, piece) => void seen.push(`run ${piece}`),
        onRun: (piece) => void seen.push(`run ${piece}`),
        onControl: (opcode, payload) => void seen.push(`control ${opcode} ${payload}`),
      });
      for (const piece of [bytes.subarray(0, at), bytes.subarray(at)]) {
        reader.read(Buffer.from(piece));
      }
      expect(joined(seen).replace('control 9 ping', '')).toBe(
        joined(each).replace('control 9 ping', ''),
      );
    }
  });

  it('may make up more than one chunk of the largest size', () => {
    const fragment = encodeFrame({ opcode: 0, fin: false, mask: KEY, payload: Buffer.alloc(100) });
    const begin = encodeFrame({ opcode: 2, fin: false, mask: KEY });
    const bytes = Buffer.concat([begin, ...Array(2000).fill(fragment)]);
    const lengths: number[] = [];
    const context = new FrameContext('server');
    const reader = new FrameReader(context, {
      onData: () => {},
      onRun: (piece) => void lengths.push(piece.length),
      onControl: () => expect.fail(),
    });
    expect(reader.read(bytes)).toBe(bytes.length);
    expect(lengths.length).toBe(4);
    expect(lengths.reduce((sum, length) => sum + length)).toBe(200_000);
    expect([context.messageLength, context.fragments]).toEqual([200_000, 2001]);
  });

  it.each([
    ['[6455-10.4-c] fragments', undefined, 4, 1008, 'onetwo'],
    ['[6455-5.2-r] bytes', 9, undefined, 1009, 'onetwo'],
  ])(
    'end where there are too many %s, with the error of the one that is too much',
    (_, maxPayload, maxFragments, closeCode, text) => {
      const bytes = wire(
        { opcode: 1, fin: false, mask: KEY, payload: 'x' },
        { opcode: 0, fin: false, mask: KEY, payload: 'one' },
        { opcode: 0, fin: false, mask: KEY, payload: 'two' },
        { opcode: 0, fin: false, mask: KEY, payload: 'six' },
        { opcode: 0, fin: false, mask: KEY, payload: 'ten' },
      );
      for (const step of [1, 9, bytes.length]) {
        const pieces: Buffer[] = [];
        const context = new FrameContext('server', maxPayload, false, maxFragments);
        const reader = new FrameReader(context, {
          onData: (_, piece) => void pieces.push(Buffer.from(piece)),
          onRun: (piece) => void pieces.push(Buffer.from(piece)),
          onControl: () => expect.fail(),
        });
        const readAll = () => {
          for (let at = 0; at < bytes.length; at += step) {
            reader.read(Buffer.from(bytes.subarray(at, at + step)));
          }
        };
        expect(readAll).toThrow(expect.objectContaining({ closeCode }));
        expect(Buffer.concat(pieces).toString()).toBe(`x${text}`);
      }
    },
  );

  it.each(['stop', 'suspend'] as const)(
    '[6455-7.1.7-g] are the last thing read where the sink has it %s',
    (how) => {
      const bytes = wire(...SPECS.map((spec) => ({ ...spec, mask: KEY })));
      const seen: string[] = [];
      const reader: FrameReader = new FrameReader(new FrameContext('server'), {
        onData: (_, piece) => void seen.push(`${piece}`),
        onRun(piece) {
          seen.push(`${piece}`);
          reader[how]();
        },
        onControl: () => expect.fail(),
      });
      const used = reader.read(bytes);
      expect(used).toBe(wire(...SPECS.slice(0, 4).map((spec) => ({ ...spec, mask: KEY }))).length);
      expect(seen).toEqual(['first ', `a${'b'.repeat(125)}`]);
    },
  );
});
