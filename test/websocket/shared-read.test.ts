// Reading into one buffer for all: that it happens, that nobody can tell, and who is left out of it.

import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import * as http from 'node:http';
import * as net from 'node:net';
import { PassThrough } from 'node:stream';
import * as tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import {
  findSlots,
  isPlain,
  pauseReading,
  startSharedRead,
  stopSharedRead,
} from '../../src/websocket/shared-read.ts';
import { BaseWebSocket } from '../../src/websocket/websocket.ts';
import { encodeFrame } from '../support/wire.ts';
import { closeBody, MemorySocket, record } from './pair.ts';

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Both ends of a TCP connection over loopback; nobody reads from `near` yet. */
async function connect(): Promise<{ near: net.Socket; far: net.Socket }> {
  const server = net.createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const far = net.connect({ port, host: '127.0.0.1', noDelay: true });
  far.on('error', () => {});
  const [near] = (await once(server, 'connection')) as [net.Socket];
  near.on('error', () => {});
  server.close();
  cleanups.push(
    () => near.destroy(),
    () => far.destroy(),
  );
  return { near, far };
}

/** Reads as a link does, by both ways, and notes what came by which. */
function read(socket: net.Socket) {
  const seen = {
    shared: [] as Buffer[],
    own: [] as Buffer[],
    memory: new Set<ArrayBufferLike>(),
    started: false,
    text: () => Buffer.concat([...seen.shared, ...seen.own]).toString('latin1'),
  };
  socket.on('data', (chunk) => seen.own.push(chunk));
  seen.started = startSharedRead(socket, {
    receiveShared(chunk) {
      seen.memory.add(chunk.buffer);
      seen.shared.push(Buffer.from(chunk));
      // What a reader may do with bytes that are lent to it.
      chunk.fill(0xdd);
    },
  });
  socket.resume();
  return seen;
}

