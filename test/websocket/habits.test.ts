// What embedders reach for inside the `ws` package: a frame serialised once for many sockets, and a
// socket made by hand whose role is set afterwards.

import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { type FrameOptions, Sender } from '../../src/websocket/habits.ts';
import { BaseWebSocket } from '../../src/websocket/websocket.ts';
import { known } from '../support/known.ts';
import { decodeFrames } from '../support/wire.ts';
import { memoryPair, open, Peer, settle } from './pair.ts';

/** What socket.io's adapter asks for. */
const TEXT: FrameOptions = { readOnly: false, mask: false, rsv1: false, opcode: 1, fin: true };

describe('Sender.frame', () => {
  it.each([0, 1, 125, 126, 65_535, 65_536])('makes of %d bytes what ws makes of them', (length) => {
    const data = Buffer.alloc(length, 'ab');
    for (const options of [TEXT, { ...TEXT, fin: false, rsv1: true, opcode: 2 }]) {
      const list = Sender.frame(data, options);
      expect(Array.isArray(list)).toBe(true);
      expect(list.every((piece) => Buffer.isBuffer(piece))).toBe(true);
      expect(list).toEqual(known.Sender.frame(data, options));
      expect(Sender.frame(data.toString(), options)).toEqual(list);
    }
  });

  it.each([0, 3, 300])('masks %d bytes without changing them', (length) => {
    const data = Buffer.alloc(length, 'x');
    const maskBuffer = Buffer.alloc(4);
    const options = { ...TEXT, mask: true, maskBuffer };
    const { frames, rest } = decodeFrames(Buffer.concat(Sender.frame(data, options)));
    expect([frames.length, rest.length]).toEqual([1, 0]);
    expect(frames[0]?.payload.equals(Buffer.alloc(length, 'x'))).toBe(true);
    expect(frames[0]?.key).toEqual(maskBuffer);
    expect(data.equals(Buffer.alloc(length, 'x'))).toBe(true);
    const generateMask = (mask: Buffer): void => void mask.set([1, 2, 3, 4]);
    const list = Sender.frame(data, { ...TEXT, mask: true, generateMask });
    expect(Buffer.concat(list)).toEqual(
      Buffer.concat(known.Sender.frame(Buffer.from(data), { ...TEXT, mask: true, generateMask })),
    );
  });

  it('masks with a new key each time (§5.3)', () => {
    const keys = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const frame = Buffer.concat(Sender.frame('x', { ...TEXT, mask: true }));
      keys.add(frame.subarray(2, 6).toString('hex'));
    }
    expect(keys.size).toBe(20);
  });
});

