// Compressed messages at the endpoint (RFC 7692 §6): RSV1 out and in, what is not compressed, text and
// limits on what comes out, and everything that may happen while a large message takes its time.

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConnectionOptions } from '../../src/connection/connection.ts';
import type { ConnectionCodec, DecompressedSink } from '../../src/connection/ports.ts';
import { DeflateCodec } from '../../src/deflate/codec.ts';
import { ProtocolError } from '../../src/errors.ts';
import { closeBody, Endpoint, peerFrame, type Told } from './endpoint.ts';

const ROLES = ['client', 'server'] as const;
type Role = (typeof ROLES)[number];

const TAKEOVER = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};
const ALONE = { ...TAKEOVER, serverNoContextTakeover: true, clientNoContextTakeover: true };

const open: DeflateCodec[] = [];
afterEach(() => {
  for (const codec of open.splice(0)) codec.close();
});

/** An endpoint that compresses. */
function endpoint(role: Role, options: Partial<ConnectionOptions> = {}, alone = false): Endpoint {
  const codec = new DeflateCodec(role, alone ? ALONE : TAKEOVER, { threshold: 0 });
  open.push(codec);
  return new Endpoint({ role, codec, ...options });
}

const deflate = (plain: Buffer | string): Buffer =>
  deflateRawSync(plain, { finishFlush: 2 }).subarray(0, -4);
const RSV1 = 4;

