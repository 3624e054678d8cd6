// crossws 0.4, the adapter for Node. It ships `ws` inside its bundle, so there are two ways to handfast: its
// `wss` option, which is documented, and a copy of the package whose bundled `ws` is exchanged for ours.

import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Hooks, Peer } from 'crossws';
import type { NodeAdapter, NodeOptions } from 'crossws/adapters/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { closeLoopback, listenLoopback } from '../support/loopback.ts';
import { LARGE, patternedBytes } from '../support/messages.ts';
import { expectOnlyHandfast } from '../support/only-handfast.ts';
import { expectEchoes, expectThousandEchoes, nextClose, nextMessage } from '../support/socket.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';

const packages = join(import.meta.dirname, 'node_modules');
const copy = join(packages, '.patched', 'crossws');

/** The package with two lines where its `ws` was; everything else is as shipped. */
beforeAll(() => {
  rmSync(copy, { recursive: true, force: true });
  cpSync(join(packages, 'crossws'), copy, { recursive: true });
  writeFileSync(
    join(copy, 'dist/_chunks/libs/ws.mjs'),
    `import { WebSocket, WebSocketServer } from 'ws';
     export const import_websocket = { default: WebSocket };
     export const import_websocket_server = { default: WebSocketServer };`,
  );
});
afterAll(() => rmSync(join(packages, '.patched'), { recursive: true, force: true }));

/** A module of one of the two packages; a computed name, so that vitest leaves it to Node. */
async function load<T>(root: string, path: string): Promise<T> {
  return (await import(pathToFileURL(join(root, 'dist', path)).href)) as T;
}

it('is the only ws of the tree, but for the one inside the bundle', () => {
  expect(expectOnlyHandfast(import.meta.dirname)).toEqual([]);
});

it('makes clients of handfast, where its bundle is exchanged', async () => {
  const { default: Client } = await load<{ default: typeof WebSocket }>(copy, 'websocket/node.mjs');
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await nextCall('listening', (call) => server.once('listening', call));
  server.on('connection', (socket, request) => socket.send(request.headers['x-client'] as string));
  const { port } = server.address() as { port: number };
  // With a third argument the package takes `ws` also where there is a global WebSocket.
  const client = new Client(`ws://127.0.0.1:${port}`, undefined, {
    headers: { 'x-client': 'ours' },
  });
  expect(client).toBeInstanceOf(WebSocket);
  const [data] = await nextCall<[Buffer]>('a message', (call) =>
    client.once('message', call as never),
  );
  expect(data.toString()).toBe('ours');
  await server.shutdown();
});

