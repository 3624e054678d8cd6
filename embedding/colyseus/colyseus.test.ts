// Colyseus 0.17: rooms over @colyseus/ws-transport, joined with @colyseus/sdk. It is made for Node 22 and later,
// where there is a global WebSocket, which the SDK prefers to `ws`: handfast takes its place.

import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { CloseCode, Protocol, Room, type Client as Seat, Server } from '@colyseus/core';
import { schema } from '@colyseus/schema';
import type { Client as ClientClass, Room as JoinedRoom } from '@colyseus/sdk';
import { WebSocketTransport } from '@colyseus/ws-transport';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import { closeLoopback, listenLoopback } from '../support/loopback.ts';
import { LARGE, patternedBytes, thousandInOrder } from '../support/messages.ts';
import { expectOnlyHandfast } from '../support/only-handfast.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';

const State = schema({ count: 'number' });
const left: (number | undefined)[] = [];

/** Sends back what it is sent; some types of message ask for something else. */
class Echo extends Room {
  override state = new State().assign({ count: 0 });
  override patchRate = 10;

  override onCreate(): void {
    this.onMessage('echo', (seat, message) => seat.send('echo', message));
    this.onMessageBytes('bytes', (seat, bytes) => seat.sendBytes('bytes', bytes));
    this.onMessage('all', (_seat, message) => this.broadcast('all', message));
    this.onMessage('count', () => void this.state.count++);
    this.onMessage('kick', (seat) => seat.leave(4321, 'out with you'));
    this.onMessage('cut', (seat) => (seat.ref as WebSocket).terminate());
  }

  override onAuth(_seat: Seat, options: { token?: string }): boolean {
    if (options.token === 'wrong') throw new Error('not you');
    return true;
  }

  override onDrop(seat: Seat): void {
    // A room that ends takes nobody back.
    this.allowReconnection(seat, 5).catch(() => {});
  }

  override onLeave(_seat: Seat, code?: number): void {
    left.push(code);
  }
}

let Client: typeof ClientClass;
let server: Server;
let transport: WebSocketTransport;
let port: number;
let client: ClientClass;

beforeAll(async () => {
  vi.stubGlobal('WebSocket', WebSocket);
  // It looks for the global when it is loaded.
  ({ Client } = await import('@colyseus/sdk'));
});

// Both ends report on the console what is provoked here.
beforeEach(() => {
  for (const method of ['error', 'warn', 'info'] as const) {
    vi.spyOn(console, method).mockImplementation(() => {});
  }
});

afterEach(async () => {
  await server.gracefullyShutdown(false);
  vi.restoreAllMocks();
  left.length = 0;
});

async function build(options: object = { maxPayload: 4 * LARGE }): Promise<void> {
  transport = new WebSocketTransport(options);
  server = new Server({ transport, greet: false, gracefullyShutdown: false });
  server.define('echo', Echo);
  await server.listen(0, '127.0.0.1');
  port = ((transport.server as HttpServer).address() as AddressInfo).port;
  client = new Client(`http://127.0.0.1:${port}`);
}

function socketOf(room: JoinedRoom): WebSocket {
  return (room.connection.transport as unknown as { ws: WebSocket }).ws;
}

async function join(options: object = {}): Promise<JoinedRoom> {
  const room = await client.joinOrCreate('echo', options);
  await nextCall('the first state', (call) => room.onStateChange.once(call));
  return room;
}

async function nextMessage(room: JoinedRoom, type: string): Promise<unknown> {
  return (await nextCall<[unknown]>(type, (call) => room.onMessage(type, call)))[0];
}

async function raw(path: string, options: object = {}): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, options);
  await nextCall('open', (call) => socket.once('open', call));
  return socket;
}

const closeCode = async (socket: WebSocket): Promise<number> =>
  (await nextCall<[number]>('close', (call) => socket.once('close', call)))[0];

it('is the only ws of the tree', async () => {
  await build();
  const dependents = expectOnlyHandfast(import.meta.dirname);
  expect(dependents).toEqual(expect.arrayContaining(['@colyseus/sdk', '@colyseus/ws-transport']));
  expect(socketOf(await join())).toBeInstanceOf(WebSocket);
});