describe.each(ROLES)('a %s that compresses', (role) => {
  const peer = role === 'client' ? 'server' : 'client';

  it('[7692-6-c] [7692-6-f] [7692-7.2.3.1-a] sends RSV1 with the opcode of the message', () => {
    const { connection, ...rest } = endpoint(role);
    expect(rest).toBeDefined();
    const each = endpoint(role);
    expect(each.connection.send('Hello', false)).toBe(5);
    expect(each.connection.send(Buffer.from('Hello'), true)).toBe(5);
    expect(each.connection.send('', false)).toBe(0);
    expect(each.wire()).toEqual(['c1:f248cdc9c90700', 'c2:f200110000', 'c1:00']);
    expect(connection.state).toBe('open');
  });

  it('[7692-6-d] [7692-6-j] sends RSV1 on the first fragment only, and on no control frame', () => {
    const each = endpoint(role);
    each.connection.send('Hel', false, false);
    each.connection.ping('p');
    each.connection.send('', false, false);
    each.connection.pong('q');
    each.connection.send('lo', false, true);
    each.connection.close(1000);
    const frames = each.frames();
    expect(frames.map(({ fin, rsv, opcode }) => [fin, rsv, opcode])).toEqual([
      [false, RSV1, 1],
      [true, 0, 9],
      [false, 0, 0],
      [true, 0, 10],
      [true, 0, 0],
      [true, 0, 8],
    ]);
    const receiver = endpoint(peer);
    receiver.connection.receive(each.written);
    expect(receiver.told).toEqual([
      ['ping', '70'],
      ['pong', '71'],
      ['text', 'Hello'],
      ['close', 1000, ''],
    ]);
  });

  it('[7692-6-g] [7692-8-a] sends plain what it is told to, all fragments of it', () => {
    const each = endpoint(role);
    each.connection.send('Hello', false, true, false);
    each.connection.send('Hel', false, false, false);
    // The first fragment has decided.
    each.connection.send('lo', false, true, true);
    each.connection.send('Hel', false, false, true);
    each.connection.send('lo', false, true, false);
    expect(each.frames().map(({ rsv }) => rsv)).toEqual([0, 0, 0, RSV1, 0]);
    const receiver = endpoint(peer);
    receiver.connection.receive(each.written);
    expect(receiver.told).toEqual([
      ['text', 'Hello'],
      ['text', 'Hello'],
      ['text', 'Hello'],
    ]);
  });

  it('sends plain what is not worthwhile', () => {
    const codec = new DeflateCodec(role, ALONE, { threshold: 5 });
    open.push(codec);
    const each = new Endpoint({ role, codec });
    each.connection.send('four', false);
    each.connection.send('fiveś', false);
    // In a message that is compressed every fragment is.
    each.connection.send('fiveś', false, false);
    each.connection.send('x', false);
    expect(each.frames().map(({ rsv }) => rsv)).toEqual([0, RSV1, RSV1, 0]);
  });

  it('keeps what it has sent, also where that is large', () => {
    const noise = [randomBytes(40_000), randomBytes(40_000), randomBytes(40_000)];
    const each = endpoint(role);
    for (const bytes of noise) each.connection.send(bytes, true);
    each.connection.flush();
    expect(each.isIntact).toBe(true);
    const receiver = endpoint(peer);
    const got: string[] = [];
    receiver.react = ([, data]) => got.push(String(data));
    receiver.connection.receive(each.written);
    return expect.poll(() => got).toEqual(noise.map((bytes) => bytes.toString('hex')));
  });

  it('[7692-6-k] takes plain messages between compressed ones, without forgetting anything', () => {
    const each = endpoint(role);
    each.take(
      { opcode: 1, rsv: RSV1, payload: Buffer.from('f248cdc9c90700', 'hex') },
      { opcode: 1, payload: 'plain' },
      { opcode: 1, rsv: RSV1, payload: Buffer.from('f200110000', 'hex') },
      { opcode: 2, fin: false, payload: 'pl' },
      { opcode: 0, payload: 'ain' },
      { opcode: 2, rsv: RSV1, payload: Buffer.from('f200110000', 'hex') },
    );
    const hello = Buffer.from('Hello').toString('hex');
    expect(each.told).toEqual([
      ['text', 'Hello'],
      ['text', 'plain'],
      ['text', 'Hello'],
      ['binary', Buffer.from('plain').toString('hex')],
      ['binary', hello],
    ]);
  });

  it('[7692-7.2.3.1-a] [7692-6-h] takes fragments, with control frames between them', () => {
    for (const borrowed of [false, true]) {
      const each = endpoint(role);
      const bytes = Buffer.concat([
        peerFrame(role, {
          opcode: 1,
          rsv: RSV1,
          fin: false,
          payload: Buffer.from('f248cd', 'hex'),
        }),
        peerFrame(role, { opcode: 9, payload: 'p' }),
        peerFrame(role, { opcode: 0, payload: Buffer.from('c9c90700', 'hex') }),
      ]);
      each.connection.receive(bytes, borrowed);
      if (borrowed) bytes.fill(0xdd);
      expect(each.told).toEqual([
        ['ping', '70'],
        ['text', 'Hello'],
      ]);
    }
  });

  it('[7692-6-e] fails with 1002 for RSV1 anywhere but on a first data frame', () => {
    const hello = Buffer.from('f248cdc9c90700', 'hex');
    for (const opcode of [8, 9, 10]) {
      const each = endpoint(role);
      each.take({ opcode, rsv: RSV1 });
      expect(each.told).toEqual([['fail', 1002, 'WS_ERR_UNEXPECTED_RSV_1']]);
    }
    for (const first of [0, RSV1]) {
      const each = endpoint(role);
      each.take(
        { opcode: 1, rsv: first, fin: false, payload: first ? hello : 'x' },
        { opcode: 0, rsv: RSV1, payload: hello },
      );
      expect(each.told).toEqual([['fail', 1002, 'WS_ERR_UNEXPECTED_RSV_1']]);
    }
    for (const rsv of [2, 1, 6, 5]) {
      const each = endpoint(role);
      each.take({ opcode: 1, rsv, payload: hello });
      expect(each.told).toEqual([['fail', 1002, 'WS_ERR_UNEXPECTED_RSV_2_3']]);
    }
    const without = new Endpoint({ role });
    without.take({ opcode: 1, rsv: RSV1, payload: hello });
    expect(without.told).toEqual([['fail', 1002, 'WS_ERR_UNEXPECTED_RSV_1']]);
  });

  it('[7692-7.2.2-f] fails with 1007 for garbage, and with no exception', () => {
    const each = endpoint(role);
    each.take({ opcode: 2, rsv: RSV1, payload: Buffer.from('ffffff', 'hex') }, { opcode: 9 });
    expect(each.told).toEqual([['fail', 1007, 'Z_DATA_ERROR']]);
    expect(each.frames().map(({ payload }) => payload)).toEqual([closeBody(1007)]);
  });

  it('[7692-6-i] [6455-8.1-h] fails with 1007 as soon as text cannot be UTF-8 any more', () => {
    const bad = deflateRawSync(Buffer.from([0x61, 0xff]), { finishFlush: 2 });
    const each = endpoint(role);
    // Neither the frame nor the message is complete.
    const frame = peerFrame(role, {
      opcode: 1,
      rsv: RSV1,
      fin: false,
      payload: Buffer.concat([bad, Buffer.alloc(50)]),
    });
    each.connection.receive(frame.subarray(0, frame.length - 50));
    expect(each.told).toEqual([['fail', 1007, 'WS_ERR_INVALID_UTF8']]);
    // UTF-8 after decompression, whatever the compressed bytes look like.
    const fine = endpoint(role);
    fine.take({ opcode: 1, rsv: RSV1, payload: deflate('é€😀') });
    expect(fine.told).toEqual([['text', 'é€😀']]);
    const trusting = endpoint(role, { skipUtf8Validation: true });
    trusting.take({ opcode: 1, rsv: RSV1, payload: deflate(Buffer.from([0xff])) });
    expect(trusting.told).toEqual([['text', '�']]);
  });

  it('[6455-10.4-a] fails with 1009 by what comes out, over all fragments', () => {
    const data = deflate(Buffer.alloc(1001, 'a'));
    const cut = data.length >> 1;
    for (const [maxPayload, verdict] of [
      [1000, ['fail', 1009, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH']],
      [1001, ['text', 'a'.repeat(1001)]],
    ] as const) {
      const whole = endpoint(role, { maxPayload });
      whole.take({ opcode: 1, rsv: RSV1, payload: data });
      expect(whole.told).toEqual([verdict]);
      const cutUp = endpoint(role, { maxPayload });
      cutUp.take(
        { opcode: 1, rsv: RSV1, fin: false, payload: data.subarray(0, cut) },
        { opcode: 0, payload: data.subarray(cut) },
      );
      expect(cutUp.told).toEqual([verdict]);
    }
  });

  it('refuses text that is not UTF-8 before it is compressed', () => {
    const each = endpoint(role);
    expect(() => each.connection.send(Buffer.from([0xff]), false)).toThrow(TypeError);
    expect(() => each.connection.sendLater(Buffer.from([0xff]), false, true, () => {})).toThrow(
      TypeError,
    );
    each.connection.send('Hello', false);
    expect(each.wire()).toEqual(['c1:f248cdc9c90700']);
  });

  it('sends later on trust, too, what it is told to take on trust', async () => {
    const each = endpoint(role, { skipUtf8Validation: true });
    const bad = Buffer.alloc(40_000, 0xff);
    const sent = await new Promise((resolve) =>
      each.connection.sendLater(bad, false, true, resolve),
    );
    expect(sent).toBe(40_000);
    expect(each.frames().map(({ opcode, rsv }) => [opcode, rsv])).toEqual([[1, RSV1]]);
  });

  it('[7692-7.2.1-a] sends later what takes long, if it is still open then', async () => {
    const each = endpoint(role);
    const { connection } = each;
    const large = Buffer.alloc(100_000, 'large ');
    expect(connection.takesLong(large.length)).toBe(true);
    expect(connection.takesLong(large.length, false)).toBe(false);
    expect(connection.takesLong(10)).toBe(false);
    expect(new Endpoint({ role }).connection.takesLong(large.length)).toBe(false);
    const later = (fin: boolean): Promise<number> =>
      new Promise((resolve) => connection.sendLater(large, true, fin, resolve));
    expect(await later(true)).toBe(100_000);
    expect(await later(false)).toBe(100_000);
    // The first fragment has decided.
    expect(connection.takesLong(large.length, false)).toBe(true);
    connection.ping('p');
    expect(await later(true)).toBe(100_000);
    const pending = later(true);
    connection.close(1000);
    expect(await pending).toBe(-1);
    expect(connection.takesLong(large.length)).toBe(false);
    const receiver = endpoint(peer);
    const got: Told[] = [];
    receiver.react = (told) => got.push(told);
    each.connection.flush();
    receiver.connection.receive(each.written);
    const hex = large.toString('hex');
    await expect
      .poll(() => got)
      .toEqual([
        ['binary', hex],
        ['ping', '70'],
        ['binary', hex + hex],
        ['close', 1000, ''],
      ]);
  });

  it('[6455-5.5.1-j] [7692-7.2.1-a] answers a Close behind a message that is being compressed, and behind the next one', async () => {
    const each = endpoint(role);
    const { connection } = each;
    const large = Buffer.alloc(100_000, 'large ');
    const sent: number[] = [];
    const done = new Promise<void>((resolve) =>
      connection.sendLater(large, true, false, (length) => {
        sent.push(length);
        expect(connection.takesLong(large.length)).toBe(true);
        connection.sendLater(large, true, true, (length) => {
          sent.push(length, connection.send('small', false));
          resolve();
        });
      }),
    );
    each.take({ opcode: 8, payload: closeBody(1000, 'bye') });
    expect(each.told).toEqual([['close', 1000, 'bye']]);
    expect([connection.state, each.wire(), each.ended]).toEqual(['received', [], 0]);
    await done;
    await expect.poll(() => connection.state).toBe('complete');
    expect(sent).toEqual([100_000, 100_000, 5]);
    expect(each.frames().map(({ opcode, rsv, fin }) => [opcode, rsv, fin])).toEqual([
      ...[
        [2, RSV1, false],
        [0, 0, true],
        [1, RSV1, true],
      ],
      [8, 0, true],
    ]);
    expect(each.ended).toBe(role === 'server' ? 1 : 0);
    const receiver = endpoint(peer);
    receiver.connection.receive(each.written);
    await expect
      .poll(() => receiver.told.map(([what]) => what))
      .toEqual(['binary', 'text', 'close']);
    expect(receiver.told[0]?.[1]).toBe(Buffer.concat([large, large]).toString('hex'));
  });

  it('[6455-5.5.1-j] answers it when the message is there and the owner has no more', async () => {
    const each = endpoint(role);
    const { connection } = each;
    const sent = new Promise<number>((resolve) =>
      connection.sendLater(Buffer.alloc(100_000), true, true, resolve),
    );
    connection.setBusy(true);
    each.take({ opcode: 8 });
    expect(await sent).toBe(100_000);
    expect([connection.state, each.frames().length]).toEqual(['received', 1]);
    const more = new Promise<number>((resolve) =>
      connection.sendLater(Buffer.alloc(100_000), true, true, resolve),
    );
    connection.setBusy(false);
    expect([connection.state, each.frames().length]).toEqual(['received', 1]);
    expect(await more).toBe(100_000);
    await expect.poll(() => connection.state).toBe('complete');
    expect(each.frames().map(({ opcode }) => opcode)).toEqual([2, 2, 8]);
  });

  it('sends it no more when the transport has ended behind the Close', async () => {
    const each = endpoint(role);
    const sent = new Promise<number>((resolve) =>
      each.connection.sendLater(Buffer.alloc(100_000), true, true, resolve),
    );
    each.take({ opcode: 8 });
    each.connection.receiveEnd();
    expect(await sent).toBe(-1);
    expect(each.frames()).toEqual([]);
    expect(each.connection).toMatchObject({ state: 'lost', closeCode: 1005 });
  });

  it('[6455-6.2-a] holds what follows a large message until that is there', async () => {
    for (const borrowed of [false, true]) {
      const noise = randomBytes(50_000);
      const each = endpoint(role);
      const bytes = Buffer.concat([
        peerFrame(role, { opcode: 2, rsv: RSV1, payload: deflate(noise) }),
        peerFrame(role, { opcode: 9, payload: 'one' }),
        peerFrame(role, { opcode: 2, rsv: RSV1, payload: deflate(noise) }),
        peerFrame(role, { opcode: 1, payload: 'two' }),
      ]);
      const rest = peerFrame(role, { opcode: 8, payload: closeBody(1000) });
      for (const piece of [bytes, rest]) {
        each.connection.receive(piece, borrowed);
        if (borrowed) piece.fill(0xdd);
      }
      expect(each.connection.isSuspended).toBe(true);
      expect(each.told).toEqual([]);
      await expect.poll(() => each.told).toHaveLength(5);
      expect(each.told).toEqual([
        ['binary', noise.toString('hex')],
        ['ping', Buffer.from('one').toString('hex')],
        ['binary', noise.toString('hex')],
        ['text', 'two'],
        ['close', 1000, ''],
      ]);
      expect(each.connection.isSuspended).toBe(false);
      expect(each.flow).toEqual(['pause', 'pause', 'resume']);
      expect(each.frames().map(({ opcode }) => opcode)).toEqual([10, 8]);
    }
  });

  it('fails later, too, and reads nothing behind that', async () => {
    const noise = randomBytes(50_000);
    const damaged = deflate(noise);
    damaged.fill(0xff, 20_000);
    for (const [payload, maxPayload, verdict] of [
      [damaged, 0, ['fail', 1007, 'Z_DATA_ERROR']],
      [deflate(noise), 49_999, ['fail', 1009, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH']],
      [deflate(noise).subarray(0, 49_000), 0, ['fail', 1007, 'Z_BUF_ERROR']],
    ] as const) {
      const each = endpoint(role, { maxPayload });
      each.take({ opcode: 2, rsv: RSV1, payload: Buffer.from(payload) }, { opcode: 9 });
      if (maxPayload === 49_999 && each.told.length > 0) {
        // Announced already.
        expect(each.told).toEqual([verdict]);
        continue;
      }
      await expect.poll(() => each.told).toEqual([verdict]);
      expect(each.flow).toEqual(['pause', 'resume']);
      expect(each.ended).toBe(1);
    }
    const text = endpoint(role);
    const bad = Buffer.concat([
      Buffer.alloc(50_000, 'a'),
      randomBytes(20_000),
      Buffer.from([0xff]),
    ]);
    text.take({ opcode: 1, rsv: RSV1, payload: deflate(bad) });
    await expect.poll(() => text.told).toEqual([['fail', 1007, 'WS_ERR_INVALID_UTF8']]);
  });

  it('is told nothing any more when it has ended meanwhile', async () => {
    for (const end of ['receiveEnd', 'fail'] as const) {
      const each = endpoint(role);
      each.take({ opcode: 2, rsv: RSV1, payload: deflate(randomBytes(50_000)) }, { opcode: 9 });
      expect(each.connection.isSuspended).toBe(true);
      if (end === 'fail')
        each.connection.fail(new ProtocolError(1008, 'WS_ERR_INVALID_OPCODE', ''));
      else each.connection.receiveEnd();
      expect(each.connection.isSuspended).toBe(false);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(each.told.filter(([what]) => what !== 'fail')).toEqual([]);
      expect(each.flow).toEqual(['pause']);
    }
  });
});

/** A codec that does nothing, when it is told to. */
class SlowCodec implements ConnectionCodec {
  readonly aloneKey = '';
  sink: DecompressedSink | null = null;
  closed = 0;

  isWorthwhile(): boolean {
    return true;
  }

  takesLong(): boolean {
    return false;
  }

  compress(payload: Uint8Array): Uint8Array {
    return payload;
  }

  compressLater(): void {}

  compressAlone(payload: Uint8Array): Uint8Array {
    return payload;
  }

  forget(): void {}

  rest(): void {}

  decompress(_piece: Buffer, _last: boolean, _limit: number, sink: DecompressedSink): boolean {
    this.sink = sink;
    return false;
  }

  close(): void {
    this.closed++;
  }
}

describe('a codec that takes its time', () => {
  it('may be worked with over a transport that cannot be paused', () => {
    const codec = new SlowCodec();
    const each = new Endpoint({ role: 'client', codec });
    Object.assign(each, { pause: undefined, resume: undefined });
    each.take({ opcode: 1, rsv: RSV1, payload: 'x' }, { opcode: 9, payload: 'p' });
    expect(each.told).toEqual([]);
    codec.sink?.onDecompressed(Buffer.from('X'), true);
    codec.sink?.onDecompressEnd(null);
    expect(each.told).toEqual([
      ['text', 'X'],
      ['ping', '70'],
    ]);
    each.connection.receiveEnd();
    expect(codec.closed).toBe(1);
  });

  it('is kept for what is sent before a Close is answered, and closed then', () => {
    const codec = new SlowCodec();
    const each = new Endpoint({ role: 'client', codec });
    each.connection.setBusy(true);
    each.take({ opcode: 8 });
    expect(codec.closed).toBe(0);
    each.connection.send('x', false);
    each.connection.setBusy(false);
    expect(codec.closed).toBe(1);
    expect(each.wire()).toEqual(['c1:78', '88:']);
  });

  it('passes on what was thrown over a message, and the connection can go on', () => {
    const codec = new SlowCodec();
    const each = new Endpoint({ role: 'server', codec });
    each.take({ opcode: 1, rsv: RSV1, payload: 'x' });
    const thrown = new Error('by a listener');
    expect(() => codec.sink?.onDecompressEnd(thrown)).toThrow(thrown);
    expect(each.flow).toEqual(['pause', 'resume']);
    each.take({ opcode: 9, payload: 'p' });
    expect(each.told).toEqual([['ping', '70']]);
  });
});
