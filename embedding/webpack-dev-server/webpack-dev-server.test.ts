// webpack-dev-server 5.2: its live connection, heartbeat and shutdown, and a proxied WebSocket server behind
// it. What a page's client would do is done by sockets of ours, with the page's Origin where that matters.

import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Compiler, webpack } from 'webpack';
import WebpackDevServer, { type Configuration } from 'webpack-dev-server';
import WebSocket, { WebSocketServer } from 'ws';
import { closeLoopback, listenLoopback } from '../support/loopback.ts';
import { LARGE, patternedBytes, thousandInOrder } from '../support/messages.ts';
import { expectOnlyHandfast } from '../support/only-handfast.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';

interface Told {
  type: string;
  data?: unknown;
}

const require = createRequire(import.meta.url);
const Heart = require('webpack-dev-server/lib/servers/WebsocketServer') as {
  heartbeatInterval: number;
};
const interval = Heart.heartbeatInterval;

let folder: string;
let compiler: Compiler;
let dev: WebpackDevServer;
let port: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'webpack-dev-server-'));
  const entry = join(folder, 'entry.js');
  writeFileSync(entry, 'document.title = "first";');
  // What has just been written is built once more as soon as it is watched.
  utimesSync(entry, 1, 1);
});

afterEach(async () => {
  Heart.heartbeatInterval = interval;
  await dev.stop();
  await new Promise<void>((resolve) => compiler.close(() => resolve()));
  rmSync(folder, { recursive: true });
});

async function build(options: Configuration = {}): Promise<void> {
  compiler = webpack({
    mode: 'development',
    context: folder,
    entry: './entry.js',
    output: { path: join(folder, 'dist') },
    infrastructureLogging: { level: 'none' },
    stats: 'none',
  }) as Compiler;
  dev = new WebpackDevServer({ host: '127.0.0.1', port: 0, static: false, ...options }, compiler);
  await dev.start();
  port = (dev.server?.address() as AddressInfo | null)?.port ?? 0;
}

function implementation(): WebSocketServer {
  return dev.webSocketServer?.implementation as unknown as WebSocketServer;
}

/** A socket as a page's own: without the page's Origin the library turns it away. */
function dial(path = '/ws', options: object = {}): WebSocket {
  const origin = `http://127.0.0.1:${port}`;
  return new WebSocket(`ws://127.0.0.1:${port}${path}`, { origin, ...options });
}

/** A page's socket and everything that it has been told. */
function open(path?: string, options?: object): { socket: WebSocket; told: Told[] } {
  const socket = dial(path, options);
  const told: Told[] = [];
  socket.on('message', (data) => told.push(JSON.parse(data.toString()) as Told));
  return { socket, told };
}

const nextClose = async (socket: WebSocket): Promise<number> =>
  (await nextCall<[number]>('close', (call) => socket.once('close', call)))[0];

const types = (told: readonly Told[]): string[] => told.map(({ type }) => type);

it('is the only ws of the tree', async () => {
  await build();
  expect(expectOnlyHandfast(import.meta.dirname)).toContain('webpack-dev-server');
  expect(implementation()).toBeInstanceOf(WebSocket.Server);
  // The library keeps its own list.
  expect(implementation().clients).toBeUndefined();
});

describe('the live connection', () => {
  it('tells a page its options and the state of the build', async () => {
    await build({ client: { overlay: true, reconnect: 3 } });
    const { told } = open();
    await waitFor('the build', () => types(told).includes('ok'));
    // A watcher that is still starting may have it built twice: what follows is not counted.
    expect(types(told).slice(0, 6)).toEqual([
      'hot',
      'liveReload',
      'reconnect',
      'overlay',
      'hash',
      'ok',
    ]);
  });

  it('tells of a change, and of an error in it', async () => {
    await build();
    const { told } = open();
    await waitFor('the build', () => types(told).includes('ok'));
    const hash = told.find(({ type }) => type === 'hash')?.data;
    writeFileSync(join(folder, 'entry.js'), 'document.title = ;');
    dev.invalidate();
    const errors = await waitFor(
      'the error',
      () => told.find(({ type }) => type === 'errors'),
      15_000,
    );
    expect(JSON.stringify(errors.data)).toContain('entry.js');
    expect(types(told)).toContain('invalid');
    expect(told.findLast(({ type }) => type === 'hash')?.data).not.toBe(hash);
  });

  it('carries a mebibyte, and a thousand messages in order', async () => {
    await build();
    const { socket, told } = open();
    await waitFor('the build', () => types(told).includes('ok'));
    const clients = dev.webSocketServer?.clients ?? [];
    const large = patternedBytes(LARGE / 2).toString('hex');
    dev.sendMessage(clients, 'large', large);
    const message = await waitFor('the mebibyte', () => told.find(({ type }) => type === 'large'));
    expect(message.data).toBe(large);
    await thousandInOrder(
      (text) => dev.sendMessage(clients, 'text', text),
      (receive) =>
        socket.on('message', (data) => {
          const { type, data: text } = JSON.parse(data.toString()) as Told;
          if (type === 'text') receive(text as string);
        }),
    );
  });

  it('lets plugins talk back through its connection event, in text and binary', async () => {
    await build();
    implementation().on('connection', (socket) => {
      socket.on('message', (data, isBinary) => socket.send(data as Buffer, { binary: isBinary }));
    });
    const socket = dial();
    await nextCall('open', (call) => socket.once('open', call));
    const echoed: [Buffer, boolean][] = [];
    const bytes = patternedBytes(LARGE);
    socket.on('message', (data, isBinary) => echoed.push([data as Buffer, isBinary]));
    socket.send('grüß dich');
    socket.send(bytes);
    await waitFor('the echo', () => echoed.some(([, isBinary]) => isBinary));
    expect(echoed.some(([data]) => data.toString() === 'grüß dich')).toBe(true);
    expect(echoed.find(([, isBinary]) => isBinary)?.[0].equals(bytes)).toBe(true);
  });

  it('listens where it is told to', async () => {
    await build({ webSocketServer: { type: 'ws', options: { path: '/live' } } });
    const { told } = open('/live?query=too');
    await waitFor('the build', () => types(told).includes('ok'));
  });
});

