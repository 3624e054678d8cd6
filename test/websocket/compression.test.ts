// Compressed messages at the public socket: order of messages and callbacks when some are compressed on
// the thread pool, what `send` is told, and every end that may come while a large message is worked on.

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { PreparedMessage } from '../../src/connection/prepared.ts';
import type { DeflateParameters } from '../../src/deflate/negotiation.ts';
import type { DeflateOptions } from '../../src/deflate/options.ts';
import type { SocketOptions } from '../../src/websocket/surface.ts';
import { BaseWebSocket } from '../../src/websocket/websocket.ts';
import { memoryPair, type Opened, Peer, record, settle } from './pair.ts';

const ALONE: DeflateParameters = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};
const RSV1 = 4;

/** A server's socket that has agreed on compression without takeover, and its raw peer. */
function open(options: SocketOptions = {}, deflate: DeflateOptions = { threshold: 0 }): Opened {
  const [near, far] = memoryPair();
  const ws = new BaseWebSocket('server', options);
  ws.setSocket(near, Buffer.alloc(0), {
    extensions: 'permessage-deflate',
    deflate: { parameters: ALONE, options: deflate },
  });
  return { ws, near, peer: new Peer(far, 'client') };
}

const deflate = (plain: Buffer | string): Buffer =>
  deflateRawSync(plain, { finishFlush: 2 }).subarray(0, -4);
const inflate = (data: Buffer): Buffer => inflateRawSync(data, { finishFlush: 2 });

/** The messages that a peer has got, and which of them were compressed. */
const seen = (peer: Peer): string[] =>
  peer.frames.map(({ rsv, opcode, payload }) => {
    const plain = rsv === RSV1 ? inflate(payload) : payload;
    const text = plain.length > 20 ? `${plain.length} bytes` : plain.toString();
    return `${opcode}${rsv === RSV1 ? 'z' : ''}:${text}`;
  });

const LARGE = Buffer.alloc(60_000, 'large ');

