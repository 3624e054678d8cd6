// How engine.io's connections end, fail, or never come about, with both generations of its client.

import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'engine.io';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { encodeFrame, RawClient } from '../../test/support/wire.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';
import {
  acceptedOf,
  CLIENTS,
  type ClientSocket,
  type Socket,
  Stage,
  webSocketOf,
} from './stage.ts';

type Failure = Error & { description?: { message?: string; code?: number } };

let stage: Stage;
beforeEach(async () => {
  stage = await new Stage().start();
});
afterEach(() => stage.close());

const reasonOf = async (socket: { once(event: 'close', listener: never): unknown }) => {
  const [reason] = await nextCall<[string]>('close', (call) => socket.once('close', call as never));
  return reason;
};
const codeOf = async (client: ClientSocket) => {
  const below = webSocketOf(client);
  const [code] = await nextCall<[number]>('close', (call) => below.once('close', call));
  return code;
};
const failureOf = async (client: ClientSocket) => {
  const [error] = await nextCall<[Failure]>('error', (call) => client.once('error', call as never));
  return error;
};

describe.each(CLIENTS)('$name', ({ Client }) => {
  it('the client closes', async () => {
    const [client, socket] = await stage.pair(Client);
    const ends = Promise.all([reasonOf(client), reasonOf(socket), codeOf(client)]);
    client.close();
    const [reason, server, code] = await ends;
    expect([reason, server]).toEqual(['forced close', 'transport close']);
    expect(code).toBe(1005);
  });

  it('the server closes, after what it had sent', async () => {
    const [client, socket] = await stage.pair(Client);
    const heard: unknown[] = [];
    client.on('message', (data) => heard.push(data));
    const ends = Promise.all([reasonOf(client), reasonOf(socket), codeOf(client)]);
    for (let n = 0; n < 100; n++) socket.send(`${n}`);
    socket.close();
    const [reason, server, code] = await ends;
    expect([reason, server]).toEqual(['transport close', 'forced close']);
    expect(code).toBe(1005);
    expect(heard).toEqual(Array.from({ length: 100 }, (_, n) => `${n}`));
  });

  it.each([1000, 1001, 3000, 4999])('close code %i reaches the client', async (code) => {
    const [client, socket] = await stage.pair(Client);
    const ends = Promise.all([reasonOf(client), codeOf(client)]);
    acceptedOf(socket).close(code, 'so be it');
    expect(await ends).toEqual(['transport close', code]);
  });

  it('the server vanishes', async () => {
    const [client, socket] = await stage.pair(Client);
    const ends = Promise.all([reasonOf(client), codeOf(client)]);
    acceptedOf(socket).terminate();
    expect(await ends).toEqual(['transport close', 1006]);
  });

  it('a message that is too large ends with 1009', async () => {
    const [client, socket] = await stage.pair(Client);
    const ends = Promise.all([codeOf(client), reasonOf(socket)]);
    client.send('x'.repeat(4e6));
    expect(await ends).toEqual([1009, 'transport error']);
  });

  it('text that is not UTF-8 ends with 1007', async () => {
    const [client, socket] = await stage.pair(Client);
    const ends = Promise.all([codeOf(client), reasonOf(socket)]);
    const mask = Buffer.from([1, 2, 3, 4]);
    const frame = encodeFrame({ opcode: 1, payload: Buffer.from([0x34, 0xff]), mask });
    (webSocketOf(client) as unknown as { _socket: { write(b: Buffer): void } })._socket.write(
      frame,
    );
    expect(await ends).toEqual([1007, 'transport error']);
  });

  it('a refused request is an error that names the status', async () => {
    const strict = await new Stage({
      allowRequest: (_request, decide) => decide('not today', false),
    }).start();
    try {
      const error = await failureOf(strict.client(Client));
      expect(error.message).toBe('websocket error');
      // Generation 3 hands the event itself on.
      expect(error.description?.message).toBe('Unexpected server response: 400');
    } finally {
      await strict.close();
    }
  });

  it('a session that does not exist is refused by the server', async () => {
    const refused = nextCall<[{ code: number }]>('refusal', (call) =>
      stage.engine.once('connection_error', call),
    );
    const failed = failureOf(stage.client(Client, { query: { sid: 'nobody' } }));
    expect((await refused)[0].code).toBe(1);
    expect((await failed).message).toBe('websocket error');
  });

  it('the client leaves while it is connecting', async () => {
    const client = stage.client(Client);
    await waitFor('a WebSocket', () => client.transport);
    const below = webSocketOf(client);
    expect(below.readyState).toBe(0);
    const closed = nextCall<[number]>('close', (call) => below.once('close', call));
    client.close();
    expect((await closed)[0]).toBe(1006);
    await stage.pair(Client);
  });
});

