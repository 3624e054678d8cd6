// The protocol endpoint, both roles: what it tells of the bytes it is given, what it sends by itself
// and when told to, and that nothing counts behind a Close or a fault.

import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { Connection, type ConnectionOptions } from '../../src/connection/connection.ts';
import { PreparedMessage } from '../../src/connection/prepared.ts';
import { ProtocolError } from '../../src/errors.ts';
import { type Outcome, replay } from '../frame/replay.ts';
import { encodeFrame, type FrameSpec } from '../support/wire.ts';
import { closeBody, Endpoint, peerFrame, short, type Told } from './endpoint.ts';

type Role = 'client' | 'server';
const ROLES = ['client', 'server'] as const;

interface Conversation extends Outcome {
  readonly events: readonly Told[];
  readonly wire: readonly string[];
  readonly state: string;
  readonly ended: number;
}

/** What an endpoint makes of frames, the same however they are cut. */
function converse(options: ConnectionOptions, ...specs: FrameSpec[]): Conversation {
  const { role } = options;
  const bytes = Buffer.concat(specs.map((spec) => peerFrame(role, spec)));
  const run = (borrowed: boolean) => (pieces: Buffer[]) => {
    const endpoint = new Endpoint(options);
    for (const piece of pieces) {
      endpoint.connection.receive(piece, borrowed);
      if (borrowed) piece.fill(0xdd);
    }
    const { state } = endpoint.connection;
    const over = state !== 'open';
    const wire = endpoint.wire();
    return { events: endpoint.told, wire: over ? wire : [], over, state, ended: endpoint.ended };
  };
  const trailing = peerFrame(role, { opcode: 10, payload: 'trailing' });
  const outcome = replay(bytes, run(false), trailing);
  expect(replay(bytes, run(true), trailing), 'borrowed').toEqual(outcome);
  return outcome;
}

const told = (role: Role, ...specs: FrameSpec[]): readonly Told[] =>
  converse({ role }, ...specs).events;

/** An endpoint that has been given frames, each in its own chunk. */
function given(options: ConnectionOptions, ...specs: FrameSpec[]): Endpoint {
  const endpoint = new Endpoint(options);
  endpoint.take(...specs);
  return endpoint;
}

