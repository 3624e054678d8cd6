import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import * as net from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BaseWebSocket } from '../../src/websocket/websocket.ts';
import { RawPeer } from '../support/wire.ts';
import { closeBody, memoryPair, open, Peer, record, settle } from './pair.ts';

/** A socket of ours on a TCP connection over loopback, and the raw peer at the other end. */
async function overTcp(
  role: 'client' | 'server',
  options = {},
): Promise<{ ws: BaseWebSocket; peer: RawPeer; socket: net.Socket }> {
  const server = net.createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const far = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  server.close();
  const peer = new RawPeer(far, role === 'server' ? 'client' : 'server');
  await once(far, 'connect');
  const ws = new BaseWebSocket(role, options);
  ws.setSocket(socket, Buffer.alloc(0));
  return { ws, peer, socket };
}

describe('output', () => {
  it('everything sent in one turn leaves in one write', async () => {
    const { ws, near, peer } = open();
    for (let i = 0; i < 50; i++) ws.send(`message ${i}`);
    ws.ping('p');
    expect(near.writes.length).toBe(0);
    await settle();
    expect(near.writes.length).toBe(1);
    expect(peer.seen.length).toBe(51);
    expect(peer.seen[49]).toBe('1:message 49');
  });

  it('all replies to one chunk leave in one write, Pongs and large ones among them', async () => {
    const { ws, near, peer } = open();
    ws.on('message', (data) => ws.send(data as Buffer, { binary: false }));
    const large = 'x'.repeat(50_000);
    peer.send(
      { opcode: 1, payload: 'a' },
      { opcode: 9, payload: 'b' },
      { opcode: 1, payload: large },
    );
    await settle();
    expect(near.writes.length).toBe(1);
    expect(peer.seen).toEqual(['1:a', '10:b', `1:${large}`]);
  });

  it('replies to what came from many in one turn leave in one write for each receiver', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => overTcp('server')));
    let writes = 0;
    for (const { socket, ws } of all) {
      const write = socket.write;
      socket.write = function (this: net.Socket, ...args: unknown[]): boolean {
        writes++;
        return Reflect.apply(write, this, args) as boolean;
      };
      ws.on('message', (data) => {
        for (const other of all) other.ws.send(data as Buffer, { binary: false });
      });
    }
    for (const { peer } of all) void peer.sendFrame({ opcode: 1, payload: 'a' });
    // All of it lies ready before the loop gets to look.
    const end = performance.now() + 50;
    while (performance.now() < end);
    await Promise.all(all.map(({ peer }) => peer.until(() => peer.frames().length === 4, 5000)));
    expect(writes).toBe(4);
    for (const { socket, peer } of all) {
      socket.destroy();
      peer.destroy();
    }
  });

  it('a batch of 32 KiB does not wait for the end of its turn', () => {
    const { ws, near } = open();
    ws.send(Buffer.alloc(32_768));
    expect(near.writes.length).toBe(1);
  });

  it('calls callbacks in order and once, for small and for 1 MiB messages', async () => {
    const { ws, peer, socket } = await overTcp('server');
    const log: number[] = [];
    const sizes = [1, 1 << 20, 0, 10_000, 1 << 20, 5];
    await new Promise<void>((resolve) => {
      for (const [i, size] of sizes.entries()) {
        ws.send(Buffer.alloc(size, i), (error) => {
          expect(error).toBeUndefined();
          if (log.push(i) === sizes.length) resolve();
        });
      }
    });
    expect(log).toEqual([0, 1, 2, 3, 4, 5]);
    await peer.until(() => peer.frames().length === sizes.length, 5000);
    expect(peer.frames().map(({ payload }) => payload.length)).toEqual(sizes);
    await settle();
    expect(log.length).toBe(sizes.length);
    expect(ws.bufferedAmount).toBe(0);
    socket.destroy();
    peer.destroy();
  });

  it('[6455-5.5.3-b] Pongs to a peer that does not read are bounded: the newest Ping is answered', async () => {
    const { ws, near, peer } = open('server', {}, 1000);
    near.stalled = true;
    ws.send(Buffer.alloc(2000));
    await settle();
    const before = near.writableLength;
    for (let i = 0; i < 1000; i++) peer.send({ opcode: 9, payload: `ping ${i}`.padEnd(100) });
    await settle();
    expect(near.writableLength).toBe(before);
    near.stalled = false;
    near.drain();
    await settle();
    expect(peer.seen.slice(1)).toEqual([`10:${'ping 999'.padEnd(100)}`]);
    expect(ws.readyState).toBe(1);
  });

  it('emits drain when a full transport takes output again', async () => {
    const { ws, near } = open('server', {}, 1000);
    const log = record(ws);
    near.stalled = true;
    ws.send(Buffer.alloc(2000));
    await settle();
    expect([log, ws.bufferedAmount]).toEqual([[], 2000]);
    near.stalled = false;
    near.drain();
    await settle();
    expect([log, ws.bufferedAmount]).toEqual([['drain'], 0]);
  });
});

