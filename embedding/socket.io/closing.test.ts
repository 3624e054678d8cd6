// How connections end and fail under socket.io, and what either side is told.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nextCall, waitFor } from '../support/wait-for.ts';
import { acceptedOf, type ServerSocket, Stage, webSocketOf } from './stage.ts';

type ClientSocket = ReturnType<Stage['client']>;

/** What the application hears, and with it the close event of the WebSocket where there was one. */
interface End {
  reason: string;
  code: number | undefined;
}

async function endOf(client: ClientSocket): Promise<End> {
  type Details = { context?: { code?: number } } | undefined;
  const [reason, details] = await nextCall<[string, Details]>('disconnect', (call) =>
    client.once('disconnect', call as never),
  );
  return { reason, code: details?.context?.code };
}

async function reasonOf(socket: ServerSocket): Promise<string> {
  const [reason] = await nextCall<[string]>('disconnect', (call) =>
    socket.once('disconnect', call),
  );
  return reason;
}

let stage: Stage;
beforeEach(async () => {
  stage = await new Stage().start();
});
afterEach(() => stage.close());

describe('an orderly end', () => {
  it('the client leaves', async () => {
    const [client, socket] = await stage.pair();
    const below = acceptedOf(socket);
    const ends = Promise.all([reasonOf(socket), endOf(client), once(below, 'close')]);
    client.disconnect();
    const [server, { reason }, [code]] = await ends;
    expect([server, reason]).toEqual(['client namespace disconnect', 'io client disconnect']);
    expect(code).toBe(1005);
  });

  it('the server disconnects the client', async () => {
    const [client, socket] = await stage.pair();
    const ends = Promise.all([reasonOf(socket), endOf(client), once(webSocketOf(client), 'close')]);
    socket.disconnect(true);
    const [server, { reason }, [code]] = await ends;
    expect([server, reason]).toEqual(['server namespace disconnect', 'io server disconnect']);
    expect(code).toBe(1005);
  });

  it('the engine below closes', async () => {
    const [client, socket] = await stage.pair();
    const end = endOf(client);
    socket.conn.close();
    expect(await end).toEqual({ reason: 'transport close', code: 1005 });
  });

  it.each([1000, 1001, 1011, 3000, 4999])('close code %i reaches the client', async (code) => {
    const [client, socket] = await stage.pair();
    const ends = Promise.all([endOf(client), once(webSocketOf(client), 'close')]);
    acceptedOf(socket).close(code, 'tschüß');
    const [end, [seen, reason]] = await ends;
    expect(end).toEqual({ reason: 'transport close', code });
    expect([seen, String(reason)]).toEqual([code, 'tschüß']);
  });

  it('what was sent before the end arrives', async () => {
    const [client, socket] = await stage.pair();
    const seen: number[] = [];
    client.on('n', (n: number) => seen.push(n));
    const end = endOf(client);
    for (let n = 0; n < 200; n++) socket.emit('n', n);
    socket.disconnect(true);
    await end;
    expect(seen).toEqual(Array.from({ length: 200 }, (_, n) => n));
  });

  it('the HTTP server is closed and listens again', async () => {
    const [client] = await stage.pair();
    const end = endOf(client);
    const closed = once(stage.http, 'close');
    stage.http.close();
    stage.io.disconnectSockets(true);
    expect((await end).reason).toBe('io server disconnect');
    await closed;
    stage.http.listen(0, '127.0.0.1');
    await once(stage.http, 'listening');
    stage.port = (stage.http.address() as AddressInfo).port;
    const [again] = await stage.pair();
    expect(await again.emitWithAck('ask', 'still there?')).toBe('still there?');
  });
});