describe.each(ROLES)('messages to a %s', (role) => {
  it('[6455-5.4-a] [6455-5.4-i] [6455-6.2-c] come whole, text and binary, of every size', () => {
    const large = 'l'.repeat(70_000);
    expect(
      told(
        role,
        { opcode: 1, payload: 'Hello' },
        { opcode: 2, payload: Buffer.from([0, 255]) },
        { opcode: 1 },
        { opcode: 2 },
      ),
    ).toEqual([
      ['text', 'Hello'],
      ['binary', '00ff'],
      ['text', ''],
      ['binary', ''],
    ]);
    const endpoint = given({ role }, { opcode: 1, payload: large });
    expect(endpoint.told).toEqual([['text', large]]);
  });

  it('[6455-5.4-b] [6455-5.4-e] [6455-5.4-i] [6455-5.4-n] come whole out of fragments, empty ones too', () => {
    expect(
      told(
        role,
        { opcode: 1, fin: false, payload: 'Hel' },
        { opcode: 0, fin: false },
        { opcode: 0, payload: 'lo' },
        { opcode: 2, fin: false },
        { opcode: 0 },
      ),
    ).toEqual([
      ['text', 'Hello'],
      ['binary', ''],
    ]);
  });

  it('[6455-5.4-j] [6455-6.1-c] have the type of their first fragment', () => {
    // Not UTF-8, so that a type taken from elsewhere shows.
    const bytes = Buffer.from([0xff, 0xfe]);
    expect(
      told(
        role,
        { opcode: 2, fin: false, payload: bytes },
        { opcode: 0, payload: bytes },
        { opcode: 1, fin: false, payload: 'a' },
        { opcode: 0, payload: 'b' },
      ),
    ).toEqual([
      ['binary', 'fffefffe'],
      ['text', 'ab'],
    ]);
  });

  it('[6455-5.4-c] [6455-5.4-g] [6455-8.1-f] let control frames in between, even inside a character', () => {
    const [first, second] = [Buffer.from([0xe2, 0x82]), Buffer.from([0xac])];
    expect(
      told(
        role,
        { opcode: 1, fin: false, payload: first },
        { opcode: 9, payload: 'p' },
        { opcode: 10, payload: 'q' },
        { opcode: 0, payload: second },
      ),
    ).toEqual([
      ['ping', '70'],
      ['pong', '71'],
      ['text', '€'],
    ]);
  });

  it.each<[string, FrameSpec[]]>([
    ['[6455-5.4-k] a continuation of nothing', [{ opcode: 0, payload: 'x' }]],
    ['[6455-5.4-k] a continuation of a whole message', [{ opcode: 1 }, { opcode: 0 }]],
    ['[6455-5.4-f] a message inside a message', [{ opcode: 1, fin: false }, { opcode: 2 }]],
    ['[6455-5.5-b] [6455-5.4-d] half a Ping', [{ opcode: 9, fin: false }]],
    ['[6455-5.2-c] RSV1', [{ opcode: 1, rsv: 4 }]],
    ['[6455-5.2-d] a reserved opcode inside a message', [{ opcode: 1, fin: false }, { opcode: 3 }]],
    ['[6455-5.2-n] a padded length', [{ opcode: 1, payload: 'x', length: 16 }]],
    ['[6455-5.5.1-c] a Close of one byte', [{ opcode: 8, payload: 'x' }]],
    ['[6455-7.4.1-a] a Close with 1005', [{ opcode: 8, payload: closeBody(1005) }]],
    ['[6455-7.4.1-d] a Close with 1004', [{ opcode: 8, payload: closeBody(1004) }]],
    ['[6455-7.4.2-b] a Close with 2000', [{ opcode: 8, payload: closeBody(2000) }]],
  ])('[6455-7.1.7-e] [6455-7.1.7-g] [6455-7.1.5-c] end with 1002 at %s', (_, specs) => {
    const before = { opcode: 1, payload: 'before' };
    const outcome = converse({ role }, before, ...specs);
    expect(outcome.events[0]).toEqual(['text', 'before']);
    expect(outcome.events.at(-1)?.slice(0, 2)).toEqual(['fail', 1002]);
    expect(outcome).toMatchObject({ wire: [short(0x88, closeBody(1002))], state: 'failed' });
    // §7.1.7: failing is closing the connection, on either side.
    expect(outcome.ended).toBe(1);
  });

  it('[6455-5.1-c] [6455-5.1-f] [6455-7.1.7-a] [6455-7.1.7-c] end at a frame masked the wrong way', () => {
    const mask = role === 'client' ? Buffer.alloc(4) : false;
    const endpoint = new Endpoint({ role });
    endpoint.connection.receive(encodeFrame({ opcode: 1, mask }));
    expect(endpoint.told.map(([what, code]) => [what, code])).toEqual([['fail', 1002]]);
    expect(endpoint.wire()).toEqual([short(0x88, closeBody(1002))]);
    expect(endpoint.ended).toBe(1);
  });

  it.each<[string, FrameSpec[]]>([
    ['in one frame', [{ opcode: 1, payload: Buffer.from('6162ff63', 'hex') }]],
    [
      'over two',
      [
        { opcode: 1, fin: false, payload: Buffer.from('e2', 'hex') },
        { opcode: 0, payload: Buffer.from('28a1', 'hex') },
      ],
    ],
    ['cut at its end', [{ opcode: 1, payload: Buffer.from('61c3', 'hex') }]],
    [
      'cut at the end of the last fragment',
      [{ opcode: 1, fin: false, payload: Buffer.from('f0', 'hex') }, { opcode: 0 }],
    ],
    [
      'in the reason of a Close',
      [{ opcode: 8, payload: closeBody(1000, Buffer.from('c0af', 'hex')) }],
    ],
  ])(
    '[6455-8.1-b] [6455-8.1-c] [6455-5.6-a] [6455-8.1-i] end with 1007 at text that is not UTF-8, %s',
    (_, specs) => {
      const outcome = converse({ role }, ...specs);
      expect(outcome.events).toEqual([['fail', 1007, 'WS_ERR_INVALID_UTF8']]);
      expect(outcome.wire).toEqual([short(0x88, closeBody(1007))]);
    },
  );

  it('[6455-8.1-e] end at the first impossible byte of text, the frame half there', () => {
    const frame = peerFrame(role, { opcode: 1, payload: Buffer.from('61f490808061', 'hex') });
    const header = frame.length - 6;
    const endpoint = new Endpoint({ role });
    endpoint.connection.receive(Buffer.from(frame.subarray(0, header + 2)));
    expect(endpoint.told).toEqual([]);
    endpoint.connection.receive(Buffer.from(frame.subarray(header + 2, header + 3)));
    expect(endpoint.told).toEqual([['fail', 1007, 'WS_ERR_INVALID_UTF8']]);
  });

  it('[6455-5.6-b] [6455-8.1-g] are handed on unchanged: binary that is no text, text with a BOM', () => {
    expect(
      told(
        role,
        { opcode: 2, payload: Buffer.from('c0ff', 'hex') },
        { opcode: 1, payload: '\ufeffbom' },
      ),
    ).toEqual([
      ['binary', 'c0ff'],
      ['text', '\ufeffbom'],
    ]);
  });

  it('are taken on trust where the application wants that', () => {
    const broken = Buffer.from('61ff', 'hex');
    const seen = given(
      { role, skipUtf8Validation: true },
      { opcode: 1, payload: broken },
      { opcode: 1, fin: false, payload: broken },
      { opcode: 0 },
      { opcode: 8, payload: closeBody(1000, broken) },
    ).told;
    expect(seen).toEqual([
      ['text', 'a\ufffd'],
      ['text', 'a\ufffd'],
      ['close', 1000, 'a\ufffd'],
    ]);
  });

  it('[6455-10.4-b] [6455-5.2-r] may be as long as the limit, over all fragments, and no longer', () => {
    const maxPayload = 6;
    expect(
      converse(
        { role, maxPayload },
        { opcode: 1, payload: '123456' },
        { opcode: 1, fin: false, payload: '123' },
        { opcode: 9, payload: 'not counted' },
        { opcode: 0, payload: '456' },
      ).events.map(([what]) => what),
    ).toEqual(['text', 'ping', 'text']);
    const tooLong = [['fail', 1009, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH']];
    expect(converse({ role, maxPayload }, { opcode: 2, payload: '1234567' }).events).toEqual(
      tooLong,
    );
    expect(
      converse(
        { role, maxPayload },
        { opcode: 2, fin: false, payload: '1234' },
        { opcode: 0, fin: false, payload: '567' },
      ).events,
    ).toEqual(tooLong);
  });

  it('[6455-10.4-c] may have as many fragments as the limit says', () => {
    const fragments = [{ opcode: 1, fin: false }, { opcode: 0, fin: false }, { opcode: 0 }];
    expect(converse({ role, maxFragments: 3 }, ...fragments).events).toEqual([['text', '']]);
    const outcome = converse({ role, maxFragments: 2 }, ...fragments);
    expect(outcome.events).toEqual([['fail', 1008, 'WS_ERR_TOO_MANY_BUFFERED_PARTS']]);
    expect(outcome.wire).toEqual([short(0x88, closeBody(1008))]);
  });

  it('have no limit when that is 0', () => {
    const options = { role, maxPayload: 0, maxFragments: 0 };
    expect(
      converse(options, { opcode: 1, fin: false, payload: 'a' }, { opcode: 0 }).events,
    ).toEqual([['text', 'a']]);
  });
});

describe('the bytes of a message', () => {
  /** The message that comes of `chunk`. */
  function message(chunk: Buffer, borrowed: boolean): Buffer {
    const got: Buffer[] = [];
    const endpoint = new Endpoint({ role: 'client' });
    endpoint.onMessage = (data) => got.push(data);
    endpoint.connection.receive(chunk, borrowed);
    return got[0] as Buffer;
  }

  /** A frame at the start of a chunk of `size` bytes; a Ping fills the rest where there is any. */
  function chunkOf(payload: number, size: number): Buffer {
    const chunk = Buffer.from(new ArrayBuffer(size));
    encodeFrame({ opcode: 2, payload: Buffer.alloc(payload, 'm') }).copy(chunk);
    return chunk.subarray(0, encodeFrame({ opcode: 2, payload: Buffer.alloc(payload) }).length);
  }

  it('are a view of the chunk, unless that is large and the message a small part of it', () => {
    const isView = (payload: number, size: number): boolean => {
      const chunk = chunkOf(payload, size);
      return message(chunk, false).buffer === chunk.buffer;
    };
    expect(isView(10, 12)).toBe(true);
    expect(isView(10, 16384)).toBe(true);
    expect(isView(10, 16385)).toBe(false);
    expect(isView(8192, 65536)).toBe(true);
    expect(isView(8191, 65536)).toBe(false);
  });

  it('are a copy when the chunk is borrowed', () => {
    const chunk = chunkOf(10, 12);
    const got = message(chunk, true);
    chunk.fill(0);
    expect(got.toString()).toBe('m'.repeat(10));
  });
});

describe.each(ROLES)('what a %s sends', (role) => {
  const sender = () => new Endpoint({ role });

  it('[6455-5.4-a] [6455-6.1-b] [6455-6.1-c] [6455-6.1-d] is one frame with FIN and the type', () => {
    const endpoint = sender();
    expect(endpoint.connection.send('héllo', false)).toBe(6);
    expect(endpoint.connection.send(Buffer.from([1, 2]), true)).toBe(2);
    expect(endpoint.connection.send('text as bytes', true)).toBe(13);
    expect(endpoint.connection.send(Buffer.from('é'), false)).toBe(2);
    expect(endpoint.wire()).toEqual([
      ...[short(0x81, 'héllo'), '82:0102', short(0x82, 'text as bytes'), short(0x81, 'é')],
    ]);
  });

  it('[6455-5.4-b] [6455-5.4-h] [6455-5.4-c] [6455-6.1-d] is fragmented as the application likes', () => {
    const endpoint = sender();
    for (const [data, fin] of [
      ['a', false],
      ['', false],
      ['b', false],
      ['', true],
    ] as const) {
      endpoint.connection.send(data, false, fin);
      endpoint.connection.ping('');
    }
    // The type of the first fragment holds.
    endpoint.connection.send('c', true, false);
    endpoint.connection.send('d', false, true);
    endpoint.connection.send('e', false);
    expect(endpoint.wire().filter((frame) => frame !== '89:')).toEqual([
      ...[short(0x01, 'a'), short(0x00), short(0x00, 'b'), short(0x80)],
      ...[short(0x02, 'c'), short(0x80, 'd'), short(0x81, 'e')],
    ]);
  });

  it(
    role === 'client'
      ? '[6455-5.1-b] [6455-5.3-b] [6455-5.5.1-f] is masked, each frame with its own key'
      : '[6455-5.1-e] is never masked',
    () => {
      let keys = 0;
      const endpoint = new Endpoint({ role, keySource: () => ++keys });
      const { connection } = endpoint;
      connection.send('', false);
      connection.send('fragment', false, false);
      connection.send('fragment', false, true);
      connection.ping('p');
      connection.pong('p');
      connection.send(Buffer.alloc(10_000), true);
      connection.close(1000);
      const frames = endpoint.frames();
      expect(frames.length).toBe(7);
      if (role === 'server') expect(frames.every(({ masked }) => !masked)).toBe(true);
      else expect(frames.map(({ key }) => key?.readUInt32LE(0))).toEqual([1, 2, 3, 4, 5, 6, 7]);
    },
  );

  it('[6455-5.5-d] [6455-5.5.2-a] [6455-5.5.3-c] are control frames of at most 125 bytes', () => {
    const endpoint = sender();
    const { connection } = endpoint;
    for (const data of ['x'.repeat(126), 'é'.repeat(63), Buffer.alloc(126)]) {
      expect(() => connection.ping(data)).toThrow(RangeError);
      expect(() => connection.pong(data)).toThrow(RangeError);
    }
    expect(connection.pendingLength).toBe(0);
    expect(connection.ping('x'.repeat(125))).toBe(125);
    expect(connection.pong(Buffer.from('y'))).toBe(1);
    expect(endpoint.wire()).toEqual([short(0x89, 'x'.repeat(125)), short(0x8a, 'y')]);
  });

  it('[6455-5.6-c] is UTF-8 with U+FFFD for a lone surrogate', () => {
    const endpoint = sender();
    endpoint.connection.send('a\ud83d', false);
    expect(endpoint.wire()).toEqual(['81:61efbfbd']);
  });

  it('[6455-10.7-e] is never text that is not UTF-8', () => {
    const endpoint = sender();
    const { connection } = endpoint;
    expect(() => connection.send(Buffer.from([0xff]), false)).toThrow(TypeError);
    expect(() => connection.send(new Uint8Array([0x61, 0xe2]), false)).toThrow(TypeError);
    expect(connection.pendingLength).toBe(0);
    connection.send(Buffer.from([0xe2]), false, false);
    connection.send(new Uint8Array([0x82]), false, false);
    connection.send(Buffer.from([0xac]), false, true);
    connection.send(Buffer.from([0xff]), true, false);
    connection.send(Buffer.from([0xff]), false, true);
    connection.send(Buffer.from('ok'), false, true);
    expect(endpoint.wire()).toEqual([
      ...['01:e2', '00:82', '80:ac', '02:ff', '80:ff', short(0x81, 'ok')],
    ]);
  });

  it('[6455-10.7-e] is not held back by a first fragment that was refused', () => {
    const endpoint = sender();
    const { connection } = endpoint;
    // Begins a character and breaks it, so that a validator left over would want more of it.
    const broken = Buffer.from([0xe2, 0x28]);
    expect(() => connection.send(broken, false, false)).toThrow(TypeError);
    connection.send(Buffer.from('whole'), false);
    expect(() => connection.send(broken, false, false)).toThrow(TypeError);
    connection.send(Buffer.from([0xff]), true, false);
    connection.send(Buffer.from([0xfe]), true, true);
    expect(endpoint.wire()).toEqual([short(0x81, 'whole'), '02:ff', '80:fe']);
  });

  it.each([
    ['inside a character', '61e228', false],
    ['with an end inside a character', '61', true],
    ['with an empty end', '', true],
  ])(
    '[6455-10.7-e] [6455-5.6-a] is nothing more of a text once a fragment was refused %s',
    (_, hex, fin) => {
      const endpoint = sender();
      const { connection } = endpoint;
      connection.send(Buffer.from([0x61, 0xe2]), false, false);
      expect(() => connection.send(Buffer.from(hex, 'hex'), false, fin)).toThrow(TypeError);
      // Each of these would make text of what was refused, or make no text of what was sent.
      for (const next of [Buffer.from([0x82, 0xac]), Buffer.from([0x82]), Buffer.from('b')]) {
        expect(() => connection.send(next, false, false)).toThrow(TypeError);
        expect(() => connection.send(next, false, true)).toThrow(TypeError);
      }
      expect(endpoint.wire()).toEqual(['01:61e2']);
    },
  );

  it('is on trust where the application wants that', () => {
    const endpoint = new Endpoint({ role, skipUtf8Validation: true });
    endpoint.connection.send(Buffer.from([0xff]), false);
    expect(endpoint.wire()).toEqual(['81:ff']);
  });

  it('[6455-6.1-a] [6455-5.5.1-g] is nothing but a Close once that is sent, the rest of a message neither', () => {
    const endpoint = sender();
    const { connection } = endpoint;
    connection.send('begun', false, false);
    connection.close(1000, 'enough');
    expect(connection.send('more', false, true)).toBe(-1);
    expect(connection.send('other', true)).toBe(-1);
    expect(connection.ping('')).toBe(-1);
    expect(connection.pong('')).toBe(-1);
    connection.close(1001);
    expect(endpoint.wire()).toEqual([short(0x01, 'begun'), short(0x88, closeBody(1000, 'enough'))]);
  });

  it('[6455-5.5.1-r] [6455-2.1-a] leaves in order, the Close behind what was queued before it', () => {
    const endpoint = sender();
    const { connection } = endpoint;
    for (let i = 0; i < 100; i++) connection.send(`${i}`, false);
    connection.close();
    expect(endpoint.wakes).toBe(1);
    expect(endpoint.writes).toEqual([]);
    const wire = endpoint.wire();
    expect(wire).toEqual([
      ...Array.from({ length: 100 }, (_, i) => short(0x81, `${i}`)),
      short(0x88),
    ]);
    expect(endpoint.writes.length).toBe(1);
  });

  it('[6455-2.1-a] waits for the transport, however much it is: when to write is not decided here', () => {
    const endpoint = sender();
    const { connection } = endpoint;
    const header = role === 'client' ? 8 : 4;
    for (let i = 1; i <= 100; i++) {
      connection.send(Buffer.alloc(4000, i), true);
      expect(connection.pendingLength).toBe(i * (header + 4000));
    }
    expect(endpoint.writes.length).toBe(0);
    expect(endpoint.wakes).toBe(1);
    connection.flush();
    expect(endpoint.writes.length).toBe(1);
    expect(connection.pendingLength).toBe(0);
    expect(endpoint.frames().map(({ payload }) => payload[0])).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
    expect(endpoint.isIntact).toBe(true);
  });
});

describe.each(ROLES)('a Ping to a %s', (role) => {
  it('[6455-5.5.2-b] [6455-5.5.3-a] is answered with its own bytes, and told', () => {
    const payloads = ['', 'p', 'x'.repeat(125)];
    const endpoint = given({ role }, ...payloads.map((payload) => ({ opcode: 9, payload })));
    expect(endpoint.wire()).toEqual(payloads.map((payload) => short(0x8a, payload)));
    expect(endpoint.told.length).toBe(3);
  });

  it('[6455-5.5.2-c] [6455-6.2-e] is answered at once, in the middle of a message', () => {
    const endpoint = given(
      { role },
      { opcode: 1, fin: false, payload: 'half' },
      { opcode: 9, payload: 'now' },
    );
    // Without a flush of the transport's.
    expect(endpoint.writes.length).toBe(1);
    expect(endpoint.wire()).toEqual([short(0x8a, 'now')]);
  });

  it('[6455-5.5.2-b] [6455-7.1.1-e] is answered after our own Close, and messages still come', () => {
    const endpoint = new Endpoint({ role });
    endpoint.connection.close(1000);
    endpoint.take({ opcode: 9, payload: 'still' }, { opcode: 1, payload: 'there' });
    expect(endpoint.told).toEqual([
      ['ping', Buffer.from('still').toString('hex')],
      ['text', 'there'],
    ]);
    expect(endpoint.wire()).toEqual([short(0x88, closeBody(1000)), short(0x8a, 'still')]);
  });

  it('[6455-5.5.3-b] [6455-5.5.2-f] is answered later when the transport is full, the newest one only', () => {
    const endpoint = new Endpoint({ role });
    const { connection } = endpoint;
    connection.setCongested(true);
    const pings = Array.from({ length: 1000 }, (_, i) => ({ opcode: 9, payload: `${i}` }));
    endpoint.take(...pings);
    expect(connection.pendingLength + endpoint.written.length).toBe(0);
    expect(endpoint.told.length).toBe(1000);
    connection.setCongested(true);
    connection.setCongested(false);
    connection.setCongested(false);
    expect(endpoint.wakes).toBe(1);
    endpoint.take({ opcode: 9, payload: 'next' });
    expect(endpoint.wire()).toEqual([short(0x8a, '999'), short(0x8a, 'next')]);
  });

  it('[6455-5.5.2-b] is not answered any more once a Close has come', () => {
    const endpoint = new Endpoint({ role });
    endpoint.connection.setCongested(true);
    endpoint.take({ opcode: 9, payload: 'late' }, { opcode: 8 });
    endpoint.connection.setCongested(false);
    expect(endpoint.wire()).toEqual([short(0x88)]);
  });

  it('is left to the application where that wants it', () => {
    const endpoint = given({ role, autoPong: false }, { opcode: 9, payload: 'yours' });
    expect(endpoint.told.length).toBe(1);
    expect(endpoint.wire()).toEqual([]);
  });
});

describe.each(ROLES)('a Pong to a %s', (role) => {
  it('[6455-5.5.3-c] [6455-5.5.3-d] is told, asked for or not, and never answered', () => {
    const endpoint = given({ role }, { opcode: 10, payload: 'a' }, { opcode: 10 });
    expect(endpoint.told).toEqual([
      ['pong', '61'],
      ['pong', ''],
    ]);
    expect(endpoint.wire()).toEqual([]);
    expect(endpoint.connection.state).toBe('open');
  });
});

describe.each(ROLES)('the closing handshake of a %s', (role) => {
  it('[6455-5.5.1-h] [6455-5.5.1-k] [6455-7.1.5-a] [6455-7.1.6-a] [6455-7.1.4-a] answers a Close with its code and takes it as its own', () => {
    const outcome = converse({ role }, { opcode: 8, payload: closeBody(3001, 'därum') });
    expect(outcome.events).toEqual([['close', 3001, 'därum']]);
    expect(outcome.wire).toEqual([short(0x88, closeBody(3001, 'därum'))]);
    const { connection } = given({ role }, { opcode: 8, payload: closeBody(3001, 'därum') });
    expect(connection.state).toBe('complete');
    expect(connection.wasClean).toBe(true);
    expect(connection.closeCode).toBe(3001);
    expect(connection.closeReason.toString()).toBe('därum');
  });

  it('[6455-5.5.1-k] [6455-7.1.5-b] [6455-7.4.1-a] answers a Close without a code without one: 1005 stays here', () => {
    const endpoint = given({ role }, { opcode: 8 });
    expect(endpoint.told).toEqual([['close', 1005, '']]);
    expect(endpoint.wire()).toEqual([short(0x88)]);
    expect(endpoint.connection.closeCode).toBe(1005);
  });

  it(
    role === 'server'
      ? '[6455-5.5.1-l] [6455-5.5.1-m] [6455-7.1.1-f] ends the transport at once when both Close frames have passed'
      : '[6455-5.5.1-n] [6455-7.1.1-c] [6455-7.1.1-f] leaves it to the server to end the transport',
    () => {
      const ended = role === 'server' ? 1 : 0;
      expect(given({ role }, { opcode: 8 }).ended).toBe(ended);
      const starter = new Endpoint({ role });
      starter.connection.close();
      expect(starter.ended).toBe(0);
      starter.take({ opcode: 8 });
      expect(starter.ended).toBe(ended);
    },
  );

  it('[6455-7.1.2-a] [6455-5.5.1-p] [6455-7.1.5-d] starts with a Close and ends with the one that comes, whatever its code', () => {
    const endpoint = new Endpoint({ role });
    endpoint.connection.close(4001, 'mine');
    expect(endpoint.connection.state).toBe('sent');
    expect(endpoint.connection.closeCode).toBe(1006);
    endpoint.take({ opcode: 8, payload: closeBody(4002, 'yours') });
    expect(endpoint.wire()).toEqual([short(0x88, closeBody(4001, 'mine'))]);
    expect(endpoint.connection).toMatchObject({ closeCode: 4002, wasClean: true });
  });

  it('[6455-7.4-a] [6455-7.1.2-a] needs no code', () => {
    const endpoint = new Endpoint({ role });
    endpoint.connection.close();
    expect(endpoint.wire()).toEqual([short(0x88)]);
  });

  it('[6455-7.4-b] [6455-7.4.1-b] [6455-7.4.1-c] refuses what may not be sent before anything has changed', () => {
    const endpoint = new Endpoint({ role });
    const { connection } = endpoint;
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000]) {
      expect(() => connection.close(code)).toThrow(TypeError);
    }
    expect(() => connection.close(undefined, 'why')).toThrow(TypeError);
    expect(() => connection.close(1000, 'é'.repeat(62))).toThrow(RangeError);
    expect(connection.state).toBe('open');
    expect(endpoint.wire()).toEqual([]);
  });

  it('[6455-7.4.1-i] [6455-7.4.1-e] [iana-close-a] sends every code that may be sent', () => {
    const codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
    for (const code of [...codes, 3000, 3999, 4000, 4999]) {
      const endpoint = new Endpoint({ role });
      endpoint.connection.close(code);
      expect(endpoint.wire()).toEqual([short(0x88, closeBody(code))]);
    }
  });

  it('[6455-7.1.1-d] ignores everything behind a Close', () => {
    const more = [{ opcode: 1, payload: 'x' }, { opcode: 9 }, { opcode: 8 }, { opcode: 15 }];
    const close = { opcode: 8, payload: closeBody(1000) };
    expect(converse({ role }, close, ...more)).toEqual(converse({ role }, close));
  });

  it('[6455-5.5.1-q] drops a message that was in progress', () => {
    const outcome = converse({ role }, { opcode: 1, fin: false, payload: 'half' }, { opcode: 8 });
    expect(outcome).toMatchObject({ events: [['close', 1005, '']], state: 'complete' });
  });

  it('keeps the reason when the chunk it came in is used again', () => {
    const endpoint = new Endpoint({ role });
    const chunk = peerFrame(role, { opcode: 8, payload: closeBody(1000, 'kept') });
    endpoint.connection.receive(chunk, true);
    chunk.fill(0);
    expect(endpoint.connection.closeReason.toString()).toBe('kept');
  });
});