describe('what is not for it', () => {
  it('is told to a page from elsewhere, which is then closed', async () => {
    await build();
    const { socket, told } = open('/ws', { origin: 'http://elsewhere.example' });
    expect(await nextClose(socket)).toBe(1005);
    expect(told).toEqual([{ type: 'error', data: 'Invalid Host/Origin header' }]);
  });

  it('is left to the other listeners of its server, because shouldHandle says so', async () => {
    await build();
    const others = new WebSocketServer({ noServer: true });
    dev.server?.on('upgrade', (request, socket, head) => {
      if (request.url !== '/mine') return;
      others.handleUpgrade(request, socket, head, (mine) => mine.send('"mine"'));
    });
    const mine = dial('/mine');
    const [data] = await nextCall<[WebSocket.RawData]>('a message', (call) =>
      mine.once('message', call),
    );
    expect(data.toString()).toBe('"mine"');
    mine.terminate();
  });

  it('goes through the proxy to a server behind it', async () => {
    const behind: Server = createServer((_request, response) => response.end());
    const sockets = new WebSocketServer({ server: behind });
    sockets.on('connection', (socket, request) => {
      socket.on('message', (data, isBinary) => socket.send(data as Buffer, { binary: isBinary }));
      socket.send(request.url as string);
    });
    const target = `http://127.0.0.1:${await listenLoopback(behind)}`;
    await build({ proxy: [{ context: ['/backend'], target, ws: true }] });
    // The proxy hears upgrades from the first plain request on.
    await fetch(`http://127.0.0.1:${port}/backend`).then((response) => response.text());
    const socket = dial('/backend/room');
    const heard: WebSocket.RawData[] = [];
    socket.on('message', (data) => heard.push(data));
    await waitFor('the greeting', () => heard.length === 1);
    expect(heard[0].toString()).toBe('/backend/room');
    const bytes = patternedBytes(LARGE);
    socket.send(bytes);
    await waitFor('the echo', () => heard.length === 2);
    expect((heard[1] as Buffer).equals(bytes)).toBe(true);
    socket.close(3001, 'enough');
    expect(await nextClose(socket)).toBe(3001);
    sockets.close();
    await closeLoopback(behind);
  });
});

describe('how it ends', () => {
  it('drops a peer that answers no heartbeat, and keeps one that does', async () => {
    // Long enough for an event loop that a build holds up.
    Heart.heartbeatInterval = 300;
    await build();
    const first = open();
    await waitFor('the build', () => types(first.told).includes('ok'));
    first.socket.terminate();
    const mute = dial('/ws', { autoPong: false });
    const lively = open().socket;
    expect(await nextClose(mute)).toBe(1006);
    let pings = 0;
    lively.on('ping', () => pings++);
    await waitFor('more heartbeats', () => pings >= 3);
    expect(lively.readyState).toBe(WebSocket.OPEN);
    expect(dev.webSocketServer?.clients.length).toBe(1);
  });

  it('survives a peer that breaks the protocol', async () => {
    await build();
    const { socket } = open();
    const { told } = open();
    await waitFor('the build', () => types(told).includes('ok'));
    // §5.1: a client has to mask.
    socket._socket?.write(Buffer.from([0x81, 0x01, 0x61]));
    expect(await nextClose(socket)).toBe(1002);
    dev.sendMessage(dev.webSocketServer?.clients ?? [], 'still', 'here');
    await waitFor('the message', () => types(told).includes('still'));
    await waitFor('the removal', () => dev.webSocketServer?.clients.length === 1);
  });

  it('terminates everybody in stop(), and starts again', async () => {
    await build();
    const { socket, told } = open();
    await waitFor('the build', () => types(told).includes('ok'));
    const closed = nextClose(socket);
    await dev.stop();
    expect(await closed).toBe(1006);
    await dev.start();
    port = (dev.server?.address() as AddressInfo | null)?.port ?? 0;
    const again = open();
    await waitFor('the build', () => types(again.told).includes('ok'));
  });
});
