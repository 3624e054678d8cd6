import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createWebSocketStream } from '../../src/websocket/stream.ts';
import { BaseWebSocket } from '../../src/websocket/websocket.ts';
import { closeBody, memoryPair, open, settle } from './pair.ts';

function connected(): [BaseWebSocket, BaseWebSocket] {
  const [near, far] = memoryPair();
  const client = new BaseWebSocket('client');
  const server = new BaseWebSocket('server');
  client.setSocket(near, Buffer.alloc(0));
  server.setSocket(far, Buffer.alloc(0));
  return [client, server];
}

describe('createWebSocketStream', () => {
  it('pipes an echo: what is written comes back, and the end goes round', async () => {
    const [client, server] = connected();
    const echo = createWebSocketStream(server);
    echo.pipe(echo);
    const stream = createWebSocketStream(client);
    const sent = Array.from({ length: 64 }, (_, i) => Buffer.alloc(16_384, i));
    const got: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => {
      got.push(chunk);
      if (Buffer.concat(got).length === 64 * 16_384) stream.end();
    });
    for (const each of sent) stream.write(each);
    await once(stream, 'close');
    await settle();
    expect(Buffer.concat(got).equals(Buffer.concat(sent))).toBe(true);
    expect([client.readyState, server.readyState, echo.destroyed]).toEqual([3, 3, true]);
    expect(client.wasClean && server.wasClean).toBe(true);
  });

  it('pauses the socket while nobody reads, and gives everything once somebody does', async () => {
    const { ws, near, peer } = open();
    const stream = createWebSocketStream(ws, { readableHighWaterMark: 1000 });
    const sent = Array.from({ length: 30 }, (_, i) => Buffer.alloc(400, i));
    for (const payload of sent) peer.send({ opcode: 2, payload });
    await settle();
    expect([ws.isPaused, near.isPaused()]).toEqual([true, true]);
    expect(stream.readableLength).toBeLessThan(2000);
    const got: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => got.push(chunk));
    await settle(20);
    expect(Buffer.concat(got).equals(Buffer.concat(sent))).toBe(true);
  });

  it('loses nothing of one chunk that ends with Close, however slow the reader', async () => {
    const { ws, peer } = open();
    const stream = createWebSocketStream(ws, { readableHighWaterMark: 100 });
    const sent = Array.from({ length: 30 }, (_, i) => Buffer.alloc(60, i));
    peer.send(...sent.map((payload) => ({ opcode: 2, payload })), {
      opcode: 8,
      payload: closeBody(1000),
    });
    peer.socket.end();
    await settle();
    const got: Buffer[] = [];
    for await (const chunk of stream) got.push(chunk as Buffer);
    expect(Buffer.concat(got).equals(Buffer.concat(sent))).toBe(true);
  });

  it('holds writes back while the socket is full', async () => {
    const { ws, near } = open('server', {}, 1000);
    const stream = createWebSocketStream(ws, { writableHighWaterMark: 1000 });
    near.stalled = true;
    expect(stream.write(Buffer.alloc(5000))).toBe(false);
    let drained = false;
    stream.on('drain', () => {
      drained = true;
    });
    await settle();
    expect(drained).toBe(false);
    near.stalled = false;
    near.drain();
    await settle();
    expect(drained).toBe(true);
  });

  it('sends in one batch what was written while it could not, a message for each chunk', async () => {
    const { ws, near, peer } = open();
    const stream = createWebSocketStream(ws);
    const told: string[] = [];
    for (const each of ['a', 'b', 'c', 'd']) {
      stream.write(each, (error) => told.push(`${each} ${error ?? 'written'}`));
    }
    await settle();
    // The first had nothing to wait for.
    expect(near.writes.length).toBe(2);
    expect(peer.seen).toEqual(['2:a', '2:b', '2:c', '2:d']);
    expect(told).toEqual(['a written', 'b written', 'c written', 'd written']);
  });

  it('tells all that was written in one batch when the socket is lost', async () => {
    const { ws, near } = open();
    const stream = createWebSocketStream(ws);
    stream.on('error', () => {});
    const told: string[] = [];
    near.stalled = true;
    for (const each of ['a', 'b', 'c']) {
      stream.write(each, (error) => told.push(`${each} ${error instanceof Error}`));
    }
    await settle();
    ws.terminate();
    await settle();
    expect(told).toEqual(['a true', 'b true', 'c true']);
  });

  it('gives messages one by one with readableObjectMode, text as strings; sends strings as text', async () => {
    const { ws, peer } = open();
    const stream = createWebSocketStream(ws, { readableObjectMode: true, decodeStrings: false });
    const got: unknown[] = [];
    stream.on('data', (chunk) => got.push(chunk));
    peer.text('one', '', 'two');
    peer.send({ opcode: 2, payload: Buffer.from([1]) });
    stream.write('text');
    stream.write(Buffer.from('bytes'));
    await settle();
    expect(got).toEqual(['one', '', 'two', Buffer.from([1])]);
    expect(peer.seen).toEqual(['1:text', '2:bytes']);
  });

  it('terminates the socket when destroyed, and closes after it', async () => {
    const { ws } = open();
    const stream = createWebSocketStream(ws);
    const log: string[] = [];
    ws.on('close', (code) => log.push(`socket ${code}`));
    stream.on('close', () => log.push('stream'));
    const failure = new Error('enough');
    stream.on('error', (error) => log.push(error === failure ? 'error' : 'another error'));
    stream.destroy(failure);
    await settle();
    expect(ws.readyState).toBe(3);
    expect(log).toContain('error');
    expect(log.filter((each) => each !== 'error')).toEqual(['socket 1006', 'stream']);
  });

  it("ends with the socket's error", async () => {
    const { ws, peer } = open();
    const stream = createWebSocketStream(ws);
    const failed = once(stream, 'error');
    peer.send({ opcode: 3 });
    await settle();
    // The stream's end does not cut the Close frame off: the peer closes when it has read it.
    expect(ws.readyState).toBe(2);
    peer.socket.end();
    expect(((await failed)[0] as { code: string }).code).toBe('WS_ERR_INVALID_OPCODE');
    expect(peer.closes.map((body) => body.readUInt16BE(0))).toEqual([1002]);
  });

  it('ends when the peer closes, and then closes', async () => {
    const { ws, peer } = open();
    const stream = createWebSocketStream(ws);
    const log: string[] = [];
    stream.on('end', () => log.push('end')).on('close', () => log.push('close'));
    stream.resume();
    peer.send({ opcode: 8, payload: closeBody(1000) });
    peer.socket.end();
    await settle();
    stream.end();
    await settle();
    expect(log).toEqual(['end', 'close']);
    expect(stream.destroyed).toBe(true);
  });

  it('calls methods that somebody has put around its own, which work without their object', async () => {
    const { ws, peer } = open();
    const stream = createWebSocketStream(ws, { readableHighWaterMark: 10 });
    const called: string[] = [];
    for (const name of ['_read', '_write', '_final', '_destroy'] as const) {
      const own = stream[name] as (...args: unknown[]) => void;
      Object.defineProperty(stream, name, {
        value: (...args: unknown[]) => {
          called.push(name);
          own(...args);
        },
      });
    }
    peer.text('more than its mark');
    await settle();
    expect(ws.isPaused).toBe(true);
    expect(String(stream.read())).toBe('more than its mark');
    await settle();
    expect(ws.isPaused).toBe(false);
    stream.end('last');
    stream.resume();
    await settle();
    peer.send({ opcode: 8 });
    peer.socket.end();
    await settle();
    expect([...new Set(called)]).toEqual(['_read', '_write', '_final', '_destroy']);
    expect(peer.seen[0]).toBe('2:last');
  });

  it('waits for a socket that is still connecting', async () => {
    const ws = new BaseWebSocket('server');
    const stream = createWebSocketStream(ws);
    stream.write('early');
    stream.end();
    const [near, far] = memoryPair();
    const got: Buffer[] = [];
    far.on('data', (chunk: Buffer) => got.push(chunk));
    await settle();
    ws.setSocket(near, Buffer.alloc(0));
    await settle();
    expect(Buffer.concat(got).includes('early')).toBe(true);
    far.destroy();
    await settle();
  });
});