describe.each(ROLES)('a %s with messages that are not ready to be sent', (role) => {
  const BYE = { opcode: 8, payload: closeBody(3001, 'bye') };
  const answer = short(0x88, closeBody(3001, 'bye'));
  const ended = role === 'server' ? 1 : 0;

  /** An endpoint whose owner is busy. */
  function busy(): Endpoint {
    const endpoint = new Endpoint({ role });
    endpoint.connection.setBusy(true);
    return endpoint;
  }

  it('[6455-5.5.1-h] [6455-5.5.1-j] [6455-5.1-a] answers a Close when they have been sent, and ignores what follows it', () => {
    const endpoint = busy();
    const { connection } = endpoint;
    endpoint.take(
      BYE,
      { opcode: 1, payload: 'late' },
      { opcode: 9 },
      { opcode: 8 },
      { opcode: 15 },
    );
    expect(endpoint.told).toEqual([['close', 3001, 'bye']]);
    expect(connection).toMatchObject({ state: 'received', closeCode: 3001, wasClean: false });
    expect([endpoint.wire(), endpoint.ended]).toEqual([[], 0]);
    expect(connection.send('one', false)).toBe(3);
    expect(connection.ping('p')).toBe(1);
    expect(connection.pong('q')).toBe(1);
    expect(connection.sendPrepared(new PreparedMessage('two'))).toBe(3);
    connection.setBusy(false);
    const sent = [short(0x81, 'one'), short(0x89, 'p'), short(0x8a, 'q'), short(0x81, 'two')];
    expect(endpoint.writes).toHaveLength(1);
    expect(endpoint.wire()).toEqual([...sent, answer]);
    expect(connection).toMatchObject({ state: 'complete', closeCode: 3001, wasClean: true });
    expect(endpoint.ended).toBe(ended);
  });

  it('[6455-5.5.1-g] [6455-5.5.1-p] sends nothing behind its answer, and answers once', () => {
    const endpoint = busy();
    const { connection } = endpoint;
    endpoint.take(BYE);
    connection.setBusy(true);
    expect(endpoint.wire()).toEqual([]);
    for (const isBusy of [false, true, false]) connection.setBusy(isBusy);
    connection.close(1000);
    expect(connection.send('late', false)).toBe(-1);
    expect(connection.ping('late')).toBe(-1);
    expect(connection.takesLong(1_000_000)).toBe(false);
    expect(endpoint.wire()).toEqual([answer]);
    expect(endpoint.ended).toBe(ended);
    expect(endpoint.told).toHaveLength(1);
  });

  it('[6455-5.5.1-k] [6455-7.1.5-b] answers a Close without a code without one', () => {
    const endpoint = busy();
    endpoint.take({ opcode: 8 });
    endpoint.connection.setBusy(false);
    expect(endpoint.told).toEqual([['close', 1005, '']]);
    expect(endpoint.wire()).toEqual([short(0x88)]);
  });

  it('[6455-7.1.5-d] may answer with a code of its own', () => {
    const endpoint = busy();
    const { connection } = endpoint;
    endpoint.take(BYE);
    expect(() => connection.close(1005)).toThrow(TypeError);
    expect(connection.state).toBe('received');
    connection.close(1001, 'mine');
    expect(endpoint.ended).toBe(ended);
    connection.setBusy(false);
    expect(endpoint.wire()).toEqual([short(0x88, closeBody(1001, 'mine'))]);
    expect(connection).toMatchObject({ state: 'complete', closeCode: 3001, wasClean: true });
  });

  it('[6455-5.5.1-p] waits for nothing when its own Close is out already', () => {
    const endpoint = busy();
    endpoint.connection.close(1000);
    endpoint.take(BYE);
    expect(endpoint.connection.state).toBe('complete');
    endpoint.connection.setBusy(false);
    expect(endpoint.wire()).toEqual([short(0x88, closeBody(1000))]);
    expect(endpoint.ended).toBe(ended);
  });

  it('[6455-7.1.7-e] [6455-7.1.5-a] fails at once, with the code of the peer as its own', () => {
    const endpoint = busy();
    const { connection } = endpoint;
    endpoint.take(BYE);
    connection.fail(new ProtocolError(1008, 'WS_ERR_INVALID_OPCODE', ''));
    connection.setBusy(false);
    expect(connection.send('late', false)).toBe(-1);
    expect(endpoint.told.map(([what, code]) => [what, code])).toEqual([
      ['close', 3001],
      ['fail', 1008],
    ]);
    expect(endpoint.wire()).toEqual([short(0x88, closeBody(1008))]);
    expect(endpoint.ended).toBe(1);
    expect(connection).toMatchObject({ state: 'failed', closeCode: 3001, wasClean: false });
  });

  it('[6455-7.1.5-a] [6455-7.1.4-a] is not clean, but has the code, if the transport ends first', () => {
    const endpoint = busy();
    endpoint.take(BYE);
    endpoint.connection.receiveEnd();
    endpoint.connection.setBusy(false);
    expect(endpoint.connection).toMatchObject({ state: 'lost', closeCode: 3001, wasClean: false });
    expect([endpoint.wire(), endpoint.ended]).toEqual([[], 0]);
  });

  it('[6455-5.5.2-b] [6455-5.5.3-b] answers no Ping any more that a full transport held back', () => {
    const endpoint = busy();
    endpoint.connection.setCongested(true);
    endpoint.take({ opcode: 9, payload: 'p' }, BYE);
    endpoint.connection.setCongested(false);
    endpoint.connection.setBusy(false);
    expect(endpoint.wire()).toEqual([answer]);
  });

  it('goes on as before when no Close has come', () => {
    const endpoint = busy();
    endpoint.connection.setBusy(false);
    expect(endpoint.connection.state).toBe('open');
    expect(endpoint.wire()).toEqual([]);
    endpoint.take(BYE);
    expect(endpoint.wire()).toEqual([answer]);
  });
});