describe('sending', () => {
  it('says what was agreed on', () => {
    expect(open().ws.extensions).toBe('permessage-deflate');
  });

  it('compresses unless told not to; an option without a value says no, as in ws', async () => {
    const { ws, peer } = open({}, { threshold: 3 });
    ws.send('one');
    ws.send('two', { compress: true });
    ws.send('three', { compress: false });
    ws.send('four', { compress: undefined });
    ws.send('five', { binary: true });
    ws.send('5');
    await settle();
    expect(seen(peer)).toEqual(['1z:one', '1z:two', '1:three', '1:four', '2z:five', '1:5']);
  });

  it('[6455-6.1-f] [node-zlib-e] keeps messages and callbacks in the order of the calls', async () => {
    const { ws, peer } = open();
    const called: (string | undefined)[] = [];
    const done = (name: string) => (error?: Error) => called.push(error ? `${name}!` : name);
    ws.send('a', done('a'));
    ws.send(LARGE, done('b'));
    ws.send('c', done('c'));
    ws.send(new Blob([LARGE]), done('d'));
    ws.send(LARGE.toString(), done('e'));
    ws.send(new PreparedMessage('f'), done('f'));
    ws.send(LARGE, { compress: false }, done('g'));
    ws.send(LARGE, { fin: false }, done('h'));
    ws.send(LARGE, done('i'));
    ws.close(1000, 'bye', ...([] as []));
    await vi.waitFor(() => expect(peer.closes).toHaveLength(1), 10_000);
    expect(seen(peer).slice(0, -3)).toEqual([
      '1z:a',
      '2z:60000 bytes',
      '1z:c',
      '2z:60000 bytes',
      '1z:60000 bytes',
      '1z:f',
      '2:60000 bytes',
    ]);
    const [first, second] = peer.frames.slice(-3);
    expect([first?.fin, first?.rsv, second?.fin, second?.rsv]).toEqual([false, RSV1, true, 0]);
    const joined = Buffer.concat([first?.payload as Buffer, second?.payload as Buffer]);
    expect(inflate(joined)).toEqual(Buffer.concat([LARGE, LARGE]));
    await vi.waitFor(() => expect(called.join('')).toBe('abcdefghi'), 10_000);
  });

  it('takes the bytes as they are at the call', async () => {
    const { ws, peer } = open();
    const bytes = Buffer.alloc(40_000, 'x');
    ws.send(bytes);
    bytes.fill('y');
    await vi.waitFor(() => expect(peer.frames).toHaveLength(1), 10_000);
    expect(inflate(peer.frames[0]?.payload as Buffer).every((byte) => byte === 0x78)).toBe(true);
  });

  it('[wh-3.1-send-d] counts as buffered what is being compressed, in bytes of the message', async () => {
    const { ws, peer } = open();
    ws.send('12345');
    ws.send(LARGE);
    ws.send('67');
    expect(ws.bufferedAmount).toBe(5 + LARGE.length + 2);
    await vi.waitFor(() => expect(peer.frames).toHaveLength(3), 10_000);
    await settle();
    expect(ws.bufferedAmount).toBe(0);
  });

  it('sends Pings meanwhile', async () => {
    const { ws, peer } = open();
    ws.send(LARGE);
    ws.ping('now');
    await vi.waitFor(() => expect(peer.frames).toHaveLength(2), 10_000);
    expect(seen(peer)).toEqual(['9:now', '2z:60000 bytes']);
  });

  it('tells the callback, or the socket, that text is not UTF-8', async () => {
    const { ws, peer } = open();
    const bad = Buffer.alloc(60_000, 0xff);
    const error = await new Promise<Error | undefined>((resolve) =>
      ws.send(bad, { binary: false }, resolve),
    );
    expect(error).toBeInstanceOf(TypeError);
    const log = record(ws);
    ws.send(bad, { binary: false });
    ws.send('after');
    await vi.waitFor(() => expect(seen(peer)).toEqual(['1z:after']), 10_000);
    expect(log.some((line) => line.startsWith('error'))).toBe(true);
  });

  it('calls every callback once when the connection ends before that, in order, before close', async () => {
    for (const end of ['terminate', 'peer closes and ends', 'peer vanishes']) {
      const { ws, near, peer } = open();
      const called: string[] = [];
      let calledAtClose = -1;
      ws.on('close', () => {
        calledAtClose = called.length;
      });
      for (const name of ['a', 'b', 'c']) {
        ws.send(LARGE, (error) => called.push(`${name} ${error?.message}`));
      }
      if (end === 'terminate') ws.terminate();
      else if (end === 'peer vanishes') near.destroy();
      else {
        peer.send({ opcode: 8 });
        peer.socket.end();
      }
      await vi.waitFor(() => expect(called).toHaveLength(3), 10_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const lost = 'The socket was closed while data was being compressed';
      expect(called).toEqual([`a ${lost}`, `b ${lost}`, `c ${lost}`]);
      await vi.waitFor(() => expect(calledAtClose).toBe(3), 10_000);
    }
  });
});

it('[6455-5.5.1-j] what is being compressed when the Close of the peer comes is sent before the answer', async () => {
  for (const takeover of [false, true]) {
    const [near, far] = memoryPair();
    const ws = new BaseWebSocket('server');
    const parameters = {
      ...ALONE,
      serverNoContextTakeover: !takeover,
      clientNoContextTakeover: !takeover,
    };
    ws.setSocket(near, Buffer.alloc(0), { deflate: { parameters, options: { threshold: 0 } } });
    const peer = new Peer(far, 'client');
    const log = record(ws);
    for (const name of ['a', 'b']) ws.send(LARGE, () => log.push(name));
    ws.send('small', () => log.push('c'));
    peer.send({ opcode: 8, payload: Buffer.from([3, 232]) });
    await settle(1);
    expect([ws.readyState, peer.frames.length]).toEqual([2, 0]);
    await vi.waitFor(() => expect(peer.ended).toBe(true), 10_000);
    expect(seen(peer).slice(0, -1)).toEqual(['2z:60000 bytes', '2z:60000 bytes', '1z:small']);
    expect(peer.closes).toEqual([Buffer.from([3, 232])]);
    peer.socket.end();
    await vi.waitFor(() => expect(log).toEqual(['a', 'b', 'c', 'close:1000::true']), 10_000);
  }
});

it('what was compressed in the turn in which the socket was dropped is told as in ws', async () => {
  const told = async (compress: boolean, drop: (opened: Opened) => void): Promise<unknown> => {
    const opened = open();
    const errors: unknown[] = [];
    opened.ws.send('earlier');
    await settle();
    opened.ws.send('hi', { compress }, (error) => errors.push(error?.message));
    drop(opened);
    await settle();
    expect(errors).toHaveLength(1);
    return errors[0];
  };
  const drops = [({ ws }: Opened) => ws.terminate(), ({ near }: Opened) => void near.destroy()];
  for (const drop of drops) {
    const compressing = 'The socket was closed while data was being compressed';
    expect(await told(true, drop)).toBe(compressing);
    expect(await told(false, drop)).toBe('The connection was closed before the data was written');
  }
});

describe('receiving', () => {
  const noise = randomBytes(60_000);
  const large = { opcode: 2, rsv: RSV1, payload: deflate(noise) };
  /** Takes a while: 30 MB. */
  const slow = { opcode: 2, rsv: RSV1, payload: deflate(Buffer.alloc(30_000_000)) };
  const lengths = (ws: BaseWebSocket): (number | string)[] => {
    const log: (number | string)[] = [];
    ws.on('message', (data) => log.push((data as Buffer).length));
    ws.on('ping', () => log.push('ping'));
    ws.on('error', (error: Error & { code?: string }) => log.push(`error ${error.code}`));
    ws.on('close', (code) => log.push(`close ${code}`));
    return log;
  };

  it('delivers in order what was sent in order, large or not', async () => {
    const { ws, peer } = open();
    const log = lengths(ws);
    const small = { opcode: 1, rsv: RSV1, payload: deflate('small') };
    peer.send(small, large, { opcode: 9 }, { opcode: 1, payload: 'plain' });
    peer.send(large, small);
    peer.send({ opcode: 8, payload: Buffer.from([3, 232]) });
    peer.socket.end();
    await vi.waitFor(() => expect(log).toContain('close 1000'), 10_000);
    expect(log).toEqual([5, 60_000, 'ping', 5, 60_000, 5, 'close 1000']);
  });

  it('stays paused for whoever paused it', async () => {
    const { ws, near, peer } = open();
    const log = lengths(ws);
    peer.send(slow);
    await settle(1);
    ws.pause();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(near.isPaused()).toBe(true);
    expect(log).toEqual([]);
    peer.send(large, large);
    ws.resume();
    await settle(1);
    ws.pause();
    ws.resume();
    await vi.waitFor(() => expect(log).toEqual([30_000_000, 60_000, 60_000]), 10_000);
    expect(near.isPaused()).toBe(false);
  });

  it('delivers what had come when the transport breaks off, then closes', async () => {
    const { ws, near, peer } = open();
    const log = lengths(ws);
    peer.send(large, { opcode: 1, payload: 'last' });
    await settle(1);
    near.destroy();
    await vi.waitFor(() => expect(log).toContain('close 1006'), 10_000);
    expect(log).toEqual([60_000, 4, 'close 1006']);
  });

  it('reports a fault that is found when the transport has broken off', async () => {
    const { ws, near, peer } = open({ maxPayload: 60_000 });
    const log = lengths(ws);
    peer.send({ opcode: 2, rsv: RSV1, payload: deflate(Buffer.alloc(5_000_000)) });
    await settle(1);
    near.destroy();
    await vi.waitFor(() => expect(log).toContain('close 1006'), 10_000);
    expect(log).toEqual(['error WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 'close 1006']);
  });

  it('delivers it though the application terminates, before or after the transport has broken off', async () => {
    for (const broken of [false, true]) {
      const { ws, near, peer } = open();
      const log = lengths(ws);
      peer.send(slow, large);
      await settle(1);
      if (broken) {
        near.destroy();
        await settle(1);
      }
      ws.terminate();
      await vi.waitFor(() => expect(log).toContain('close 1006'), 10_000);
      expect(log).toEqual([30_000_000, 60_000, 'close 1006']);
    }
  });

  it('finishes the closing handshake behind it', async () => {
    const { ws, peer } = open();
    const log = lengths(ws);
    peer.send(large);
    await settle(1);
    ws.close(1000);
    peer.send({ opcode: 8, payload: Buffer.from([3, 232]) });
    peer.socket.end();
    await vi.waitFor(() => expect(log).toEqual([60_000, 'close 1000']), 10_000);
    expect(peer.closes).toHaveLength(1);
  });
});
