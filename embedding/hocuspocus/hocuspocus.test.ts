// @hocuspocus/server 3.4 and its provider: documents over one socket, authentication in front of them, and
// messages that the server keeps back and emits again when it is ready for them.

import type { Socket } from 'node:net';
import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider';
import { Server } from '@hocuspocus/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import { Doc } from 'yjs';
import { closeLoopback, listenLoopback } from '../support/loopback.ts';
import { LARGE, patternedBytes, thousandInOrder } from '../support/messages.ts';
import { expectOnlyHandfast } from '../support/only-handfast.ts';
import { nextClose } from '../support/socket.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';

let server: Server;
let url: string;
const providers: HocuspocusProvider[] = [];
const links: HocuspocusProviderWebsocket[] = [];

afterEach(async () => {
  for (const provider of providers.splice(0)) provider.destroy();
  for (const link of links.splice(0)) link.destroy();
  for (const socket of server.webSocketServer.clients) socket.terminate();
  await closeLoopback(server.httpServer);
});

/** A server on the loopback interface; `listen()` of the library would choose its own. */
async function build(configuration: object = {}, websocketOptions: object = {}): Promise<void> {
  const quiet = { quiet: true, stopOnSignals: false, debounce: 0 };
  server = new Server({ ...quiet, ...configuration }, websocketOptions as never);
  url = `ws://127.0.0.1:${await listenLoopback(server.httpServer)}`;
}

function link(): HocuspocusProviderWebsocket {
  const made = new HocuspocusProviderWebsocket({
    url,
    WebSocketPolyfill: WebSocket,
    delay: 50,
    minDelay: 50,
  });
  links.push(made);
  return made;
}

function enter(name: string, options: object = {}, websocketProvider = link()): HocuspocusProvider {
  const provider = new HocuspocusProvider({
    websocketProvider,
    name,
    document: new Doc(),
    token: 'let me in',
    ...options,
  });
  // One that is given a link has to be attached to it.
  provider.attach();
  providers.push(provider);
  return provider;
}

async function entered(name: string, options?: object, over?: HocuspocusProviderWebsocket) {
  const provider = enter(name, options, over);
  await waitFor('the first sync', () => provider.isSynced);
  return provider;
}

async function raw(): Promise<WebSocket> {
  const socket = new WebSocket(url);
  await nextCall('open', (call) => socket.once('open', call));
  return socket;
}

it('is the only ws of the tree', async () => {
  await build();
  const dependents = expectOnlyHandfast(import.meta.dirname);
  expect(dependents).toEqual(
    expect.arrayContaining(['@hocuspocus/provider', '@hocuspocus/server']),
  );
  expect(server.webSocketServer).toBeInstanceOf(WebSocket.Server);
});

describe('documents', () => {
  it('are brought to the others, and to those who come later', async () => {
    await build();
    const [one, two] = await Promise.all([entered('text'), entered('text')]);
    one.document.getText('t').insert(0, 'grüß dich');
    await waitFor('the text', () => two.document.getText('t').toString() === 'grüß dich');
    const three = await entered('text');
    expect(three.document.getText('t').toString()).toBe('grüß dich');
  });

  it('share one socket', async () => {
    await build();
    const over = link();
    const [a, b] = await Promise.all([entered('a', {}, over), entered('b', {}, over)]);
    expect(server.webSocketServer.clients.size).toBe(1);
    a.document.getText('t').insert(0, 'in a');
    const other = await entered('a');
    expect(other.document.getText('t').toString()).toBe('in a');
    expect(b.document.getText('t').toString()).toBe('');
  });

  it('keep a thousand edits in order', async () => {
    await build();
    const [one, two] = await Promise.all([entered('order'), entered('order')]);
    const list = one.document.getArray<string>('list');
    await thousandInOrder(
      (text) => list.push([text]),
      (receive) =>
        two.document.getArray<string>('list').observe((event) => {
          for (const { insert } of event.changes.delta)
            (insert as string[] | undefined)?.forEach(receive);
        }),
    );
  });

  it('carry a mebibyte of bytes', async () => {
    await build();
    const [one, two] = await Promise.all([entered('large'), entered('large')]);
    const sent = patternedBytes(LARGE);
    one.document.getMap('m').set('bytes', new Uint8Array(sent));
    const received = await waitFor('the bytes', () => two.document.getMap('m').get('bytes'));
    expect(Buffer.from(received as Uint8Array).equals(sent)).toBe(true);
  });

  it('know who is there, until the socket closes', async () => {
    await build();
    const [one, two] = await Promise.all([entered('who'), entered('who')]);
    one.setAwarenessField('user', 'Wren');
    const seen = () => two.awareness?.getStates().get(one.document.clientID)?.user;
    await waitFor('the name', () => seen() === 'Wren');
    one.configuration.websocketProvider.disconnect();
    await waitFor('its end', () => seen() === undefined);
  });
});

it('compresses where its options say so (RFC 7692)', async () => {
  await build({}, { perMessageDeflate: true });
  const [one, two] = await Promise.all([entered('packed'), entered('packed')]);
  const text = 'again and again '.repeat(LARGE / 16);
  one.document.getText('t').insert(0, text);
  await waitFor('the text', () => two.document.getText('t').toString() === text);
  const socket = one.configuration.websocketProvider.webSocket as unknown as WebSocket;
  expect(socket.extensions).toContain('permessage-deflate');
  expect((socket._socket as Socket).bytesWritten).toBeLessThan(LARGE / 10);
});