describe.each(ROLES)('a %s that fails', (role) => {
  const policy = () => new ProtocolError(1003 as number, 'WS_ERR_INVALID_OPCODE', 'no binary here');

  it('[6455-7.1.7-e] [6455-7.1.5-c] sends Close with the code of the error, ends the transport, is not clean', () => {
    const endpoint = new Endpoint({ role });
    endpoint.connection.send('before', false);
    endpoint.connection.fail(policy());
    expect(endpoint.told).toEqual([['fail', 1003, 'WS_ERR_INVALID_OPCODE']]);
    expect(endpoint.writes.length).toBe(1);
    expect(endpoint.wire()).toEqual([short(0x81, 'before'), short(0x88, closeBody(1003))]);
    expect(endpoint).toMatchObject({ ended: 1 });
    expect(endpoint.connection).toMatchObject({
      ...{ state: 'failed', closeCode: 1006, wasClean: false },
    });
  });

  it('[6455-7.1.7-g] [6455-7.1.5-c] takes nothing after that, not even the Close of the peer', () => {
    const endpoint = new Endpoint({ role });
    endpoint.connection.fail(policy());
    endpoint.take({ opcode: 9 }, { opcode: 1, payload: 'x' }, { opcode: 8 }, { opcode: 15 });
    endpoint.connection.fail(policy());
    expect(endpoint.connection.send('x', false)).toBe(-1);
    endpoint.connection.close(1000);
    expect(endpoint.told.length).toBe(1);
    expect(endpoint.wire()).toEqual([short(0x88, closeBody(1003))]);
    expect(endpoint.ended).toBe(1);
    expect(endpoint.connection.closeCode).toBe(1006);
  });

  it('[6455-7.1.7-e] sends no second Close when one has been sent', () => {
    const endpoint = new Endpoint({ role });
    endpoint.connection.close(1000);
    endpoint.take({ opcode: 3 });
    expect(endpoint.told.map(([what, code]) => [what, code])).toEqual([['fail', 1002]]);
    expect(endpoint.wire()).toEqual([short(0x88, closeBody(1000))]);
    expect(endpoint.ended).toBe(1);
    expect(endpoint.connection).toMatchObject({ state: 'failed', closeCode: 1006 });
  });

  it('does not once the closing handshake is complete or the transport gone', () => {
    const closed = given({ role }, { opcode: 8 });
    const lost = new Endpoint({ role });
    lost.connection.receiveEnd();
    for (const endpoint of [closed, lost]) {
      const wire = endpoint.wire();
      endpoint.connection.fail(policy());
      expect(endpoint.told.some(([what]) => what === 'fail')).toBe(false);
      expect(endpoint.wire()).toEqual(wire);
    }
  });
});