describe('the server', () => {
  it('writes what middlewares and listeners add to the 101', async () => {
    stage.engine.use((_request: IncomingMessage, response: never, next: () => void) => {
      (response as { setHeader(name: string, value: string): void }).setHeader('x-added', 'early');
      next();
    });
    stage.engine.on('headers', (headers: Record<string, string>) => {
      headers['x-listener'] = 'late';
    });
    const client = stage.client(CLIENTS[0].Client);
    const [response] = await nextCall<[IncomingMessage]>('upgrade', (call) =>
      webSocketOf(client).once('upgrade', call),
    );
    expect(response.headers).toMatchObject({ 'x-added': 'early', 'x-listener': 'late' });
  });

  // engine.io listens after an await, which is too late where messages are not kept for the first listener.
  it('hears what came behind the request, though it makes ids asynchronously', async () => {
    const mask = Buffer.from([9, 8, 7, 6]);
    const heard = nextCall<[Socket]>('connection', (call) =>
      stage.engine.once('connection', call),
    ).then(([socket]) => nextCall('message', (call) => socket.once('message', call)));
    const raw = await RawClient.connect(stage.port, {
      path: '/engine.io/?EIO=4&transport=websocket',
      early: encodeFrame({ opcode: 1, payload: '4early', mask }),
    });
    expect(await heard).toEqual(['early']);
    raw.destroy();
  });

  it('turns a client away after the 101 when it speaks a revision that is switched off', async () => {
    const strict = await new Stage({ allowEIO3: false }).start();
    try {
      const refused = nextCall<[{ code: number }]>('refusal', (call) =>
        strict.engine.once('connection_error', call),
      );
      // What the server writes then is HTTP, which to the client is a broken frame.
      const client = strict.client(CLIENTS[1].Client);
      const failed = failureOf(client);
      expect((await refused)[0].code).toBe(5);
      expect((await failed).message).toBe('websocket error');
      const [other] = await strict.pair(CLIENTS[0].Client);
      expect(other.readyState).toBe('open');
    } finally {
      await strict.close();
    }
  });

  it('takes its engine by option, and upgrades by hand', async () => {
    const engines: unknown[] = [];
    class Engine extends WebSocketServer {
      constructor(options: object) {
        super(options);
        engines.push(options);
      }
    }
    const server = new Server({ wsEngine: Engine as never, perMessageDeflate: false });
    expect(engines).toMatchObject([
      { noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: 1e6 },
    ]);
    const http = createServer((request, response) =>
      server.handleRequest(request as never, response),
    );
    http.on('upgrade', (request, socket, head) => server.handleUpgrade(request, socket, head));
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    server.on('connection', (socket: Socket) => socket.send('by hand'));
    const port = (http.address() as AddressInfo).port;
    const client = new CLIENTS[0].Client(`http://127.0.0.1:${port}`, {
      transports: ['polling', 'websocket'],
    });
    const [text] = await nextCall('message', (call) => client.once('message', call as never));
    expect(text).toBe('by hand');
    await waitFor('the upgrade', () => client.transport.name === 'websocket');
    client.close();
    server.close();
    // Closing twice is what engine.io does where a server is attached and closed by hand.
    server.close();
    http.close();
    await once(http, 'close');
  });

  it('closes all that is open', async () => {
    const pairs = [await stage.pair(CLIENTS[0].Client), await stage.pair(CLIENTS[1].Client)];
    const ends = Promise.all(pairs.map(([client]) => reasonOf(client)));
    stage.engine.close();
    expect(await ends).toEqual(['transport close', 'transport close']);
    expect(stage.engine.clientsCount).toBe(0);
  });
});