describe('a room', () => {
  it('echoes text, bytes and a mebibyte', async () => {
    await build();
    const room = await join();
    const text = nextMessage(room, 'echo');
    room.send('echo', { text: 'grüß dich' });
    expect(await text).toEqual({ text: 'grüß dich' });
    for (const length of [0, 300, LARGE]) {
      const sent = patternedBytes(length);
      const bytes = nextMessage(room, 'bytes');
      room.sendBytes('bytes', sent);
      expect(Buffer.from((await bytes) as Uint8Array).equals(sent)).toBe(true);
    }
  });

  it('keeps a thousand messages in order', async () => {
    await build();
    const room = await join();
    // As bytes: the SDK's own encoding of longer strings throws on Node, whatever `ws` is.
    await thousandInOrder(
      (text) => room.sendBytes('bytes', Buffer.from(text)),
      (receive) =>
        room.onMessage('bytes', (bytes: Uint8Array) => receive(Buffer.from(bytes).toString())),
    );
  });

  it('broadcasts, and brings its state up to date', async () => {
    await build();
    const rooms = await Promise.all([join(), join(), join()]);
    const heard = Promise.all(rooms.map((room) => nextMessage(room, 'all')));
    rooms[0].send('all', 'to all');
    expect(await heard).toEqual(['to all', 'to all', 'to all']);
    for (let i = 0; i < 5; i++) rooms[1].send('count');
    await waitFor('the count', () => rooms.every((room) => room.state.count === 5));
  });

  it('compresses where the transport is told to (RFC 7692)', async () => {
    await build({ maxPayload: 4 * LARGE, perMessageDeflate: true });
    const room = await join();
    expect(socketOf(room).extensions).toContain('permessage-deflate');
    const sent = Buffer.alloc(LARGE, 'again and again ');
    const bytes = nextMessage(room, 'bytes');
    room.sendBytes('bytes', sent);
    expect(Buffer.from((await bytes) as Uint8Array).equals(sent)).toBe(true);
    expect((socketOf(room)._socket as Socket).bytesWritten).toBeLessThan(LARGE / 10);
  });

  it('ends with the codes of the library, from either side', async () => {
    await build();
    const leaving = await join();
    expect(await leaving.leave()).toBe(CloseCode.CONSENTED);
    const kicked = await join();
    kicked.reconnection.enabled = false;
    const gone = nextCall<[number, string]>('leave', (call) => kicked.onLeave(call as never));
    kicked.send('kick');
    expect(await gone).toEqual([4321, 'out with you']);
    await waitFor('the room', () => left.length > 0);
    expect(left[0]).toBe(CloseCode.CONSENTED);
  });

  it('takes a client back whose connection was cut', async () => {
    await build();
    const room = await join();
    room.reconnection.minUptime = 0;
    room.reconnection.minDelay = 10;
    room.reconnection.delay = 10;
    const before = socketOf(room);
    const dropped = nextCall<[number]>('drop', (call) => room.onDrop(call));
    const back = nextCall('reconnect', (call) => room.onReconnect(call));
    room.send('cut');
    expect((await dropped)[0]).toBe(1006);
    await back;
    expect(socketOf(room)).not.toBe(before);
    const text = nextMessage(room, 'echo');
    room.send('echo', 'again');
    expect(await text).toBe('again');
  });

  it('works with simulated latency, which sends arrays of octets', async () => {
    await build();
    const room = await join();
    server.simulateLatency(20);
    try {
      const text = nextMessage(room, 'echo');
      room.send('echo', { late: true });
      expect(await text).toEqual({ late: true });
    } finally {
      server.simulateLatency(0);
    }
  });
});

describe('what goes wrong', () => {
  it('a client that may not join is told why', async () => {
    await build();
    await expect(client.joinOrCreate('echo', { token: 'wrong' })).rejects.toThrow('not you');
    await expect(client.joinOrCreate('nothing')).rejects.toThrow('nothing');
  });

  it('a socket without a seat gets an error message, then a close code', async () => {
    await build();
    const room = await join();
    const stranger = new WebSocket(`ws://127.0.0.1:${port}/x/${room.roomId}?sessionId=unknown`);
    const message = nextCall<[Buffer, boolean]>('the error', (call) =>
      stranger.once('message', call as never),
    );
    const closed = closeCode(stranger);
    const [data, isBinary] = await message;
    expect([data[0], isBinary]).toEqual([Protocol.ERROR, true]);
    expect(await closed).toBe(CloseCode.WITH_ERROR);
  });

  it('a message beyond the 4 KiB that are the default gets 1009', async () => {
    await build({});
    const room = await join();
    room.reconnection.enabled = false;
    const closed = closeCode(socketOf(room));
    room.sendBytes('bytes', Buffer.alloc(5000));
    expect(await closed).toBe(1009);
  });

  it('a peer that answers no Ping is dropped, one that does stays', async () => {
    await build({ pingInterval: 150, pingMaxRetries: 2 });
    const mute = await raw('/', { autoPong: false });
    const lively = await raw('/');
    const [first, second] = [closeCode(mute), closeCode(lively)];
    expect(await first).toBe(1006);
    expect(lively.readyState).toBe(WebSocket.OPEN);
    // The transport lets nobody in for more than a second who says nothing.
    expect(await second).toBe(CloseCode.NORMAL_CLOSURE);
  });
});

describe('the transport', () => {
  it('answers whoever asks for the round-trip time', async () => {
    await build();
    const socket = await raw('/');
    const message = nextCall<[Buffer]>('the answer', (call) =>
      socket.once('message', call as never),
    );
    socket.send(Buffer.from([Protocol.PING]));
    expect([...(await message)[0]]).toEqual([Protocol.PING]);
    socket.terminate();
  });

  it('shares an HTTP server, and leaves what its filter does not want', async () => {
    await build();
    const http = createServer();
    const shared = new WebSocketTransport({ noServer: true, pingInterval: 0 });
    shared.attachToServer(http, { filter: (request) => request.url === '/game' });
    http.on('upgrade', (request, socket) => {
      if (request.url !== '/game')
        socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
    });
    port = await listenLoopback(http);
    const player = await raw('/game');
    player.terminate();
    const other = new WebSocket(`ws://127.0.0.1:${port}/other`);
    const [error] = await nextCall<[Error]>('error', (call) => other.once('error', call));
    expect(error.message).toBe('Unexpected server response: 404');
    shared.shutdown();
    expect(http.listening).toBe(true);
    await closeLoopback(http);
  });
});
