// y-websocket 2.1: the server that it ships as a program, its `setupWSConnection` under a server of one's
// own, and its provider. All through require(), so that there is one Yjs in this process.

import { fork } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import type { WebsocketProvider as Provider } from 'y-websocket';
import type { Doc } from 'yjs';
import { closeLoopback, listenLoopback } from '../support/loopback.ts';
import { LARGE, patternedBytes, thousandInOrder } from '../support/messages.ts';
import { expectOnlyHandfast } from '../support/only-handfast.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';

interface SharedDoc extends Doc {
  conns: Map<WebSocket, Set<number>>;
}

const require = createRequire(import.meta.url);
const Y = require('yjs') as typeof import('yjs');
const { WebsocketProvider } = require('y-websocket') as typeof import('y-websocket');
const { docs, setupWSConnection } = require('y-websocket/bin/utils') as {
  docs: Map<string, SharedDoc>;
  setupWSConnection(socket: WebSocket, request: unknown): void;
};

let server: Server;
let sockets: WebSocketServer;
let url: string;
const providers: Provider[] = [];

beforeEach(async () => {
  sockets = new WebSocketServer({ noServer: true });
  sockets.on('connection', setupWSConnection);
  server = createServer();
  server.on('upgrade', (request, socket, head) => {
    if (request.url?.includes('token=wrong')) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (ws) => sockets.emit('connection', ws, request));
  });
  url = `ws://127.0.0.1:${await listenLoopback(server)}`;
});

afterEach(async () => {
  vi.useRealTimers();
  for (const provider of providers.splice(0)) provider.destroy();
  for (const socket of sockets.clients) socket.terminate();
  await closeLoopback(server);
  docs.clear();
});

/** A document that is kept in step with the others of its room through the library's own provider. */
function enter(room: string, options: object = {}, at = url): Provider {
  const provider = new WebsocketProvider(at, room, new Y.Doc(), {
    WebSocketPolyfill: WebSocket as never,
    disableBc: true,
    maxBackoffTime: 50,
    ...options,
  });
  providers.push(provider);
  return provider;
}

async function entered(room: string, options?: object, at?: string): Promise<Provider> {
  const provider = enter(room, options, at);
  await waitFor('the first sync', () => provider.synced);
  return provider;
}

it('is the only ws of the tree', () => {
  expect(expectOnlyHandfast(import.meta.dirname)).toContain('y-websocket');
});

describe('setupWSConnection and the provider', () => {
  it('bring text to the others, and to those who come later', async () => {
    const [one, two] = await Promise.all([entered('text'), entered('text')]);
    one.doc.getText('t').insert(0, 'grüß dich');
    await waitFor('the text', () => two.doc.getText('t').toString() === 'grüß dich');
    const three = await entered('text');
    expect(three.doc.getText('t').toString()).toBe('grüß dich');
  });

  it('keep a thousand edits in order', async () => {
    const [one, two] = await Promise.all([entered('order'), entered('order')]);
    const list = one.doc.getArray<string>('list');
    await thousandInOrder(
      (text) => list.push([text]),
      (receive) =>
        two.doc.getArray<string>('list').observe((event) => {
          for (const { insert } of event.changes.delta)
            (insert as string[] | undefined)?.forEach(receive);
        }),
    );
  });

  it('carry a mebibyte of bytes', async () => {
    const [one, two] = await Promise.all([entered('large'), entered('large')]);
    const sent = patternedBytes(LARGE);
    one.doc.getMap('m').set('bytes', new Uint8Array(sent));
    const received = await waitFor('the bytes', () => two.doc.getMap('m').get('bytes'));
    expect(Buffer.from(received as Uint8Array).equals(sent)).toBe(true);
  });

  it('share who is there, and take it back when a socket closes', async () => {
    const [one, two] = await Promise.all([entered('who'), entered('who')]);
    one.awareness.setLocalStateField('user', 'Wren');
    const seen = () => two.awareness.getStates().get(one.doc.clientID)?.user;
    await waitFor('the name', () => seen() === 'Wren');
    one.disconnect();
    await waitFor('its end', () => seen() === undefined);
    await waitFor('the removal', () => docs.get('who')?.conns.size === 1);
  });

  it('get binary messages as ArrayBuffer, because binaryType says so', async () => {
    const kinds: string[] = [];
    sockets.on('connection', (socket) => {
      socket.on('message', (data, isBinary) => {
        kinds.push(`${Object.prototype.toString.call(data)} ${isBinary}`);
      });
    });
    await entered('kinds');
    expect(new Set(kinds)).toEqual(new Set(['[object ArrayBuffer] true']));
  });
});