async function until(condition: () => boolean): Promise<void> {
  const start = performance.now();
  while (!condition()) {
    if (performance.now() - start > 10_000) throw new Error('it did not come to that');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** On Windows nothing of this is done, as it has not been tried there. */
const USED = process.platform !== 'win32';

it('finds where Node keeps an onread buffer, on every Node that it is tested on', () => {
  expect(findSlots()).toEqual({ buffer: expect.any(Symbol), callback: expect.any(Symbol) });
});

describe('sockets that are left alone', () => {
  const reader = { receiveShared: () => expect.unreachable() };

  it('streams that are no sockets, TLS, and sockets without a handle', async () => {
    const { near } = await connect();
    const secure = new tls.TLSSocket(near);
    cleanups.push(() => secure.destroy());
    for (const stream of [new PassThrough(), new MemorySocket(), secure, new net.Socket()]) {
      expect(startSharedRead(stream, reader)).toBe(false);
      stopSharedRead(stream);
      pauseReading(stream);
      expect(stream.isPaused()).toBe(true);
    }
    expect(isPlain(secure)).toBe(false);
    expect(isPlain(near)).toBe(true);
  });

  it('a socket that has an onread buffer already', async () => {
    const server = net.createServer((socket) => socket.end('hello'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const buffer = Buffer.alloc(100);
    let heard = '';
    const callback = (length: number): boolean => {
      heard += buffer.toString('latin1', 0, length);
      return true;
    };
    const { port } = server.address() as net.AddressInfo;
    const socket = net.connect({ port, host: '127.0.0.1', onread: { buffer, callback } });
    await once(socket, 'connect');
    expect(startSharedRead(socket, reader)).toBe(false);
    await until(() => heard === 'hello');
    socket.destroy();
    server.close();
  });
});

describe('a plain socket', () => {
  it('reads into the memory that others read into, and emits no data', async () => {
    const pairs = await Promise.all([connect(), connect()]);
    const seen = pairs.map(({ near }) => read(near));
    for (const [i, { far }] of pairs.entries()) far.write(`to ${i}`);
    await until(() => seen.every((one, i) => one.text() === `to ${i}`));
    expect(seen.map(({ started, own }) => [started, own.length === 0])).toEqual([
      [USED, USED],
      [USED, USED],
    ]);
    expect([...(seen[0]?.memory ?? [])]).toEqual([...(seen[1]?.memory ?? [])]);
  });

  it('gives whoever else listens every byte, in memory of its own', async () => {
    const { near, far } = await connect();
    const seen = read(near);
    far.write('alone ');
    await until(() => seen.text() === 'alone ');
    const heard: Buffer[] = [];
    const listen = (chunk: Buffer): void => void heard.push(chunk);
    near.on('data', listen);
    far.write('together ');
    await until(() => seen.text() === 'alone together ');
    near.off('data', listen);
    far.write('alone again');
    await until(() => seen.text().length === 26);
    expect(Buffer.concat(heard).toString()).toBe('together ');
    if (USED) expect(Buffer.concat(seen.own).toString()).toBe('together ');
  });

  it('gives whoever has patched `push` every byte', async () => {
    const { near, far } = await connect();
    const seen = read(near);
    far.write('before ');
    await until(() => seen.text() === 'before ');
    const patched: string[] = [];
    const push = near.push;
    near.push = (chunk: Buffer) => {
      patched.push(chunk.toString());
      return push.call(near, chunk);
    };
    far.write('patched');
    await until(() => seen.own.length > 0);
    expect([patched.join(''), seen.text()]).toEqual(['patched', 'before patched']);
  });

  it('leaves everything to others once its reader is done', async () => {
    const { near, far } = await connect();
    const seen = read(near);
    stopSharedRead(near);
    far.write('for others');
    await until(() => seen.own.length > 0);
    expect([seen.own.toString(), seen.shared.length]).toEqual(['for others', 0]);
  });

  it('stops its peer while paused, holds what came, and loses nothing', async () => {
    const { near, far } = await connect();
    const seen: Buffer[] = [];
    near.on('data', (chunk) => seen.push(chunk));
    startSharedRead(near, { receiveShared: (chunk) => void seen.push(Buffer.from(chunk)) });
    near.resume();
    const bytes = Buffer.from(
      Array.from({ length: 4_000_000 }, (_, i) => (i * 7 + (i >> 8)) & 255),
    );
    far.write(bytes);
    const length = (): number => seen.reduce((sum, chunk) => sum + chunk.length, 0);
    for (let i = 0; i < 20; i++) {
      if (i % 2 === 0) pauseReading(near);
      else near.pause();
      const before = length();
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(length()).toBe(before);
      expect(near.readableLength).toBeLessThan(300_000);
      near.resume();
      await until(() => length() > before || length() === bytes.length);
    }
    await until(() => length() === bytes.length);
    expect(Buffer.concat(seen).equals(bytes)).toBe(true);
  });

  it('hears of a reset while paused', async () => {
    const { near, far } = await connect();
    const seen = read(near);
    far.write('x');
    await until(() => seen.text() === 'x');
    pauseReading(near);
    const closed = new Promise((resolve) => near.once('close', resolve));
    far.resetAndDestroy();
    await closed;
  });

  it('ends with its peer, behind all that came', async () => {
    const { near, far } = await connect();
    const seen = read(near);
    const ended = once(near, 'end');
    far.end('the last words');
    await ended;
    expect(seen.text()).toBe('the last words');
    near.end();
    await once(near, 'close');
  });
});

describe('WebSockets that read so', () => {
  const mask = Buffer.from('0badcafe', 'hex');

  /** A socket of ours on a TCP connection, and what it has been told. */
  async function open(head = Buffer.alloc(0)) {
    const { near, far } = await connect();
    const ws = new BaseWebSocket('server');
    const log = record(ws);
    ws.setSocket(near, head);
    return { ws, near, far, log };
  }

  it('[6455-5.4-e] give messages that later chunks do not touch', async () => {
    const ends = await Promise.all([open(), open(), open()]);
    const kept: Buffer[][] = [[], [], []];
    for (const [i, { ws }] of ends.entries()) {
      for (const event of ['message', 'ping', 'pong'] as const) {
        ws.on(event, (data: unknown) => kept[i]?.push(data as Buffer));
      }
    }
    const sent = ends.map((_, who): Buffer[] => {
      const sizes = [3, 60, 100, 125, 700, 20_000, 65_530, 70_000, 300_000, 9];
      return sizes.map((size, i) => Buffer.alloc(size, `${who}:${i}:`));
    });
    for (let i = 0; i < 10; i++) {
      for (const [who, { far }] of ends.entries()) {
        const payload = sent[who]?.[i] as Buffer;
        const opcode = payload.length > 125 ? 2 : ([2, 9, 10] as const)[who];
        const third = Math.ceil(payload.length / 3);
        const frames =
          opcode === 2
            ? [
                encodeFrame({ opcode, fin: false, mask, payload: payload.subarray(0, third) }),
                encodeFrame({ opcode: 0, mask, payload: payload.subarray(third) }),
              ]
            : [encodeFrame({ opcode, mask, payload })];
        const bytes = Buffer.concat(frames);
        // Cut inside of the header, and inside of the payload.
        for (const [from, to] of [
          [0, 3],
          [3, 9],
          [9, bytes.length],
        ]) {
          far.write(bytes.subarray(from, to));
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
    }
    await until(() => kept.every((messages) => messages.length === 10));
    for (const [who, messages] of kept.entries()) {
      expect(messages.every((message, i) => message.equals(sent[who]?.[i] as Buffer))).toBe(true);
    }
  });

  it('read what came behind the handshake first', async () => {
    const text = (payload: string): Buffer => encodeFrame({ opcode: 1, mask, payload });
    const { far, log } = await open(Buffer.concat([text('one'), text('two')]));
    far.write(text('three'));
    await until(() => log.length === 4);
    expect(log).toEqual(['open', 'text:one', 'text:two', 'text:three']);
  });

  it('keep the reason of a Close, and read on to the end behind it', async () => {
    const { far, log, near } = await open();
    far.resume();
    far.write(encodeFrame({ opcode: 8, mask, payload: closeBody(4001, 'because') }));
    far.write(Buffer.alloc(200_000, 'rubbish'));
    await once(far, 'end');
    await until(() => log.some((line) => line.startsWith('close')));
    expect(log.at(-1)).toBe('close:4001:because:true');
    expect(near.destroyed).toBe(true);
  });

  it('do so behind an HTTP server as well', async () => {
    const server = http.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const log: string[] = [];
    server.on('upgrade', (_, socket, head) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n');
      const ws = new BaseWebSocket('server');
      ws.on('message', (data) => log.push(`${data}`));
      ws.setSocket(socket, head);
      // Only a socket that reads so has its buffer where Node keeps it.
      const { buffer } = findSlots() as { buffer: symbol };
      log.push(`${Buffer.isBuffer((socket as unknown as { [slot: symbol]: unknown })[buffer])}`);
      cleanups.push(() => socket.destroy());
    });
    const far = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    cleanups.push(() => far.destroy());
    far.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n');
    await once(far, 'data');
    far.write(encodeFrame({ opcode: 1, mask, payload: 'through' }));
    await until(() => log.length === 2);
    expect(log).toEqual([`${USED}`, 'through']);
    server.close();
  });
});
