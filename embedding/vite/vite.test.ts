// Vite 8, which has `ws` inside its bundle and no option for another: what runs here is a copy of the package in
// which the one line that takes the bundled WebSocketServer takes handfast's. All else is as shipped.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { createServer, InlineConfig, ViteDevServer } from 'vite';
import type { createWebSocketModuleRunnerTransport } from 'vite/module-runner';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { closeLoopback, listenLoopback } from '../support/loopback.ts';
import { LARGE, patternedBytes, thousandInOrder } from '../support/messages.ts';
import { expectOnlyHandfast } from '../support/only-handfast.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';

interface Told {
  type: string;
  event?: string;
  data?: unknown;
  updates?: { path: string }[];
}

const packages = join(import.meta.dirname, 'node_modules');
const copy = join(packages, '.patched', 'vite');
const LINE = /^const WebSocketServerRaw = .*$/m;

let create: typeof createServer;
let createTransport: typeof createWebSocketModuleRunnerTransport;
let folder: string;
let dev: ViteDevServer;
let http: Server | undefined;
let port: number;

beforeAll(async () => {
  rmSync(copy, { recursive: true, force: true });
  cpSync(join(packages, 'vite'), copy, { recursive: true });
  const chunk = join(copy, 'dist/node/chunks/node.js');
  const source = readFileSync(chunk, 'utf8');
  expect(source.match(LINE)).not.toBeNull();
  writeFileSync(
    chunk,
    `import { WebSocketServer as Handfast } from 'ws';
${source.replace(LINE, 'const WebSocketServerRaw = Handfast;')}`,
  );
  // Computed names, so that vitest leaves them to Node.
  const load = (path: string) => import(pathToFileURL(join(copy, 'dist/node', path)).href);
  ({ createServer: create } = await load('index.js'));
  ({ createWebSocketModuleRunnerTransport: createTransport } = await load('module-runner.js'));
});
afterAll(() => rmSync(join(packages, '.patched'), { recursive: true, force: true }));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vite-'));
  writeFileSync(join(folder, 'index.html'), '<script type="module" src="/entry.js"></script>');
  writeFileSync(join(folder, 'entry.js'), 'document.title = "first"; import.meta.hot.accept();');
  http = undefined;
});

afterEach(async () => {
  await dev.close();
  if (http !== undefined) await closeLoopback(http);
  rmSync(folder, { recursive: true });
});

async function build(config: InlineConfig = {}): Promise<void> {
  dev = await create({
    root: folder,
    configFile: false,
    logLevel: 'silent',
    optimizeDeps: { noDiscovery: true },
    ...config,
    server: {
      host: '127.0.0.1',
      port: 0,
      watch: { usePolling: true, interval: 20 },
      ...config.server,
    },
  });
  if (config.server?.middlewareMode) return;
  await dev.listen();
  port = (dev.httpServer?.address() as AddressInfo | null)?.port ?? 0;
}

/** A socket as the page's client opens one: with the page's Origin and the server's token. */
function dial(options: object = {}, protocol = 'vite-hmr'): WebSocket {
  const origin = `http://127.0.0.1:${port}`;
  const url = `ws://127.0.0.1:${port}/?token=${dev.config.webSocketToken}`;
  return new WebSocket(url, protocol, { origin, ...options });
}

/** A page's socket and everything that it has been told. */
async function open(): Promise<{ socket: WebSocket; told: Told[] }> {
  const socket = dial();
  const told: Told[] = [];
  socket.on('message', (data) => told.push(JSON.parse(data.toString()) as Told));
  await waitFor('the greeting', () => told[0]?.type === 'connected');
  return { socket, told };
}

const custom = (event: string, data?: unknown): string =>
  JSON.stringify({ type: 'custom', event, data });

const nextClose = async (socket: WebSocket): Promise<number> =>
  (await nextCall<[number]>('close', (call) => socket.once('close', call)))[0];

it('is the only ws of the tree, but for the one inside the bundle', async () => {
  await build();
  expect(expectOnlyHandfast(import.meta.dirname)).toEqual([]);
});