describe('the end of a connection', () => {
  it('[6455-7.1.4-c] a FIN without Close is 1006, and the socket is not left half open', async () => {
    const { ws, peer, socket } = await overTcp('server');
    const log = record(ws);
    await peer.sendFrame({ opcode: 1, payload: 'last' });
    peer.end();
    expect(await peer.ended).toBe('fin');
    await peer.closed;
    await settle();
    expect(log).toEqual(['text:last', 'close:1006::false']);
    expect([socket.destroyed, ws.readyState]).toEqual([true, 3]);
  });

  it('[6455-7.1.4-d] a reset after a complete closing handshake stays clean and is no error', async () => {
    const { ws, peer, socket } = await overTcp('client');
    const log = record(ws);
    await peer.sendFrame({ opcode: 8, payload: closeBody(1000, 'bye') });
    expect((await peer.nextFrame()).opcode).toBe(8);
    peer.socket.resetAndDestroy();
    await once(ws, 'close');
    expect(log).toEqual(['close:1000:bye:true']);
    expect(socket.destroyed).toBe(true);
  });

  it('a reset without Close is 1006, and no exception', async () => {
    const { ws, peer } = await overTcp('server');
    const closed = once(ws, 'close');
    peer.socket.resetAndDestroy();
    expect((await closed)[0]).toBe(1006);
    expect(ws.wasClean).toBe(false);
  });

  it('[6455-7.1.7-i] [6455-10.7-c] after a violation the Close reaches a peer that is still sending', async () => {
    const { ws, peer } = await overTcp('server', { closeTimeout: 5000 });
    const log = record(ws);
    const junk = Buffer.alloc(200_000, 0x55);
    await peer.sendFrame({ opcode: 3, payload: 'bad' });
    for (let i = 0; i < 10; i++) {
      await peer.send(junk);
      await settle(1);
    }
    // Not cut off by a reset: all that was sent to us has been read and thrown away.
    expect(await peer.ended).toBe('fin');
    const frames = peer.frames();
    expect(frames.map(({ opcode, payload }) => [opcode, payload.readUInt16BE(0)])).toEqual([
      [8, 1002],
    ]);
    peer.end();
    await once(ws, 'close');
    expect(log).toEqual(['error:WS_ERR_INVALID_OPCODE', 'close:1006::false']);
    expect(peer.error).toBeUndefined();
  });

  it('[6455-7.1.1-a] what comes behind a Close is read and thrown away, then both directions end', async () => {
    const { ws, peer } = await overTcp('server');
    const log = record(ws);
    await peer.sendFrame({ opcode: 8, payload: closeBody(1000) });
    await peer.sendFrame({ opcode: 1, payload: 'too late' });
    await peer.send(Buffer.alloc(300_000, 0xff));
    expect(await peer.ended).toBe('fin');
    expect(ws.readyState).toBe(2);
    await peer.send(Buffer.alloc(300_000, 0xff));
    peer.end();
    await peer.closed;
    await settle();
    expect(log).toEqual(['close:1000::true']);
    expect([peer.error, peer.frames().length]).toEqual([undefined, 1]);
  });

  it('a paused socket that is cut off gives what it held, the Close among it', async () => {
    const { ws, near, peer } = open();
    const log = record(ws);
    ws.pause();
    peer.text('held');
    peer.send({ opcode: 8, payload: closeBody(1001) });
    await settle();
    near.destroy();
    await settle();
    expect(log).toEqual(['text:held', 'close:1001::true']);
  });

  it('the server ends its direction first; the client waits for that', async () => {
    const client = open('client');
    client.peer.send({ opcode: 8, payload: closeBody(1000) });
    await settle();
    expect(client.peer.closes.length).toBe(1);
    expect([client.peer.ended, client.ws.readyState]).toEqual([false, 2]);
    client.peer.socket.end();
    await settle();
    expect([client.peer.ended, client.ws.readyState]).toEqual([true, 3]);

    const server = open('server');
    server.ws.close(1000);
    await settle();
    expect(server.peer.ended).toBe(false);
    server.peer.send({ opcode: 8, payload: closeBody(1000) });
    await settle();
    expect(server.peer.ended).toBe(true);
    server.peer.socket.end();
  });

  it('opens on a transport that is over already, and closes', async () => {
    const [near, far] = memoryPair();
    near.destroy();
    await settle();
    const dead = new BaseWebSocket('server');
    const log = record(dead);
    dead.setSocket(near, Buffer.alloc(0));
    await settle();
    expect(log).toEqual(['open', 'close:1006::false']);
    expect(far.destroyed).toBe(true);

    const [half, other] = memoryPair();
    half.resume();
    other.end();
    await settle();
    const ws = new BaseWebSocket('server');
    const halfLog = record(ws);
    ws.setSocket(half, Buffer.alloc(0));
    await settle();
    expect(halfLog).toEqual(['open', 'close:1006::false']);
    expect(half.destroyed).toBe(true);
  });

  it('a Duplex that does not close by itself is closed when both directions have ended', async () => {
    for (const role of ['client', 'server'] as const) {
      const far = new PassThrough();
      const written = new PassThrough();
      written.resume();
      const near = new Duplex({
        autoDestroy: false,
        read() {},
        write: (chunk, _encoding, done) => void written.write(chunk, done),
        final: (done) => void written.end(done),
      });
      far.on('data', (chunk) => near.push(chunk)).on('end', () => near.push(null));
      const ws = new BaseWebSocket(role);
      const log = record(ws);
      ws.setSocket(near, Buffer.alloc(0));
      ws.close(1000);
      const mask = role === 'server' ? [0x82, 0, 0, 0, 0, 0x03, 0xe8] : [0x02, 0x03, 0xe8];
      far.end(Buffer.from([0x88, ...mask]));
      await settle();
      expect(log).toEqual(['open', 'close:1000::true']);
      expect(near.destroyed).toBe(true);
    }
  });
});