describe('what goes wrong', () => {
  it('the server closes with a code: the provider is told, and comes back', async () => {
    const provider = await entered('code');
    const closed = nextCall<[{ code: number; reason: string; wasClean: boolean }]>(
      'close',
      (call) => provider.once('connection-close', call as never),
    );
    for (const socket of sockets.clients) socket.close(4001, 'moving');
    const [{ code, reason, wasClean }] = await closed;
    expect({ code, reason, wasClean }).toEqual({ code: 4001, reason: 'moving', wasClean: true });
    await waitFor('another connection', () => provider.wsconnected && provider.synced);
  });

  it('the server refuses: an error event each time, and no connection', async () => {
    const provider = enter('guarded', { params: { token: 'wrong' } });
    const errors: string[] = [];
    provider.on('connection-error', (event) => errors.push((event as unknown as Error).message));
    await waitFor('three attempts', () => errors.length >= 3);
    expect(new Set(errors)).toEqual(new Set(['Unexpected server response: 401']));
    expect(provider.wsconnected).toBe(false);
    // The parameters may be changed: the next attempt uses them.
    provider.params = { token: 'right' };
    await waitFor('the sync', () => provider.synced);
  });

  it('a peer that breaks the protocol is dropped, and its document lives on', async () => {
    const provider = await entered('broken');
    const stranger = new WebSocket(`${url}/broken`);
    await nextCall('open', (call) => stranger.once('open', call));
    sockets.on('error', () => {});
    for (const socket of sockets.clients) socket.on('error', () => {});
    // §5.1: a client has to mask.
    stranger._socket?.write(Buffer.from([0x82, 0x01, 0x00]));
    const [code] = await nextCall<[number]>('close', (call) => stranger.once('close', call));
    expect(code).toBe(1002);
    await waitFor('the removal', () => docs.get('broken')?.conns.size === 1);
    expect(provider.wsconnected).toBe(true);
  });

  it('a peer that answers no Ping is closed, one that does stays', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const provider = await entered('pings');
    const mute = new WebSocket(`${url}/pings`, { autoPong: false });
    await nextCall('open', (call) => mute.once('open', call));
    const closed = nextCall('close', (call) => mute.once('close', call));
    const pinged = nextCall('ping', (call) => mute.once('ping', call));
    const pongs: unknown[] = [];
    for (const socket of sockets.clients) socket.on('pong', () => pongs.push(socket));
    vi.advanceTimersByTime(30_000);
    await pinged;
    await waitFor('the Pong of the other', () => pongs.length === 1);
    vi.advanceTimersByTime(30_000);
    await closed;
    expect(provider.wsconnected).toBe(true);
    expect(docs.get('pings')?.conns.size).toBe(1);
  });
});

it('runs the server program that is shipped', async () => {
  // It prints the port that it was asked for; which one it got is asked of Node.
  const tell = `import { Server } from 'node:net';
    const { listen } = Server.prototype;
    Server.prototype.listen = function (...given) {
      this.once('listening', () => process.send(this.address().port));
      return listen.apply(this, given);
    };`;
  const program = join(import.meta.dirname, 'node_modules/y-websocket/bin/server.cjs');
  const child = fork(program, {
    env: { ...process.env, HOST: '127.0.0.1', PORT: '0' },
    execArgv: ['--import', `data:text/javascript,${encodeURIComponent(tell)}`],
    silent: true,
  });
  try {
    const [port] = await nextCall<[number]>('the port', (call) =>
      child.once('message', call as never),
    );
    const at = `ws://127.0.0.1:${port}`;
    const [one, two] = await Promise.all([entered('p', {}, at), entered('p', {}, at)]);
    one.doc.getText('t').insert(0, 'over the program');
    await waitFor('the text', () => two.doc.getText('t').toString() === 'over the program');
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('okay');
    const closed = nextCall('the end', (call) => one.once('connection-close', call));
    child.kill('SIGKILL');
    await closed;
  } finally {
    child.kill('SIGKILL');
  }
});
