// koa-websocket 7: Koa's middleware and context for sockets, over HTTP and over HTTPS.

import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import WebSocket, { type WebSocketServer } from 'ws';
import { Certificate } from '../../test/peers/certificate.ts';
import { closeLoopback } from '../support/loopback.ts';
import { LARGE, patternedBytes } from '../support/messages.ts';
import { expectOnlyHandfast } from '../support/only-handfast.ts';
import { expectEchoes, expectThousandEchoes, nextClose, nextMessage } from '../support/socket.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';

interface Context {
  websocket: WebSocket;
  path: string;
  query: Record<string, string>;
  ip: string;
  body: unknown;
  greeting?: string;
}
type Middleware = (context: Context, next: () => Promise<void>) => unknown;
interface App {
  use(middleware: Middleware): App;
  listen(port: number, host: string): Server;
  ws: { use(middleware: Middleware): unknown; server: WebSocketServer };
}

// Neither package brings types.
const require = createRequire(import.meta.url);
const Koa = require('koa') as new () => App;
const websockify = require('koa-websocket') as (
  app: App,
  wsOptions?: object,
  httpsOptions?: object,
) => App;

let app: App;
let server: Server;
let port: number;

afterEach(async () => {
  for (const socket of app.ws.server.clients) socket.terminate();
  await closeLoopback(server);
});

/** The application of the tests: the middleware given, then an echo. */
async function build(
  middleware: readonly Middleware[] = [],
  wsOptions?: object,
  httpsOptions?: object,
): Promise<void> {
  app = websockify(new Koa(), wsOptions, httpsOptions);
  for (const one of middleware) app.ws.use(one);
  app.ws.use(({ websocket }) => {
    websocket.on('message', (data, isBinary) => {
      websocket.send(data as Buffer, { binary: isBinary });
    });
  });
  app.use((context) => {
    context.body = 'by HTTP';
  });
  server = app.listen(0, '127.0.0.1');
  await nextCall('listening', (call) => server.once('listening', call));
  port = (server.address() as AddressInfo).port;
}

function open(path: string, ...rest: object[]): WebSocket {
  return new WebSocket(`ws://127.0.0.1:${port}${path}`, ...rest);
}

async function opened(socket: WebSocket): Promise<WebSocket> {
  await nextCall('open', (call) => socket.once('open', call));
  return socket;
}

it('is the only ws of the tree', async () => {
  await build();
  expect(expectOnlyHandfast(import.meta.dirname)).toContain('koa-websocket');
  expect(app.ws.server).toBeInstanceOf(WebSocket.Server);
});

describe('middleware', () => {
  it('echoes text, binary, nothing and a mebibyte', async () => {
    await build();
    const client = await opened(open('/'));
    await expectEchoes(client);
  });

  it('keeps a thousand messages in order', async () => {
    await build();
    const client = await opened(open('/'));
    await expectThousandEchoes(client);
  });

  it('runs in order with a context of its own, beside HTTP', async () => {
    await build([
      (context, next) => {
        context.greeting = `hello ${context.query.name} at ${context.path} from ${context.ip}`;
        return next();
      },
      async (context, next) => {
        await next();
        context.websocket.send(context.greeting ?? '');
      },
    ]);
    const [data] = await nextMessage(open('/room?name=Wren'));
    expect(data.toString()).toBe('hello Wren at /room from 127.0.0.1');
    expect(await (await fetch(`http://127.0.0.1:${port}/room`)).text()).toBe('by HTTP');
  });

  it('may await before it listens, and loses no message', async () => {
    await build([
      async (_context, next) => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        await next();
      },
    ]);
    const client = await opened(open('/'));
    client.send('early');
    expect((await nextMessage(client))[0].toString()).toBe('early');
  });

  it('hands close codes and reasons on, both ways', async () => {
    const seen: Promise<[number, string]>[] = [];
    await build([
      (context, next) => {
        seen.push(nextClose(context.websocket));
        if (context.path === '/bye') context.websocket.close(4001, 'tschüß');
        return next();
      },
    ]);
    const leaving = await opened(open('/'));
    leaving.close(3001, 'enough');
    expect(await nextClose(leaving)).toEqual([3001, 'enough']);
    expect(await seen[0]).toEqual([3001, 'enough']);
    expect(await nextClose(open('/bye'))).toEqual([4001, 'tschüß']);
    expect(await seen[1]).toEqual([4001, 'tschüß']);
  });
});

describe('what goes wrong', () => {
  it('in middleware leaves the socket to the client', async () => {
    let ran = 0;
    await build([
      async () => {
        ran++;
        throw new Error('in the middleware');
      },
    ]);
    const client = await opened(open('/'));
    await waitFor('the middleware', () => ran === 1);
    client.close(1000);
    expect((await nextClose(client))[0]).toBe(1000);
  });

  it('in the protocol is told to both ends', async () => {
    const failures: unknown[] = [];
    await build([
      (context, next) => {
        context.websocket.on('error', (error: Error & { code?: string }) =>
          failures.push(error.code),
        );
        return next();
      },
    ]);
    const client = await opened(open('/'));
    // §5.1: a client has to mask.
    client._socket?.write(Buffer.from([0x81, 0x01, 0x61]));
    expect((await nextClose(client))[0]).toBe(1002);
    expect(failures).toEqual(['WS_ERR_EXPECTED_MASK']);
  });

  it('on the way in is answered: verifyClient, path, maxPayload', async () => {
    await build([], {
      path: '/only',
      maxPayload: 1024,
      verifyClient: (info: { req: { headers: object } }) => 'x-pass' in info.req.headers,
    });
    const message = async (socket: WebSocket): Promise<string> =>
      (await nextCall<[Error]>('error', (call) => socket.once('error', call)))[0].message;
    expect(await message(open('/only'))).toBe('Unexpected server response: 401');
    expect(await message(open('/other'))).toBe('Unexpected server response: 400');
    const client = await opened(open('/only', { headers: { 'x-pass': '1' } }));
    client.send(Buffer.alloc(1025));
    expect((await nextClose(client))[0]).toBe(1009);
  });
});

it('compresses where its options say so (RFC 7692)', async () => {
  await build([], { perMessageDeflate: true });
  const client = await opened(open('/'));
  expect(client.extensions).toContain('permessage-deflate');
  const sent = 'again and again '.repeat(LARGE / 16);
  client.send(sent);
  expect((await nextMessage(client))[0].toString()).toBe(sent);
  expect((client._socket as Socket).bytesWritten).toBeLessThan(LARGE / 10);
});

it('serves wss with a certificate that is made for the test', async () => {
  const certificate = new Certificate('openssl');
  try {
    const { key, cert } = certificate;
    await build([], {}, { key, cert });
    const client = new WebSocket(`wss://127.0.0.1:${port}/`, { ca: cert });
    await expectEchoes(await opened(client), ['grüß dich', patternedBytes(LARGE)]);
  } finally {
    certificate.remove();
  }
});