describe('messages beside documents', () => {
  it('go both ways, a thousand in order', async () => {
    const heard: string[] = [];
    await build({
      onStateless: async ({ payload, document }: { payload: string; document: unknown }) => {
        heard.push(payload);
        (document as { broadcastStateless(payload: string): void }).broadcastStateless(payload);
      },
    });
    const provider = await entered('notes');
    await thousandInOrder(
      (text) => provider.sendStateless(text),
      (receive) => provider.on('stateless', ({ payload }: { payload: string }) => receive(payload)),
    );
    expect(heard.length).toBe(1000);
  });

  it('that come while the server decides are kept back and emitted again', async () => {
    let free = (): void => {};
    const decided = new Promise<void>((resolve) => {
      free = resolve;
    });
    const queued: string[] = [];
    await build({
      onAuthenticate: () => decided,
      onStateless: async ({ payload }: { payload: string }) => void queued.push(payload),
    });
    const over = link();
    const provider = enter('queue', {}, over);
    await waitFor('the socket', () => over.status === 'connected');
    for (const text of ['one', 'two', 'three']) provider.sendStateless(text);
    // A round trip of our own: what was sent before has arrived by then.
    const socket = over.webSocket as unknown as WebSocket;
    const pong = nextCall('a Pong', (call) => socket.once('pong', call));
    socket.ping();
    await pong;
    expect(queued).toEqual([]);
    free();
    await waitFor('the queue', () => queued.length === 3);
    expect(queued).toEqual(['one', 'two', 'three']);
  });
});

describe('what goes wrong', () => {
  // The library reports each of these on the console.
  beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => {}));
  afterEach(() => void vi.restoreAllMocks());

  it('a token that is refused: the provider is told, the socket stays', async () => {
    await build({
      onAuthenticate: async ({ token }: { token: string }) => {
        if (token !== 'let me in') throw new Error('not you');
      },
    });
    const over = link();
    const stranger = enter('guarded', { token: 'wrong' }, over);
    const [{ reason }] = await nextCall<[{ reason: string }]>('the refusal', (call) =>
      stranger.on('authenticationFailed', call),
    );
    expect(reason).toBe('permission-denied');
    // One name is one connection over a socket, so it is another document.
    const friend = await entered('open', {}, over);
    expect(friend.isSynced).toBe(true);
    expect(server.webSocketServer.clients.size).toBe(1);
  });

  it('bytes that are no message of its own get 4401', async () => {
    await build();
    const socket = await raw();
    socket.send(Buffer.from([0xff]));
    expect(await nextClose(socket)).toEqual([4401, 'Unauthorized']);
  });

  it('a frame that breaks the protocol gets 1002, one beyond maxPayload 1009', async () => {
    await build({}, { maxPayload: 4096 });
    const codes: unknown[] = [];
    server.webSocketServer.on('connection', (socket) => {
      socket.on('error', (error) => codes.push((error as { code?: string }).code));
    });
    const unmasked = await raw();
    unmasked._socket?.write(Buffer.from([0x82, 0x01, 0x00]));
    expect((await nextClose(unmasked))[0]).toBe(1002);
    const large = await raw();
    large.send(Buffer.alloc(4097));
    expect((await nextClose(large))[0]).toBe(1009);
    expect(codes).toEqual(['WS_ERR_EXPECTED_MASK', 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH']);
  });

  it('a closed socket: the provider hears code and reason, and comes back', async () => {
    await build();
    const provider = await entered('moving');
    const closed = nextCall<[{ event: { code: number; reason: string } }]>('close', (call) =>
      provider.on('close', call),
    );
    for (const socket of server.webSocketServer.clients) socket.close(4001, 'moving');
    const [{ event }] = await closed;
    expect([event.code, event.reason]).toEqual([4001, 'moving']);
    await waitFor('the way back', () => provider.isSynced);
    await waitFor('the removal', () => server.webSocketServer.clients.size === 1);
  });

  it('a peer that answers no Ping loses its document, one that does keeps it', async () => {
    await build({ timeout: 250 });
    const provider = await entered('pings');
    const pings: unknown[] = [];
    const socket = provider.configuration.websocketProvider.webSocket as unknown as WebSocket;
    socket.on('ping', () => pings.push(1));
    await waitFor('four Pings', () => pings.length >= 4);
    expect(server.hocuspocus.getConnectionsCount()).toBe(1);
    const closed = nextCall<[{ event: { reason: string } }]>('close', (call) =>
      provider.on('close', call),
    );
    // From here on the peer is mute.
    socket.pong = () => {};
    for (const one of server.webSocketServer.clients) one.removeAllListeners('pong');
    expect((await closed)[0].event.reason).toBe('Connection Timeout');
  });
});

describe('the server', () => {
  it('leaves an upgrade to a hook that takes it', async () => {
    await build({
      onUpgrade: async ({
        request,
        socket,
      }: {
        request: { url: string };
        socket: { end(text: string): void };
      }) => {
        if (request.url !== '/mine') return;
        socket.end('HTTP/1.1 418 Teapot\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
        // An empty rejection is how the library is told that the request has been dealt with.
        throw null;
      },
    });
    const socket = new WebSocket(`${url}/mine`);
    const [error] = await nextCall<[Error]>('error', (call) => socket.once('error', call));
    expect(error.message).toBe('Unexpected server response: 418');
    expect((await entered('beside')).isSynced).toBe(true);
  });

  it('ends with destroy()', async () => {
    await build();
    const provider = await entered('ending');
    const closed = nextCall('close', (call) => provider.on('close', call));
    await Promise.all([server.destroy(), closed]);
    expect(server.hocuspocus.getDocumentsCount()).toBe(0);
    const late = new WebSocket(url);
    const [error] = await nextCall<[Error]>('error', (call) => late.once('error', call));
    expect(error).toBeInstanceOf(Error);
  });
});