describe('the live connection', () => {
  it('is made by handfast, speaks vite-hmr and says hello', async () => {
    await build();
    const connections: unknown[] = [];
    dev.ws.on('connection', (socket) => connections.push(socket));
    const { socket, told } = await open();
    expect(socket.protocol).toBe('vite-hmr');
    expect(told).toEqual([{ type: 'connected' }]);
    expect(connections[0]).toBeInstanceOf(WebSocket);
  });

  it('answers vite-ping with a close', async () => {
    await build();
    expect(await nextClose(dial({}, 'vite-ping'))).toBe(1000);
    await waitFor('the removal', () => dev.ws.clients.size === 0);
  });

  it('carries events of plugins both ways: text, a mebibyte, a thousand in order', async () => {
    await build();
    const seen: unknown[] = [];
    dev.ws.on('test:echo', (data, client) => {
      seen.push(data);
      client.send('test:echo', data);
    });
    const { socket, told } = await open();
    for (const data of [{ text: 'grüß dich' }, patternedBytes(LARGE / 2).toString('hex')]) {
      socket.send(custom('test:echo', data));
      await waitFor('the echo', () => told.at(-1)?.event === 'test:echo');
      expect(told.pop()?.data).toEqual(data);
    }
    await thousandInOrder(
      (text) => socket.send(custom('test:echo', text)),
      (receive) =>
        socket.on('message', (data) =>
          receive((JSON.parse(data.toString()) as Told).data as string),
        ),
    );
    expect(seen.length).toBe(1002);
    // What is no message of its own is passed over, binary or not.
    socket.send('{');
    socket.send(patternedBytes(300));
    socket.send(custom('test:echo', 'still here'));
    await waitFor('the echo', () => told.at(-1)?.data === 'still here');
  });

  it('broadcasts, and tells who comes and goes', async () => {
    await build();
    const heard: string[] = [];
    dev.ws.on('vite:client:connect', () => heard.push('connect'));
    dev.ws.on('vite:client:disconnect', () => heard.push('disconnect'));
    const [one, two] = await Promise.all([open(), open()]);
    expect(dev.ws.clients.size).toBe(2);
    dev.ws.send('test:all', { to: 'all' });
    for (const { told } of [one, two]) {
      await waitFor('the broadcast', () => told.at(-1)?.event === 'test:all');
    }
    one.socket.close(1000);
    await waitFor('the end', () => heard.includes('disconnect'));
    expect(heard).toEqual(['connect', 'connect', 'disconnect']);
    expect(dev.ws.clients.size).toBe(1);
  });

  it('tells of a change in a file', async () => {
    await build();
    const { told } = await open();
    await (await fetch(`http://127.0.0.1:${port}/entry.js`)).text();
    writeFileSync(join(folder, 'entry.js'), 'document.title = "second"; import.meta.hot.accept();');
    const update = await waitFor(
      'the update',
      () => told.find(({ type }) => type === 'update'),
      15_000,
    );
    expect(update.updates?.[0].path).toBe('/entry.js');
  });

  it('keeps what there was to say until somebody comes', async () => {
    await build();
    dev.ws.send({ type: 'full-reload' });
    const { told } = await open();
    await waitFor('the reload', () => told.length === 2);
    expect(told[1].type).toBe('full-reload');
  });
});

describe('what is refused, by the function that Vite puts in the place of shouldHandle', () => {
  const refusal = async (path: string, options: object): Promise<string> => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, 'vite-hmr', options);
    return (await nextCall<[Error]>('error', (call) => socket.once('error', call)))[0].message;
  };

  it('a page without the token, and a host that is not allowed', async () => {
    await build();
    const origin = `http://127.0.0.1:${port}`;
    expect(await refusal('/', { origin })).toBe('Unexpected server response: 400');
    expect(await refusal('/?token=wrong', { origin })).toBe('Unexpected server response: 400');
    const path = `/?token=${dev.config.webSocketToken}`;
    const headers = { host: 'elsewhere.example' };
    expect(await refusal(path, { headers })).toBe('Unexpected server response: 400');
  });

  it('not a program, which sends no Origin', async () => {
    await build();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, 'vite-hmr');
    const [data] = await nextCall<[WebSocket.RawData]>('a message', (call) =>
      socket.once('message', call),
    );
    expect(JSON.parse(data.toString())).toEqual({ type: 'connected' });
  });
});