describe.each(ROLES)('a %s whose transport ends', (role) => {
  it('[6455-7.2.1-b] [6455-7.1.5-c] [6455-7.1.4-a] has 1006, unless the closing handshake was complete', () => {
    for (const close of [false, true]) {
      const endpoint = new Endpoint({ role });
      if (close) endpoint.connection.close(1000);
      endpoint.connection.receiveEnd();
      expect(endpoint.connection).toMatchObject({
        ...{ state: 'lost', closeCode: 1006, wasClean: false },
      });
      endpoint.take({ opcode: 1, payload: 'late' }, { opcode: 8 });
      expect(endpoint.told).toEqual([]);
      expect(endpoint.connection.send('late', false)).toBe(-1);
    }
  });

  it('[6455-7.1.4-a] stays clean when the closing handshake was complete', () => {
    const endpoint = given({ role }, { opcode: 8, payload: closeBody(1001) });
    endpoint.connection.receiveEnd();
    expect(endpoint.connection).toMatchObject({
      ...{ state: 'complete', closeCode: 1001, wasClean: true },
    });
  });
});

describe('an application that acts inside an event', () => {
  const chunk = (...specs: FrameSpec[]): Buffer =>
    Buffer.concat(specs.map((spec) => peerFrame('server', spec)));
  const texts = (...payloads: string[]) =>
    chunk(...payloads.map((payload) => ({ opcode: 1, payload })));

  it('[6455-6.1-f] has all of its answers to one chunk in one write', () => {
    const endpoint = new Endpoint({ role: 'server' });
    endpoint.react = ([, text]) => endpoint.connection.send(`re: ${text}`, false);
    endpoint.connection.receive(texts('a', 'b', 'c'));
    expect(endpoint.writes.length).toBe(1);
    expect(endpoint.wakes).toBe(0);
    expect(endpoint.wire()).toEqual(['a', 'b', 'c'].map((text) => short(0x81, `re: ${text}`)));
  });

  it('may close: what comes behind in the same chunk is still told', () => {
    const endpoint = new Endpoint({ role: 'server' });
    endpoint.react = () => endpoint.connection.close(1000);
    endpoint.connection.receive(texts('a', 'b'));
    expect(endpoint.told.length).toBe(2);
    expect(endpoint.wire()).toEqual([short(0x88, closeBody(1000))]);
  });

  it('[6455-7.1.7-g] may fail: nothing behind in the same chunk is told', () => {
    const endpoint = new Endpoint({ role: 'server' });
    endpoint.react = ([what]) => {
      if (what !== 'fail')
        endpoint.connection.fail(new ProtocolError(1003, 'WS_ERR_INVALID_OPCODE', ''));
    };
    endpoint.connection.receive(
      chunk({ opcode: 1, fin: false, payload: 'a' }, { opcode: 0, payload: 'b' }, { opcode: 9 }),
    );
    expect(endpoint.told.map(([what]) => what)).toEqual(['text', 'fail']);
    expect(endpoint.wire()).toEqual([short(0x88, closeBody(1003))]);
  });

  it('may find the transport gone: nothing behind in the same chunk is told', () => {
    const endpoint = new Endpoint({ role: 'server' });
    endpoint.react = () => endpoint.connection.receiveEnd();
    endpoint.connection.receive(texts('a', 'b'));
    expect(endpoint.told.length).toBe(1);
  });

  it('[6455-10-z] sees its own exceptions come back out of receive, what it sent written', () => {
    const endpoint = new Endpoint({ role: 'server' });
    const mine = new Error('of the application');
    endpoint.react = () => {
      endpoint.connection.send('sent', false);
      throw mine;
    };
    expect(() => endpoint.connection.receive(texts('a'))).toThrow(mine);
    expect(endpoint.writes.length).toBe(1);
    expect(endpoint.connection.state).toBe('open');
    // And wakes the transport again, as it does outside of a receive.
    endpoint.react = () => {};
    endpoint.connection.send('later', false);
    expect(endpoint.wakes).toBe(1);
    endpoint.connection.receive(texts('b'));
    expect(endpoint.told.at(-1)).toEqual(['text', 'b']);
  });
});