describe.each(['the wss option', 'a patched bundle'])('the adapter over %s', (way) => {
  let http: Server;
  let adapter: NodeAdapter;
  let url: string;
  let peers: Peer[];
  let sockets: WebSocketServer | undefined;

  async function build(hooks: Partial<Hooks>, options: NodeOptions = {}): Promise<void> {
    const viaOption = way === 'the wss option';
    const { default: nodeAdapter } = await load<typeof import('crossws/adapters/node')>(
      viaOption ? join(packages, 'crossws') : copy,
      'adapters/node.mjs',
    );
    peers = [];
    sockets = new WebSocketServer({
      noServer: true,
      handleProtocols: () => false,
      ...(options.serverOptions as object),
    });
    adapter = nodeAdapter({
      ...options,
      ...(viaOption ? { wss: sockets as never } : {}),
      hooks: {
        ...hooks,
        open: (peer) => {
          peers.push(peer);
          return hooks.open?.(peer);
        },
      },
    });
    http = createServer();
    http.on('upgrade', (request, socket, head) => adapter.handleUpgrade(request, socket, head));
    url = `ws://127.0.0.1:${await listenLoopback(http)}`;
  }

  afterEach(async () => {
    adapter.closeAll(1001, '', true);
    await adapter.close();
    await closeLoopback(http);
  });

  const echo: Partial<Hooks> = {
    message: (peer, message) => void peer.send(message.rawData),
  };

  async function connect(path = '/', ...rest: object[]): Promise<WebSocket> {
    const socket = new WebSocket(url + path, ...rest);
    await nextCall('open', (call) => socket.once('open', call));
    return socket;
  }

  it('echoes text, binary and a mebibyte', async () => {
    await build(echo);
    const client = await connect();
    await expectEchoes(client, ['grüß dich', patternedBytes(300), patternedBytes(LARGE)]);
    expect(peers[0].websocket.readyState).toBe(WebSocket.OPEN);
  });

  it('keeps a thousand messages in order', async () => {
    await build(echo);
    const client = await connect();
    await expectThousandEchoes(client);
  });

  it('puts headers into the 101, one of them twice, and the subprotocol', async () => {
    await build({
      upgrade: () => ({
        headers: [
          ['x-powered-by', 'cross'],
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
        ],
        protocol: 'two',
        context: { user: 'Wren' },
      }),
      open: (peer) => void peer.send(`hello ${peer.context.user} from ${peer.remoteAddress}`),
    });
    const client = new WebSocket(url, ['one', 'two']);
    const message = nextMessage(client);
    const [response] = await nextCall<[{ headers: Record<string, unknown> }]>('the 101', (call) =>
      client.once('upgrade', call as never),
    );
    expect(response.headers).toMatchObject({
      'x-powered-by': 'cross',
      'set-cookie': ['a=1', 'b=2'],
    });
    expect((await message)[0].toString()).toBe('hello Wren from 127.0.0.1');
    expect(client.protocol).toBe('two');
  });

  it('refuses with a Response, and with 500 when a hook fails', async () => {
    await build({
      upgrade: (request) => {
        if (new URL(request.url).pathname === '/fails') throw new Error('in the hook');
        throw new Response('not you', { status: 401, headers: { 'www-authenticate': 'Basic' } });
      },
    });
    const outcome = async (path: string): Promise<string> => {
      const socket = new WebSocket(url + path);
      return (await nextCall<[Error]>('error', (call) => socket.once('error', call)))[0].message;
    };
    expect(await outcome('/')).toBe('Unexpected server response: 401');
    expect(await outcome('/fails')).toBe('Unexpected server response: 500');
  });

  it('publishes to those who subscribed, and to nobody else', async () => {
    await build({
      open: (peer) => {
        if (new URL(peer.request.url).pathname === '/room') peer.subscribe('room');
      },
      message: (peer, message) => void peer.publish('room', message.text()),
    });
    const [one, two] = await Promise.all([connect('/room'), connect('/room')]);
    const outside = await connect('/');
    const heard: string[] = [];
    for (const socket of [one, outside])
      socket.on('message', (data) => heard.push(data.toString()));
    const message = nextMessage(two);
    one.send('for the room');
    expect((await message)[0].toString()).toBe('for the room');
    expect(heard).toEqual([]);
  });

  it('hands close codes and reasons on, both ways', async () => {
    const closed: unknown[] = [];
    await build({
      close: (_peer, { code, reason }) => void closed.push([code, reason]),
      message: (peer) => peer.close(4001, 'tschüß'),
    });
    const leaving = await connect();
    leaving.close(3001, 'enough');
    expect(await nextClose(leaving)).toEqual([3001, 'enough']);
    await waitFor('the hook', () => closed.length === 1);
    const sent = await connect();
    sent.send('go');
    expect(await nextClose(sent)).toEqual([4001, 'tschüß']);
    await waitFor('the hook', () => closed.length === 2);
    expect(closed).toEqual([
      [3001, 'enough'],
      [4001, 'tschüß'],
    ]);
  });

  it('tells of Pings and Pongs, but not of its own heartbeat', async () => {
    const heard: string[] = [];
    await build(
      {
        ping: (_peer, data) => void heard.push(`ping ${Buffer.from(data as Uint8Array)}`),
        pong: (_peer, data) => void heard.push(`pong ${Buffer.from(data as Uint8Array)}`),
      },
      { idleTimeout: 0.25 },
    );
    const client = await connect();
    const beats: string[] = [];
    client.on('ping', (data) => beats.push(data.toString()));
    await waitFor('two heartbeats', () => beats.length >= 2);
    client.ping('from the client');
    await waitFor('the Ping', () => heard.length === 1);
    peers[0].ping('from the server');
    await waitFor('the Pong', () => heard.length === 2);
    expect(heard).toEqual(['ping from the client', 'pong from the server']);
  });

  it('drops a peer that answers no heartbeat', async () => {
    await build({}, { idleTimeout: 0.25 });
    const mute = await connect('/', { autoPong: false });
    const lively = await connect();
    expect((await nextClose(mute))[0]).toBe(1006);
    expect(lively.readyState).toBe(WebSocket.OPEN);
  });

  it('reports back-pressure: what send() returns, and drain', async () => {
    let drained = 0;
    await build({ drain: () => void drained++ });
    const client = await connect();
    // Without a listener the messages would be kept for one, and the peer be paused.
    client.on('message', () => {});
    client.pause();
    await waitFor(
      'a full socket',
      () => (peers[0].send(Buffer.alloc(LARGE)) as number) > 4 * LARGE,
    );
    const before = drained;
    client.resume();
    await waitFor('drain', () => drained > before);
    await waitFor('an empty socket', () => peers[0].websocket.bufferedAmount === 0);
  });

  it('reports an error of the protocol, and tells the peer', async () => {
    const failures: unknown[] = [];
    await build(
      { error: (_peer, error) => void failures.push((error.cause as { code?: string })?.code) },
      { serverOptions: { maxPayload: 1024 } },
    );
    const unmasked = await connect();
    // §5.1: a client has to mask.
    unmasked._socket?.write(Buffer.from([0x81, 0x01, 0x61]));
    expect((await nextClose(unmasked))[0]).toBe(1002);
    const large = await connect();
    large.send(Buffer.alloc(1025));
    expect((await nextClose(large))[0]).toBe(1009);
    await waitFor('the hook', () => failures.length === 2);
  });

  it('takes perMessageDeflate from the upgrade hook, for one connection', async () => {
    await build(
      { ...echo, upgrade: (request) => ({ perMessageDeflate: request.url.endsWith('/packed') }) },
      { serverOptions: { perMessageDeflate: { threshold: 0 } } },
    );
    for (const path of ['/packed', '/plain']) {
      const client = await connect(path, { perMessageDeflate: true });
      client.send('again and again and again');
      expect((await nextMessage(client))[0].toString()).toBe('again and again and again');
      expect(client.extensions.startsWith('permessage-deflate')).toBe(path === '/packed');
    }
  });

  it('closes everybody', async () => {
    await build({});
    const clients = await Promise.all([connect(), connect()]);
    const closed = Promise.all(clients.map(nextClose));
    adapter.closeAll(1001, 'going away');
    expect(await closed).toEqual([
      [1001, 'going away'],
      [1001, 'going away'],
    ]);
  });
});