describe('where it listens', () => {
  it('on the server of the application, in middleware mode', async () => {
    http = createHttpServer((request, response) => dev.middlewares(request, response));
    const others = new WebSocketServer({ noServer: true });
    http.on('upgrade', (request, socket, head) => {
      if (request.url !== '/mine') return;
      others.handleUpgrade(request, socket, head, (mine) => mine.send('mine'));
    });
    port = await listenLoopback(http);
    await build({ server: { middlewareMode: true, ws: { server: http } } });
    const { told } = await open();
    dev.ws.send('test:all');
    await waitFor('the broadcast', () => told.at(-1)?.event === 'test:all');
    const mine = new WebSocket(`ws://127.0.0.1:${port}/mine`);
    const [data] = await nextCall<[WebSocket.RawData]>('a message', (call) =>
      mine.once('message', call),
    );
    expect(data.toString()).toBe('mine');
    mine.terminate();
  });

  it('in front of a WebSocket server that it is a proxy for', async () => {
    http = createHttpServer();
    const behind = new WebSocketServer({ noServer: true });
    http.on('upgrade', (request, socket, head) => {
      behind.handleUpgrade(request, socket, head, (one) => {
        one.on('message', (data, isBinary) => one.send(data as Buffer, { binary: isBinary }));
      });
    });
    const target = `ws://127.0.0.1:${await listenLoopback(http)}`;
    await build({ server: { proxy: { '/backend': { target, ws: true } } } });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/backend`);
    const bytes = patternedBytes(LARGE);
    await nextCall('open', (call) => socket.once('open', call));
    socket.send(bytes);
    const [data] = await nextCall<[WebSocket.RawData]>('the echo', (call) =>
      socket.once('message', call),
    );
    expect((data as Buffer).equals(bytes)).toBe(true);
    socket.close(3001);
    expect(await nextClose(socket)).toBe(3001);
  });
});

describe('how it ends', () => {
  it('survives a peer that breaks the protocol', async () => {
    await build();
    const { socket } = await open();
    const { told } = await open();
    // §5.1: a client has to mask.
    socket._socket?.write(Buffer.from([0x81, 0x01, 0x61]));
    expect(await nextClose(socket)).toBe(1002);
    dev.ws.send('test:still');
    await waitFor('the message', () => told.at(-1)?.event === 'test:still');
  });

  it('terminates everybody in close()', async () => {
    await build();
    const clients = await Promise.all([open(), open()]);
    const closed = Promise.all(clients.map(({ socket }) => nextClose(socket)));
    await dev.close();
    expect(await closed).toEqual([1006, 1006]);
  });
});

it('has a client for module runners, which takes a socket of ours', async () => {
  await build();
  dev.ws.on('test:echo', (data, client) => client.send('test:echo', data));
  const socket = dial();
  const transport = createTransport({ createConnection: () => socket as never });
  const told: Told[] = [];
  let ended = false;
  await transport.connect?.({
    onMessage: (message) => void told.push(message as Told),
    onDisconnection: () => {
      ended = true;
    },
  });
  await transport.send?.({ type: 'custom', event: 'test:echo', data: 'round' });
  await waitFor('the echo', () => told.some(({ data }) => data === 'round'));
  // Which of the first two it is told first depends on how the greeting was cut off the 101.
  const names = told.map(({ event, type }) => event ?? type);
  expect(names.slice(0, 2).sort()).toEqual(['connected', 'vite:ws:connect']);
  expect(names.slice(2)).toEqual(['test:echo']);
  await transport.disconnect?.();
  await waitFor('the end', () => ended);
});
