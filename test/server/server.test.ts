// WebSocketServer: where its sockets come from, which ones it counts, and how it ends. On the wire, alike
// for its own listener and for node:http.

import { once } from 'node:events';
import { request as httpRequest, IncomingMessage } from 'node:http';
import { type AddressInfo, connect as netConnect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import {
  type ServerOptions,
  type VerifyCallback,
  WebSocket,
  WebSocketServer,
} from '../../src/index.ts';
import { acceptFor, decodeClose, encodeFrame, type RawClient } from '../support/wire.ts';
import {
  accepted,
  connect,
  delay,
  HOSTS,
  KEY,
  openHttp,
  openRaw,
  openServer,
  readRefusal,
  refused,
  requestText,
} from './stage.ts';

describe('the constructor', () => {
  const MESSAGE =
    'One and only one of the "port", "server", or "noServer" options must be specified';

  it('wants one and only one of port, server and noServer', async () => {
    const { http } = await openHttp();
    const wrong: unknown[] = [
      undefined,
      {},
      { port: null, server: null, noServer: false },
      { port: 0, noServer: true },
      { server: http, noServer: true },
      { port: 0, server: http },
    ];
    for (const options of wrong) {
      expect(() => new WebSocketServer(options as ServerOptions)).toThrow(new TypeError(MESSAGE));
    }
    expect(http.listenerCount('upgrade')).toBe(0);
  });

  it('calls back when it listens', async () => {
    const called = vi.fn();
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', backlog: 5 }, called);
    await once(server, 'listening');
    expect(called).toHaveBeenCalledOnce();
    expect(server.address()).toMatchObject({ address: '127.0.0.1', family: 'IPv4' });
    await server.shutdown();
    expect(server.address()).toBe(null);
  });

  it('tells with `error` that the port is taken', async () => {
    const { port } = await openServer();
    const second = new WebSocketServer({ port, host: '127.0.0.1' });
    const [error] = await once(second, 'error');
    expect(error).toMatchObject({ code: 'EADDRINUSE' });
    expect(second.address()).toBe(null);
    second.close();
    await once(second, 'close');
  });

  it('passes on `listening` and `error` of an HTTP server, and its address', async () => {
    const { http, port } = await openHttp();
    const server = new WebSocketServer({ server: http });
    expect((server.address() as AddressInfo).port).toBe(port);
    const listening = once(server, 'listening');
    http.emit('listening');
    await listening;
    const failing = once(server, 'error').catch((error) => [error]);
    http.emit('error', new Error('theirs'));
    expect((await failing)[0]).toMatchObject({ message: 'theirs' });
    expect(() => new WebSocketServer({ noServer: true }).address()).toThrow(
      'The server is operating in "noServer" mode',
    );
  });
});

describe.each(HOSTS)('clients, with %s', (host) => {
  it('are those that are open', async () => {
    const { server, port } = await openServer(host);
    const clients: RawClient[] = [await connect(port), await connect(port)];
    await expect.poll(() => server.clients.size).toBe(2);
    for (const ws of server.clients) {
      expect(ws).toBeInstanceOf(WebSocket);
      expect(ws.url).toBe(undefined);
    }
    clients[0].destroy();
    await expect.poll(() => server.clients.size).toBe(1);
  });

  it('are not kept without clientTracking; shutdown() then says so', async () => {
    const { server, port } = await openServer(host, { clientTracking: false });
    await connect(port);
    expect(server.clients).toBe(undefined);
    await expect(server.shutdown()).rejects.toThrow(TypeError);
    const closed = once(server, 'close');
    server.close();
    // With its own listener, close waits for the connections even so.
    if (host === 'node:http') await closed;
  });

  it('are of the class that is asked for', async () => {
    class Member extends WebSocket {
      readonly name = 'member';
    }
    const { server, port } = await openServer<Member>(host, {
      WebSocket: Member,
      maxPayload: 10,
    });
    const connection = once(server, 'connection');
    const client = await connect(port);
    const [member] = await connection;
    expect(member).toBeInstanceOf(Member);
    expect(member.name).toBe('member');
    // The server's options are those of its sockets.
    await client.sendFrame({ opcode: 2, payload: Buffer.alloc(11) });
    expect(decodeClose((await client.nextFrame()).payload).code).toBe(1009);
  });
});

describe('noServer', () => {
  async function openNoServer(options: ServerOptions = {}) {
    const { http, port } = await openHttp();
    const server = new WebSocketServer({ ...options, noServer: true });
    http.on('upgrade', (request, socket, head) => {
      server.handleUpgrade(request, socket, head, (ws) => server.emit('connection', ws, request));
    });
    return { http, server, port };
  }

  it('has no Origin policy unless `origins` are given', async () => {
    const open = await openNoServer();
    await accepted(open.port, { fields: { Origin: 'http://evil.example' } });
    const listed = await openNoServer({ origins: 'http://a' });
    const { status } = await refused(listed.port, { fields: { Origin: 'http://evil.example' } });
    expect(status).toBe(403);
  });

  it('[6455-4.2.2-g] still goes by its path', async () => {
    const { port } = await openNoServer({ path: '/a' });
    expect((await refused(port, {})).status).toBe(400);
    await accepted(port, { line: 'GET /a HTTP/1.1' });
  });

  it('throws for a socket that has been upgraded, and writes nothing to it', async () => {
    const { http, port } = await openHttp();
    const server = new WebSocketServer({ noServer: true });
    const other = new WebSocketServer({ noServer: true, path: '/other' });
    const errors: unknown[] = [];
    http.on('upgrade', (request, socket, head) => {
      server.handleUpgrade(request, socket, head, () => {});
      for (const again of [server, other]) {
        try {
          again.handleUpgrade(request, socket, head, () => {});
        } catch (error) {
          errors.push(error);
        }
      }
    });
    const client = await connect(port);
    await client.sendFrame({ opcode: 9, payload: 'x' });
    await client.nextFrame();
    expect(client.received.toString('latin1')).toBe('\x8a\x01x');
    const message = expect.stringContaining('more than once with the same socket');
    expect(errors).toMatchObject([{ message }, { message }]);
  });

  it('[6455-4.2.2-u] answers 503 once it is closed', async () => {
    const { server, port } = await openNoServer();
    server.close();
    await once(server, 'close');
    expect((await refused(port, {})).status).toBe(503);
  });

  it('[6455-4.2-a] takes a request made by hand, on any Duplex', async () => {
    const written: Buffer[] = [];
    const near = new Duplex({
      read() {},
      write(chunk, _, done) {
        written.push(chunk);
        done();
      },
    });
    // As frameworks inject it: no rawHeaders, no socket, the version a number.
    const request = {
      method: 'GET',
      url: '/',
      headers: {
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': 13,
        'sec-websocket-key': KEY,
      },
    };
    const server = new WebSocketServer({ noServer: true });
    const early = encodeFrame({ opcode: 1, payload: 'early', mask: Buffer.alloc(4) });
    const message = new Promise((resolve) => {
      server.handleUpgrade(request as unknown as IncomingMessage, near, early, (ws, given) => {
        expect(given).toBe(request);
        ws.once('message', (data) => {
          ws.send('late');
          resolve(String(data));
        });
      });
    });
    expect(await message).toBe('early');
    await vi.waitFor(() => expect(Buffer.concat(written).toString()).toContain('late'), 10_000);
    expect(Buffer.concat(written).toString()).toContain(acceptFor(KEY));
    near.destroy();
    await expect.poll(() => server.clients.size).toBe(0);
  });

  it('computes the accept value by itself, wherever the request came from', async () => {
    const { port } = await openNoServer();
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': KEY,
      },
    }).end();
    const [response, socket] = (await once(request, 'upgrade')) as [IncomingMessage, Socket];
    expect(response).toBeInstanceOf(IncomingMessage);
    expect(response.headers['sec-websocket-accept']).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    socket.destroy();
  });
});

