// @fastify/websocket 11: routes, hooks and handlers in front of the upgrade, and `injectWS`, which opens a
// socket on a pair of streams without any port. What its documentation shows is what is driven here.

import type { AddressInfo, Socket } from 'node:net';
import plugin from '@fastify/websocket';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import WebSocket, { createWebSocketStream } from 'ws';
import { LARGE, patternedBytes } from '../support/messages.ts';
import { expectOnlyHandfast } from '../support/only-handfast.ts';
import { expectEchoes, expectThousandEchoes, nextClose, nextMessage } from '../support/socket.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';

let app: FastifyInstance;

afterEach(() => app.close());

/** The application of the tests: an echo, and whatever `routes` adds. */
async function build(
  routes: (app: FastifyInstance) => unknown = () => {},
  options: object = {},
): Promise<void> {
  app = Fastify();
  await app.register(plugin, options);
  await app.register(async (scope) => {
    scope.get('/echo', { websocket: true }, (socket) => {
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    await routes(scope);
  });
  await app.ready();
}

async function address(): Promise<string> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' });
  return `ws://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
}

async function connect(path: string, ...rest: object[]): Promise<WebSocket> {
  const socket = new WebSocket((await address()) + path, ...rest);
  await nextCall('open', (call) => socket.once('open', call));
  return socket;
}

/** What the server sends first, heard by a listener that was there before the socket was open. */
async function greeting(path: string, ...rest: object[]): Promise<string> {
  const socket = new WebSocket((await address()) + path, ...rest);
  const [data] = await nextMessage(socket);
  socket.terminate();
  return data.toString();
}

/** Connects where that is refused, and resolves with what the client is told. */
async function refusal(path: string, ...rest: object[]): Promise<string> {
  const socket = new WebSocket((await address()) + path, ...rest);
  const closed = nextClose(socket);
  const [error] = await nextCall<[Error]>('error', (call) => socket.once('error', call));
  expect((await closed)[0]).toBe(1006);
  return error.message;
}

it('is the only ws of the tree', async () => {
  await build();
  expect(expectOnlyHandfast(import.meta.dirname)).toContain('@fastify/websocket');
  expect(app.websocketServer).toBeInstanceOf(WebSocket.Server);
});

describe('over the network', () => {
  it('echoes text, binary, nothing and a mebibyte', async () => {
    await build();
    const client = await connect('/echo');
    await expectEchoes(client);
  });

  it('keeps a thousand messages in order', async () => {
    await build();
    const client = await connect('/echo');
    await expectThousandEchoes(client);
  });

  it('hands close codes and reasons on, both ways', async () => {
    const seen: Promise<[number, string]>[] = [];
    await build((scope) => {
      scope.get('/wait', { websocket: true }, (socket) => void seen.push(nextClose(socket)));
      scope.get('/bye', { websocket: true }, (socket) => socket.close(4001, 'tschüß'));
    });
    const leaving = await connect('/wait');
    leaving.close(3001, 'enough');
    expect(await nextClose(leaving)).toEqual([3001, 'enough']);
    expect(await seen[0]).toEqual([3001, 'enough']);
    expect(await nextClose(await connect('/bye'))).toEqual([4001, 'tschüß']);
  });

  it('serves HTTP and WebSocket at one URL', async () => {
    await build((scope) =>
      scope.route({
        method: 'GET',
        url: '/hello',
        handler: (_request, reply) => void reply.send({ hello: 'world' }),
        wsHandler: (socket) => socket.send('hello client'),
      }),
    );
    expect(await greeting('/hello')).toBe('hello client');
    const url = (await address()).replace('ws:', 'http:');
    expect(await (await fetch(`${url}/hello`)).json()).toEqual({ hello: 'world' });
  });

  it('lets hooks and routing refuse before the upgrade', async () => {
    await build((scope) => {
      scope.addHook('preValidation', async (request, reply) => {
        if (request.headers['api-key'] !== 'open') await reply.code(401).send('not you');
      });
      scope.get('/guarded', { websocket: true }, (socket) => socket.send('in'));
      scope.get('/plain', (_request, reply) => void reply.send('http only'));
    });
    expect(await refusal('/guarded')).toBe('Unexpected server response: 401');
    expect(await refusal('/nowhere')).toBe('Unexpected server response: 404');
    expect(await greeting('/guarded', { headers: { 'api-key': 'open' } })).toBe('in');
    // A route without a handler for sockets: the plugin accepts and closes.
    const plain = await connect('/plain', { headers: { 'api-key': 'open' } });
    expect((await nextClose(plain))[0]).toBe(1005);
  });

  it('takes verifyClient and handleProtocols', async () => {
    await build(undefined, {
      options: {
        verifyClient: (info: { req: { headers: object } }, next: (ok: boolean) => void) =>
          next('x-pass' in info.req.headers),
        handleProtocols: (protocols: Set<string>) => [...protocols].at(-1),
      },
    });
    expect(await refusal('/echo')).toBe('Unexpected server response: 401');
    const client = await connect('/echo', ['one', 'two'], { headers: { 'x-pass': '1' } });
    expect(client.protocol).toBe('two');
  });

  it('compresses where both ends want it (RFC 7692)', async () => {
    await build(undefined, { options: { perMessageDeflate: { threshold: 0 } } });
    const client = await connect('/echo');
    expect(client.extensions).toContain('permessage-deflate');
    const sent = Buffer.alloc(LARGE, 'again and again ');
    client.send(sent);
    expect((await nextMessage(client))[0].equals(sent)).toBe(true);
    expect((client._socket as Socket).bytesWritten).toBeLessThan(LARGE / 10);
    const plain = await connect('/echo', { perMessageDeflate: false });
    plain.send('plain');
    expect((await nextMessage(plain))[0].toString()).toBe('plain');
    expect(plain.extensions).toBe('');
  });

  it('is a stream through createWebSocketStream', async () => {
    await build((scope) => {
      scope.get('/stream', { websocket: true }, (socket) => {
        const stream = createWebSocketStream(socket as WebSocket);
        stream.pipe(stream);
      });
    });
    const stream = createWebSocketStream(await connect('/stream'));
    const sent = patternedBytes(LARGE);
    const received: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => received.push(chunk));
    for (let at = 0; at < sent.length; at += 50_000) stream.write(sent.subarray(at, at + 50_000));
    await waitFor('the mebibyte', () => Buffer.concat(received).length >= sent.length);
    expect(Buffer.concat(received).equals(sent)).toBe(true);
    stream.end();
    await nextCall('end', (call) => stream.once('close', call));
  });
});

describe('errors', () => {
  const failures: { message: string; code?: string }[] = [];
  const errorHandler = (error: Error & { code?: string }, socket: WebSocket): void => {
    failures.push(error);
    socket.terminate();
  };
  afterEach(() => void failures.splice(0));

  it('of a handler go to errorHandler, thrown or rejected', async () => {
    await build(
      (scope) => {
        scope.get('/throws', { websocket: true }, () => {
          throw new Error('at once');
        });
        scope.get('/rejects', { websocket: true }, async () => {
          throw new Error('later');
        });
      },
      { errorHandler },
    );
    expect((await nextClose(await connect('/throws')))[0]).toBe(1006);
    expect((await nextClose(await connect('/rejects')))[0]).toBe(1006);
    expect(failures.map((error) => error.message)).toEqual(['at once', 'later']);
  });

  it('of a peer do as well, and the peer is told although the handler terminates', async () => {
    await build(undefined, { errorHandler });
    const client = await connect('/echo');
    // §5.1: a client has to mask.
    client._socket?.write(Buffer.from([0x81, 0x01, 0x61]));
    expect((await nextClose(client))[0]).toBe(1002);
    expect(failures.map((error) => error.code)).toEqual(['WS_ERR_EXPECTED_MASK']);
  });

  it('include a message beyond maxPayload', async () => {
    await build(undefined, { errorHandler, options: { maxPayload: LARGE } });
    const client = await connect('/echo');
    client.on('error', () => {});
    client.send(patternedBytes(LARGE));
    expect((await nextMessage(client))[0].length).toBe(LARGE);
    client.send(Buffer.alloc(LARGE + 1));
    await nextClose(client);
    expect(failures.map((error) => error.code)).toEqual(['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH']);
  });
});

describe('injectWS', () => {
  it('talks through streams: text, a mebibyte, a thousand in order', async () => {
    await build();
    const client = await app.injectWS('/echo');
    expect(app.server.listening).toBe(false);
    client.send('hi from client');
    expect((await nextMessage(client))[0].toString()).toBe('hi from client');
    const large = patternedBytes(LARGE);
    client.send(large);
    expect((await nextMessage(client))[0].equals(large)).toBe(true);
    await expectThousandEchoes(client);
    client.terminate();
  });

  it('closes both ends at once, though their streams do not close by themselves', async () => {
    const seen: Promise<[number, string]>[] = [];
    await build(
      () => void app.websocketServer.on('connection', (socket) => seen.push(nextClose(socket))),
    );
    const client = await app.injectWS('/echo');
    const closed = nextClose(client);
    client.close(3000, 'done');
    expect(await closed).toEqual([3000, 'done']);
    expect(await seen[0]).toEqual([3000, 'done']);
  });

  it('hears what the handler sends first, with onInit and onOpen', async () => {
    await build((scope) => {
      scope.get('/first', { websocket: true }, (socket) => socket.send('first'));
    });
    const heard: string[] = [];
    const client = await app.injectWS(
      '/first',
      {},
      {
        onInit: (socket) => void socket.on('message', (data) => heard.push(data.toString())),
        onOpen: (socket) => void heard.push(`open ${socket.readyState}`),
      },
    );
    await waitFor('the greeting', () => heard.length === 2);
    expect(heard).toEqual(['open 1', 'first']);
    client.terminate();
  });

  it('masks as a client does, and passes headers and context', async () => {
    await build((scope) => {
      scope.addHook('preValidation', async (request, reply) => {
        if (request.headers['api-key'] !== 'open') await reply.code(401).send();
      });
      scope.get('/guarded', { websocket: true }, (socket, request) => {
        socket.on('message', (data) => socket.send(`${request.headers['api-key']} ${data}`));
      });
    });
    await expect(app.injectWS('/guarded')).rejects.toThrow('Unexpected server response: 401');
    const client = await app.injectWS('/guarded', { headers: { 'api-key': 'open' } });
    // The server takes masked frames only (§5.1): an answer shows that this one was.
    client.send('key');
    expect((await nextMessage(client))[0].toString()).toBe('open key');
    client.terminate();
  });
});

describe('closing the application', () => {
  it('closes every socket', async () => {
    await build();
    const clients = await Promise.all([connect('/echo'), connect('/echo')]);
    expect(app.websocketServer.clients.size).toBe(2);
    const closed = Promise.all(clients.map(nextClose));
    await app.close();
    expect((await closed).map(([code]) => code)).toEqual([1005, 1005]);
    await waitFor('the last socket', () => app.websocketServer.clients.size === 0);
  });

  it('asks a preClose of the application how', async () => {
    await build(undefined, {
      preClose: (done: () => void) => {
        for (const socket of app.websocketServer.clients) socket.close(1001, 'going offline');
        app.websocketServer.close(done);
      },
    });
    const client = await connect('/echo');
    const closed = nextClose(client);
    await app.close();
    expect(await closed).toEqual([1001, 'going offline']);
  });
});