describe('_sender.sendFrame', () => {
  it('is not there before the socket is open, and is from then on', () => {
    const ws = new BaseWebSocket('server');
    expect(ws._sender).toBe(null);
    const [near] = memoryPair();
    ws.setSocket(near, Buffer.alloc(0));
    expect(typeof ws._sender?.sendFrame).toBe('function');
    ws.terminate();
    expect(typeof ws._sender?.sendFrame).toBe('function');
  });

  it.each([0, 10, 12_000])('sends %d bytes to many, in order with all else', async (length) => {
    const list = Sender.frame(Buffer.alloc(length, 'm'), TEXT);
    const original = list.map((piece) => Buffer.from(piece));
    const log: unknown[] = [];
    for (let i = 0; i < 5; i++) {
      const { ws, near, peer } = open('server');
      ws.send('before', (error) => log.push([i, 'before', error]));
      ws._sender?.sendFrame(list, (error) => log.push([i, 'frame', error]));
      ws.ping('p');
      ws._sender?.sendFrame(list);
      ws.send('after', (error) => log.push([i, 'after', error]));
      expect(ws.bufferedAmount).toBe(6 + length + 1 + length + 5);
      await settle();
      const text = `1:${'m'.repeat(length)}`;
      expect(peer.seen).toEqual(['1:before', text, '9:p', text, '1:after']);
      expect([ws.bufferedAmount, near.writes.length]).toEqual([0, 1]);
      ws.terminate();
    }
    expect(log).toEqual(
      [0, 1, 2, 3, 4].flatMap((i) => ['before', 'frame', 'after'].map((at) => [i, at, undefined])),
    );
    expect(list).toEqual(original);
  });

  it('waits its turn behind a Blob, and counts meanwhile', async () => {
    const { ws, peer } = open('server');
    const list = Sender.frame('frame', TEXT);
    const log: unknown[] = [];
    ws.send(new Blob(['blob']), { binary: false });
    ws._sender?.sendFrame(list, (error) => log.push(error));
    ws.send('after');
    expect(ws.bufferedAmount).toBe(4 + 5 + 5);
    expect(() => ws._sender?.sendFrame([Buffer.from('nonsense')])).toThrow(TypeError);
    await expect.poll(() => peer.seen).toEqual(['1:blob', '1:frame', '1:after']);
    expect(log).toEqual([undefined]);
    ws.terminate();
  });

  it('tells what it could not send, also behind a Blob', async () => {
    const list = Sender.frame('frame', TEXT);
    const log: string[] = [];
    const note = (error?: Error): void => void log.push(error?.message ?? 'sent');
    const { ws, peer } = open('server');
    ws.close();
    ws._sender?.sendFrame(list, note);
    expect(ws.bufferedAmount).toBeGreaterThanOrEqual(5);
    await settle();
    ws.terminate();
    await settle();
    ws._sender?.sendFrame(list, note);
    await settle();
    expect(peer.seen).toEqual(['8:']);
    const other = open('server');
    other.ws.send(new Blob(['blob']));
    other.ws._sender?.sendFrame(list, note);
    other.ws.terminate();
    await settle();
    expect(log).toEqual([
      'WebSocket is not open: readyState 2 (CLOSING)',
      'WebSocket is not open: readyState 3 (CLOSED)',
      'The socket was closed while the blob was being read',
    ]);
  });

  it('[6455-5.1-b] [6455-5.1-e] sends no frame that the peer would have to refuse', async () => {
    const server = open('server');
    const client = open('client');
    const masked = Sender.frame('x', { ...TEXT, mask: true });
    const plain = Sender.frame('x', TEXT);
    expect(() => server.ws.sendFrame(masked)).toThrow(/MASK must be/);
    expect(() => client.ws.sendFrame(plain)).toThrow(/MASK must be/);
    server.ws.sendFrame(plain);
    client.ws.sendFrame(masked);
    await settle();
    expect([server.peer.seen, client.peer.seen]).toEqual([['1:x'], ['1:x']]);
    server.ws.terminate();
    client.ws.terminate();
  });

  it('[6455-5.4-f] sends no message into another, but control frames', async () => {
    const { ws, peer } = open('server');
    ws.send('a', { fin: false });
    expect(() => ws.sendFrame(Sender.frame('x', TEXT))).toThrow(TypeError);
    ws.sendFrame(Sender.frame('p', { ...TEXT, opcode: 9 }));
    ws.send('b', { fin: true });
    ws.sendFrame(Sender.frame('x', TEXT));
    await settle();
    expect(peer.seen).toEqual(['1:a', '9:p', '0:b', '1:x']);
    ws.terminate();
  });
});

describe('_isServer', () => {
  it.each([true, false])('decides the role until the socket is opened: %s', async (isServer) => {
    const ws = new BaseWebSocket(isServer ? 'client' : 'server');
    expect(ws._isServer).toBe(!isServer);
    ws._isServer = isServer;
    const [near, far] = memoryPair();
    const peer = new Peer(far, isServer ? 'client' : 'server');
    ws.setSocket(near, Buffer.alloc(0));
    const got: string[] = [];
    ws.on('message', (data) => got.push(String(data)));
    ws._isServer = !isServer;
    expect(ws._isServer).toBe(isServer);
    ws.send('x');
    peer.text('y');
    await settle();
    expect(peer.frames.map(({ masked }) => masked)).toEqual([!isServer]);
    expect(got).toEqual(['y']);
    ws.terminate();
  });
});