describe('close()', () => {
  it.each(HOSTS)(
    'calls every callback back, the ones after the end with an error, with %s',
    async (host) => {
      const { server } = await openServer(host);
      const calls: (string | undefined)[] = [];
      server.close((error) => calls.push(error?.message));
      server.close((error) => calls.push(error?.message));
      await once(server, 'close');
      expect(calls).toEqual([undefined, undefined]);
      await new Promise<void>((resolve) => {
        server.close((error) => {
          calls.push(error?.message);
          resolve();
        });
      });
      expect(calls[2]).toBe('The server is not running');
    },
  );

  it.each(HOSTS)('leaves open connections alone and waits for them, with %s', async (host) => {
    const { server, port } = await openServer(host);
    const client = await connect(port);
    let closed = false;
    server.close(() => {
      closed = true;
    });
    await client.sendFrame({ opcode: 9 });
    expect((await client.nextFrame()).opcode).toBe(10);
    await delay(20);
    expect(closed).toBe(false);
    client.destroy();
    await vi.waitFor(() => expect(closed).toBe(true), 10_000);
  });
});

describe('shutdown()', () => {
  it.each(HOSTS)(
    '[6455-7.1.1-c] says 1001 to everybody, closes TCP first and resolves when all are gone, with %s',
    async (host) => {
      const { server, port } = await openServer(host);
      const clients = [await connect(port), await connect(port)];
      await expect.poll(() => server.clients.size).toBe(2);
      let done = false;
      const shutdown = server.shutdown({ reason: 'bye' }).then(() => {
        done = true;
      });
      for (const client of clients) {
        const { opcode, payload } = await client.nextFrame();
        expect([opcode, decodeClose(payload)]).toEqual([
          8,
          { code: 1001, reason: Buffer.from('bye') },
        ]);
        await delay(10);
        expect(done).toBe(false);
        await client.sendFrame({ opcode: 8, payload });
        // The client has not ended its own direction.
        expect(await client.ended).toBe('fin');
        client.end();
      }
      await shutdown;
      expect(server.clients.size).toBe(0);
    },
  );

  it.each(HOSTS)('drops, after the timeout, those that do not answer, with %s', async (host) => {
    const { server, port } = await openServer(host);
    const client = await connect(port);
    await expect.poll(() => server.clients.size).toBe(1);
    const started = Date.now();
    await server.shutdown({ code: 4000, timeout: 100 });
    expect(Date.now() - started).toBeGreaterThanOrEqual(95);
    expect(decodeClose((await client.nextFrame()).payload).code).toBe(4000);
    await client.until(() => client.finished !== undefined);
  });

  it('drops, after the timeout, requests on which verifyClient never decides', async () => {
    let asked = false;
    const { server, port } = await openServer('port', {
      verifyClient: () => {
        asked = true;
        return new Promise<boolean>(() => {});
      },
    });
    const client = await openRaw(port);
    await client.send(requestText());
    await vi.waitFor(() => expect(asked).toBe(true), 10_000);
    await server.shutdown({ timeout: 50 });
    await client.until(() => client.finished !== undefined);
    expect(client.recorded.length).toBe(0);
  });

  it('frees the port, also by `await using`, and may be repeated', async () => {
    let port = 0;
    {
      await using server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
      await once(server, 'listening');
      port = (server.address() as AddressInfo).port;
      await server.shutdown();
      await server.shutdown();
    }
    await using again = new WebSocketServer({ port, host: '127.0.0.1' });
    await once(again, 'listening');
    await accepted(port);
    await again.shutdown();
    const [error] = await once(netConnect(port, '127.0.0.1'), 'error');
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('rejects what no Close may say, and keeps the connections', async () => {
    const { server, port } = await openServer();
    await connect(port);
    await expect.poll(() => server.clients.size).toBe(1);
    await expect(server.shutdown({ code: 1005 })).rejects.toThrow(TypeError);
    await expect(server.shutdown({ reason: 'x'.repeat(124) })).rejects.toThrow(RangeError);
    expect([...server.clients][0].readyState).toBe(WebSocket.OPEN);
    expect(server.listenerCount('close')).toBe(0);
  });

  it('refuses with 503 whoever is decided on meanwhile', async () => {
    let decide: VerifyCallback | undefined;
    const { server, port } = await openServer('port', {
      verifyClient: (_: unknown, callback: VerifyCallback) => {
        decide = callback;
      },
    });
    const client = await openRaw(port);
    await client.send(requestText());
    await vi.waitFor(() => expect(decide).toBeDefined(), 10_000);
    const shutdown = server.shutdown();
    decide?.(true);
    expect((await readRefusal(client)).status).toBe(503);
    client.end();
    await shutdown;
  });
});