describe.each(ROLES)('a frame made beforehand, sent by a %s', (role) => {
  const made = (spec: FrameSpec): Buffer[] => [
    encodeFrame({ mask: role === 'client' ? Buffer.from('0badcafe', 'hex') : false, ...spec }),
  ];

  it('[6455-5.4-f] keeps its place, and no message goes between the fragments of another', () => {
    const endpoint = given({ role });
    const { connection } = endpoint;
    const text = made({ opcode: 1, payload: 'made' });
    expect(connection.sendFrame(text)).toBe(4);
    connection.send('a', false, false);
    expect(() => connection.sendFrame(text)).toThrow(TypeError);
    expect(connection.sendFrame(made({ opcode: 9, payload: 'p' }))).toBe(1);
    connection.send('b', false);
    expect(connection.sendFrame(text)).toBe(4);
    expect(endpoint.wire()).toEqual([
      short(0x81, 'made'),
      short(0x01, 'a'),
      short(0x89, 'p'),
      short(0x80, 'b'),
      short(0x81, 'made'),
    ]);
    expect(endpoint.writes.length).toBe(1);
  });

  it('wakes its owner as any other, and is refused once a Close is out', () => {
    const endpoint = given({ role });
    const text = made({ opcode: 1, payload: 'made' });
    endpoint.connection.sendFrame(text);
    expect(endpoint.wakes).toBe(1);
    endpoint.connection.close();
    expect(endpoint.connection.sendFrame(text)).toBe(-1);
    expect(endpoint.wire()).toEqual([short(0x81, 'made'), short(0x88)]);
  });
});

describe('memory of output', () => {
  it('is used again once the transport has given it back, and not before', () => {
    const places = (givesBack: boolean): number[] => {
      const offsets: number[] = [];
      const silent = { onMessage() {}, onPing() {}, onPong() {}, onClose() {}, onFail() {} };
      const connection: Connection = new Connection({ role: 'server' }, silent, {
        write([chunk]) {
          expect(chunk?.equals(encodeFrame({ opcode: 1, payload: 'again' }))).toBe(true);
          offsets.push((chunk as Buffer).byteOffset);
          if (givesBack) connection.reclaim();
        },
        wake() {},
        end() {},
      });
      // Others may have left the slab in use: more than one of it is filled.
      for (let i = 0; i < 25_000; i++) {
        connection.send('again', false);
        connection.flush();
      }
      return offsets.slice(-9);
    };
    expect(new Set(places(false)).size).toBe(9);
    const [first, ...others] = places(true);
    // Whatever else is out, a slab that is made anew is ours alone.
    expect(others.every((place) => place === first)).toBe(true);
  });
});