describe('an abrupt end', () => {
  it('the server vanishes', async () => {
    const [client, socket] = await stage.pair();
    const end = endOf(client);
    acceptedOf(socket).terminate();
    expect(await end).toEqual({ reason: 'transport close', code: 1006 });
  });

  it('the client vanishes', async () => {
    const [client, socket] = await stage.pair();
    const reason = reasonOf(socket);
    webSocketOf(client).terminate();
    expect(await reason).toBe('transport close');
  });

  it('a message beyond maxHttpBufferSize ends with 1009', async () => {
    const [client, socket] = await stage.pair();
    const ends = Promise.all([reasonOf(socket), endOf(client)]);
    client.emit('echo', 'x'.repeat(4e6 + 1));
    expect(await ends).toEqual(['transport error', { reason: 'transport close', code: 1009 }]);
  });

  it('a frame with a reserved opcode ends with 1002', async () => {
    const [client, socket] = await stage.pair();
    const ends = Promise.all([reasonOf(socket), endOf(client)]);
    const below = webSocketOf(client) as unknown as { _socket: { write(bytes: Buffer): void } };
    below._socket.write(Buffer.from([0x83, 0x80, 0, 0, 0, 0]));
    expect(await ends).toEqual(['transport error', { reason: 'transport close', code: 1002 }]);
  });

  it('a client that stops reading and answering is given up', async () => {
    const strict = await new Stage({ pingInterval: 100, pingTimeout: 100 }).start();
    try {
      const [client, socket] = await strict.pair();
      const below = webSocketOf(client);
      below.pause();
      expect(await reasonOf(socket)).toBe('ping timeout');
      // The closing handshake waits for this side until it reads again.
      below.resume();
    } finally {
      await strict.close();
    }
  });

  it('heartbeats keep an idle connection', async () => {
    const strict = await new Stage({ pingInterval: 40, pingTimeout: 2000 }).start();
    try {
      const [client, socket] = await strict.pair();
      let beats = 0;
      client.io.on('ping', () => beats++);
      await waitFor('five beats', () => beats >= 5);
      expect(socket.connected && client.connected).toBe(true);
    } finally {
      await strict.close();
    }
  });
});

describe('a connection that does not come about', () => {
  const failureOf = async (client: ClientSocket) => {
    type Failure = Error & { data?: unknown; description?: { message?: string } };
    const [error] = await nextCall<[Failure]>('connect_error', (call) =>
      client.once('connect_error', call as never),
    );
    return error;
  };

  it('nobody listens', async () => {
    const port = stage.port;
    await stage.io.close();
    stage.port = port;
    const error = await failureOf(stage.client());
    expect(error.message).toBe('websocket error');
    expect(error.description?.message).toContain('ECONNREFUSED');
  });

  it('the server refuses the request', async () => {
    const strict = await new Stage({
      allowRequest: (_request, decide) => decide('not today', false),
    }).start();
    try {
      const error = await failureOf(strict.client());
      expect(error.message).toBe('websocket error');
      expect(error.description?.message).toBe('Unexpected server response: 400');
    } finally {
      await strict.close();
    }
  });

  it('the path is not the one of socket.io', async () => {
    const error = await failureOf(stage.client({ path: '/elsewhere/' }));
    expect(error.message).toBe('websocket error');
  });

  it('a middleware refuses the client, and says why', async () => {
    stage.io.use((socket, next) => {
      if (socket.handshake.auth.token === 'sesame') return next();
      next(Object.assign(new Error('unauthorised'), { data: { retry: false } }));
    });
    const error = await failureOf(stage.client({ auth: { token: 'x' } }));
    expect([error.message, error.data]).toEqual(['unauthorised', { retry: false }]);
    const [client] = await stage.pair({ auth: { token: 'sesame' } });
    expect(client.connected).toBe(true);
  });

  it('the namespace is unknown', async () => {
    expect((await failureOf(stage.client({}, '/nowhere'))).message).toBe('Invalid namespace');
  });

  it('the client leaves while it is connecting', async () => {
    const client = stage.client();
    await waitFor('a WebSocket', () => client.io.engine?.transport);
    const below = webSocketOf(client);
    expect(below.readyState).toBe(0);
    const closed = nextCall('close', (call) => below.once('close', call));
    client.disconnect();
    expect((await closed)[0]).toBe(1006);
    const [next] = await stage.pair();
    expect(next.connected).toBe(true);
  });
});
