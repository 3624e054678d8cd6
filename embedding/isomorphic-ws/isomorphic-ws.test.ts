// isomorphic-ws 5: `ws` under another name, and in a browser the browser's own. On Node all that it does is
// to hand `ws` on, so what is shown here is that the class carries everything along.

import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import WebSocket from 'isomorphic-ws';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import Direct, { WebSocketServer } from 'ws';
import { closeLoopback, listenLoopback } from '../support/loopback.ts';
import { LARGE, patternedBytes, thousandInOrder } from '../support/messages.ts';
import { expectOnlyHandfast } from '../support/only-handfast.ts';
import { nextCall } from '../support/wait-for.ts';

const require = createRequire(import.meta.url);

let http: Server;
let server: WebSocketServer;
let url: string;

beforeEach(async () => {
  http = createServer();
  server = new WebSocket.Server({ server: http, maxPayload: LARGE });
  server.on('connection', (socket, request) => {
    socket.on('error', () => {});
    socket.on('message', (data, isBinary) => socket.send(data as Buffer, { binary: isBinary }));
    if (request.url === '/bye') socket.close(4001, 'tschüß');
  });
  url = `ws://127.0.0.1:${await listenLoopback(http)}`;
});

afterEach(async () => {
  for (const socket of server.clients) socket.terminate();
  server.close();
  await closeLoopback(http);
});

async function connect(): Promise<WebSocket> {
  const socket = new WebSocket(url);
  await nextCall('open', (call) => {
    socket.onopen = call;
  });
  return socket;
}

it('is the only ws of the tree', () => {
  expect(expectOnlyHandfast(import.meta.dirname)).toEqual(['isomorphic-ws']);
});

it('is the class itself, imported and required, with its statics', () => {
  expect(WebSocket).toBe(Direct);
  expect(require('isomorphic-ws')).toBe(Direct);
  expect(WebSocket.Server).toBe(WebSocketServer);
  expect([WebSocket.CONNECTING, WebSocket.OPEN, WebSocket.CLOSING, WebSocket.CLOSED]).toEqual([
    0, 1, 2, 3,
  ]);
});

describe('used as one would in a browser', () => {
  it('echoes text, nothing, bytes and a mebibyte', async () => {
    const client = await connect();
    client.binaryType = 'arraybuffer';
    const next = async (): Promise<unknown> =>
      (
        await nextCall<[{ data: unknown }]>('a message', (call) => {
          client.onmessage = call;
        })
      )[0].data;
    for (const sent of ['grüß dich', '']) {
      const message = next();
      client.send(sent);
      expect(await message).toBe(sent);
    }
    for (const length of [0, 300, LARGE]) {
      const sent = patternedBytes(length);
      const message = next();
      client.send(sent);
      const received = await message;
      expect(received).toBeInstanceOf(ArrayBuffer);
      expect(Buffer.from(received as ArrayBuffer).equals(sent)).toBe(true);
    }
  });

  it('keeps a thousand messages in order', async () => {
    const client = await connect();
    await thousandInOrder(
      (text) => client.send(text),
      (receive) => client.addEventListener('message', ({ data }) => receive(data as string)),
    );
  });

  it('hears how it ends: a code, a refusal, a message too large', async () => {
    const closeOf = async (socket: WebSocket): Promise<[number, string, boolean]> => {
      const [event] = await nextCall<[WebSocket.CloseEvent]>('close', (call) => {
        socket.onclose = call;
      });
      return [event.code, event.reason, event.wasClean];
    };
    expect(await closeOf(new WebSocket(`${url}/bye`))).toEqual([4001, 'tschüß', true]);

    const client = await connect();
    const closed = closeOf(client);
    client.send(Buffer.alloc(LARGE + 1));
    expect((await closed)[0]).toBe(1009);

    const refused = new WebSocket(url, { origin: 'http://elsewhere.example' });
    const [failed] = await Promise.all([
      nextCall<[WebSocket.ErrorEvent]>('error', (call) => {
        refused.onerror = call;
      }),
      closeOf(refused).then(([code]) => expect(code).toBe(1006)),
    ]);
    expect(failed[0].message).toBe('Unexpected server response: 403');
  });
});
