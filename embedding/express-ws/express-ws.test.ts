// express-ws 5, which was written for ws 7: routes and middleware that are run for a socket which has been
// accepted already, on an HTTP server of its own or one that it is given.

import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import WebSocket, { type WebSocketServer } from 'ws';
import { closeLoopback, listenLoopback } from '../support/loopback.ts';
import { LARGE } from '../support/messages.ts';
import { expectOnlyHandfast } from '../support/only-handfast.ts';
import { expectEchoes, expectThousandEchoes, nextClose, nextMessage } from '../support/socket.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';

type Next = (error?: unknown) => void;
type Request = {
  headers: Record<string, string>;
  params: Record<string, string>;
  greeting?: string;
};
type Route = (socket: WebSocket, request: Request, next: Next) => void;
type Middleware = (
  request: Request,
  response: { status(code: number): Response },
  next: Next,
) => void;
type Response = { end(): void };
interface Router {
  ws(path: string, ...routes: Route[]): Router;
  use(...handlers: (string | Middleware | Router)[]): void;
  get(
    path: string,
    handler: (request: unknown, response: { send(body: string): void }) => void,
  ): void;
}
interface Instance {
  app: Router;
  getWss(): WebSocketServer;
}

// Neither package brings types.
const require = createRequire(import.meta.url);
const express = require('express') as { (): Router; Router(): Router };
const expressWs = require('express-ws') as (
  app: Router,
  server?: Server | null,
  options?: { leaveRouterUntouched?: boolean; wsOptions?: object },
) => Instance;

let server: Server;
let instance: Instance;
let port: number;

afterEach(async () => {
  for (const socket of instance.getWss().clients) socket.terminate();
  await closeLoopback(server);
});

/** The application of the tests: an echo, and whatever `routes` adds. */
async function build(routes: (app: Router) => void = () => {}, wsOptions?: object): Promise<void> {
  const app = express();
  server = createServer(app as never);
  instance = expressWs(app, server, wsOptions && { wsOptions });
  app.ws('/echo', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data as Buffer, { binary: isBinary }));
  });
  routes(app);
  port = await listenLoopback(server);
}

function open(path: string, ...rest: object[]): WebSocket {
  return new WebSocket(`ws://127.0.0.1:${port}${path}`, ...rest);
}

async function connect(path: string, ...rest: object[]): Promise<WebSocket> {
  const socket = open(path, ...rest);
  await nextCall('open', (call) => socket.once('open', call));
  return socket;
}

it('is the only ws of the tree', async () => {
  await build();
  expect(expectOnlyHandfast(import.meta.dirname)).toContain('express-ws');
  expect(instance.getWss()).toBeInstanceOf(WebSocket.Server);
});

describe('a route', () => {
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
    await build((app) => {
      app.ws('/wait', (socket) => void seen.push(nextClose(socket)));
      app.ws('/bye', (socket) => socket.close(4001, 'tschüß'));
    });
    const leaving = await connect('/wait');
    leaving.close(3001, 'enough');
    expect(await nextClose(leaving)).toEqual([3001, 'enough']);
    expect(await seen[0]).toEqual([3001, 'enough']);
    expect(await nextClose(open('/bye'))).toEqual([4001, 'tschüß']);
  });

  it('has parameters, middleware, routers, and HTTP beside it', async () => {
    await build((app) => {
      app.use((request, _response, next) => {
        request.greeting = 'hello';
        next();
      });
      app.ws('/room/:name', (socket, { greeting, params }) => {
        socket.send(`${greeting} ${params.name}`);
      });
      const router = express.Router();
      router.ws('/deep', (socket) => socket.send('from a router'));
      app.use('/nested', router);
      app.get('/room/:name', (_request, response) => response.send('by HTTP'));
    });
    expect((await nextMessage(open('/room/one')))[0].toString()).toBe('hello one');
    expect((await nextMessage(open('/nested/deep')))[0].toString()).toBe('from a router');
    expect(await (await fetch(`http://127.0.0.1:${port}/room/one`)).text()).toBe('by HTTP');
  });

  it('reaches everybody through getWss().clients', async () => {
    await build();
    const clients = await Promise.all([connect('/echo'), connect('/echo'), connect('/echo')]);
    const heard = Promise.all(clients.map(nextMessage));
    for (const socket of instance.getWss().clients) socket.send('to all');
    expect((await heard).map(([data]) => data.toString())).toEqual(['to all', 'to all', 'to all']);
  });
});