describe('timers', () => {
  beforeEach(
    () =>
      void vi.useFakeTimers({
        toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
      }),
  );
  afterEach(() => void vi.useRealTimers());

  it('[6455-5.5.1-o] a peer that does not answer our Close is dropped after closeTimeout', async () => {
    for (const role of ['client', 'server'] as const) {
      const { ws, near } = open(role, { closeTimeout: 5000 });
      const log = record(ws);
      ws.close(1000);
      await settle();
      vi.advanceTimersByTime(4999);
      await settle();
      expect([ws.readyState, near.destroyed]).toEqual([2, false]);
      vi.advanceTimersByTime(1);
      await settle();
      expect([log, near.destroyed]).toEqual([['close:1006::false'], true]);
      expect(vi.getTimerCount()).toBe(0);
    }
  });

  it('a server that never ends the transport is dropped by the client, and the close stays clean', async () => {
    const { ws, peer } = open('client', { closeTimeout: 5000 });
    const log = record(ws);
    peer.send({ opcode: 8, payload: closeBody(1001) });
    await settle();
    vi.advanceTimersByTime(5000);
    await settle();
    expect(log).toEqual(['close:1001::true']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('a peer that neither reads our Close after a violation nor ends is dropped', async () => {
    const { ws, near, peer } = open('server', { closeTimeout: 5000 });
    const log = record(ws);
    near.stalled = true;
    peer.send({ opcode: 3 });
    await settle();
    vi.advanceTimersByTime(5000);
    await settle();
    expect(log).toEqual(['error:WS_ERR_INVALID_OPCODE', 'close:1006::false']);
  });

  it('[6455-5.5.2-e] a heartbeat drops a silent peer with 1006, and its timer is gone after close', async () => {
    const { ws, peer } = open('server', { heartbeat: 1000 });
    const log = record(ws);
    vi.advanceTimersByTime(1000);
    await settle();
    expect([ws.readyState, peer.seen]).toEqual([1, ['9:']]);
    vi.advanceTimersByTime(999);
    await settle();
    expect(ws.readyState).toBe(1);
    vi.advanceTimersByTime(1);
    await settle();
    expect(log).toEqual(['close:1006::false']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('a peer that answers, or says anything, lives', async () => {
    const { ws, peer } = open('server', { heartbeat: 1000 });
    for (let i = 0; i < 10; i++) {
      vi.advanceTimersByTime(1000);
      await settle();
      peer.send({ opcode: i % 2 === 0 ? 10 : 1 });
      await settle();
    }
    expect(ws.readyState).toBe(1);
    expect(peer.seen.length).toBe(10);
    ws.terminate();
    await settle();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('a paused socket is not dropped: its peer cannot be heard', async () => {
    const { ws } = open('server', { heartbeat: 1000 });
    ws.pause();
    for (let i = 0; i < 5; i++) {
      vi.advanceTimersByTime(1000);
      await settle();
    }
    expect(ws.readyState).toBe(1);
    ws.terminate();
    await settle();
  });

  it('a heartbeat leaves a closing handshake to its own timer', async () => {
    const { ws, peer } = open('server', { heartbeat: 100, closeTimeout: 5000 });
    peer.send({ opcode: 3 });
    await settle();
    vi.advanceTimersByTime(4000);
    await settle();
    expect(ws.readyState).toBe(2);
    vi.advanceTimersByTime(1000);
    await settle();
    expect(ws.readyState).toBe(3);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('reading', () => {
  it('takes what came behind the handshake first, also on a socket that was paused', async () => {
    const [near, far] = memoryPair();
    const peer = new Peer(far, 'client');
    near.pause();
    const ws = new BaseWebSocket('server');
    peer.text('second');
    ws.setSocket(near, peer.encode({ opcode: 1, payload: 'first' }));
    const log = record(ws);
    expect(log).toEqual([]);
    await settle();
    expect(log).toEqual(['text:first', 'text:second']);
  });
});