describe('what goes wrong', () => {
  it('is closed where no route fits, and where middleware answers', async () => {
    await build((app) => {
      app.use((request, response, next) => {
        if ('x-stop' in request.headers) response.status(403).end();
        else next();
      });
    });
    expect((await nextClose(open('/nowhere')))[0]).toBe(1005);
    expect((await nextClose(open('/nowhere', { headers: { 'x-stop': '1' } })))[0]).toBe(1005);
  });

  it('in a route goes to the error handling of express, and the socket stays open', async () => {
    const failures: unknown[] = [];
    await build((app) => {
      app.ws('/throws', () => {
        throw new Error('in the route');
      });
      app.use(((error: Error, _request: unknown, _response: unknown, next: Next) => {
        failures.push(error.message);
        next(error);
      }) as unknown as Middleware);
    });
    const client = open('/throws');
    await waitFor('the handler', () => failures.length > 0);
    expect(failures).toEqual(['in the route']);
    client.terminate();
  });

  it('in the protocol is told to both ends', async () => {
    const failures: unknown[] = [];
    await build((app) => {
      app.ws('/strict', (socket) => {
        socket.on('error', (error: Error & { code?: string }) => failures.push(error.code));
      });
    });
    const client = await connect('/strict');
    // §5.1: a client has to mask.
    client._socket?.write(Buffer.from([0x81, 0x01, 0x61]));
    expect((await nextClose(client))[0]).toBe(1002);
    expect(failures).toEqual(['WS_ERR_EXPECTED_MASK']);
  });
});

describe('wsOptions', () => {
  it('are those of the server: maxPayload, verifyClient, handleProtocols', async () => {
    await build(undefined, {
      maxPayload: 1024,
      verifyClient: (info: { req: { headers: object } }) => 'x-pass' in info.req.headers,
      handleProtocols: (protocols: Set<string>) => [...protocols].at(-1),
    });
    instance.getWss().on('connection', (socket) => socket.on('error', () => {}));
    const refused = open('/echo');
    const [error] = await nextCall<[Error]>('error', (call) => refused.once('error', call));
    expect(error.message).toBe('Unexpected server response: 401');
    const client = await connect('/echo', ['one', 'two'], { headers: { 'x-pass': '1' } });
    expect(client.protocol).toBe('two');
    client.send(Buffer.alloc(1025));
    expect((await nextClose(client))[0]).toBe(1009);
  });
});

it('compresses where wsOptions say so (RFC 7692)', async () => {
  await build(undefined, { perMessageDeflate: true });
  const client = await connect('/echo');
  expect(client.extensions).toContain('permessage-deflate');
  const sent = 'again and again '.repeat(LARGE / 16);
  client.send(sent);
  expect((await nextMessage(client))[0].toString()).toBe(sent);
  expect((client._socket as Socket).bytesWritten).toBeLessThan(LARGE / 10);
});

describe('Origin, which is checked by default on a server that is given (§10.2)', () => {
  const status = async (origin: string): Promise<string> => {
    const socket = open('/echo', { origin });
    const [outcome] = await nextCall<[unknown]>('an answer', (call) => {
      socket.once('open', () => call('accepted')).once('error', call);
    });
    socket.terminate();
    return outcome instanceof Error ? outcome.message : String(outcome);
  };

  it('lets the own page in and no other', async () => {
    await build();
    expect(await status(`http://127.0.0.1:${port}`)).toBe('accepted');
    expect(await status('http://elsewhere.example')).toBe('Unexpected server response: 403');
  });

  it('can be widened through wsOptions', async () => {
    await build(undefined, { origins: ['http://elsewhere.example'] });
    expect(await status('http://elsewhere.example')).toBe('accepted');
  });
});

it('makes an HTTP server of its own, which app.listen starts', async () => {
  const app = express() as Router & { listen(port: number, host: string): Server };
  instance = expressWs(app);
  instance.app.ws('/', (socket) => socket.send('own server'));
  server = app.listen(0, '127.0.0.1');
  await nextCall('listening', (call) => server.once('listening', call));
  port = (server.address() as { port: number }).port;
  expect((await nextMessage(open('/')))[0].toString()).toBe('own server');
});
