// WebSocketServer: what the application may decide about a handshake, what happens when it breaks its
// word, and how a server ends. On the wire, alike for its own listener and for node:http.

import { once } from 'node:events';
import { request as httpRequest, IncomingMessage } from 'node:http';
import { type AddressInfo, connect as netConnect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import {
  HandshakeError,
  type ServerOptions,
  type VerifyCallback,
  WebSocket,
  WebSocketServer,
} from '../../src/index.ts';
import { acceptFor, decodeClose, encodeFrame, headerOf, type RawClient } from '../support/wire.ts';
import {
  accepted,
  catchUncaught,
  connect,
  delay,
  HOSTS,
  KEY,
  onEnd,
  openHttp,
  openRaw,
  openServer,
  readRefusal,
  refused,
  requestText,
} from './stage.ts';

const protocols = (value: string) => ({ fields: { 'Sec-WebSocket-Protocol': value } });
const protocolOf = (head: string) => headerOf(head, 'sec-websocket-protocol');

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

describe.each(HOSTS)('verifyClient, with %s', (host) => {
  it('[6455-4.2.2-u] decides by its value: 401 if false', async () => {
    let verdict = true;
    const infos: unknown[] = [];
    const { port } = await openServer(host, {
      verifyClient: (info: {
        origin: string | undefined;
        secure: boolean;
        req: IncomingMessage;
      }) => {
        infos.push([info.origin, info.secure, info.req.url]);
        return verdict;
      },
    });
    await accepted(port, { line: 'GET /a HTTP/1.1', fields: { Origin: 'http://x' } });
    verdict = false;
    const { status, body } = await refused(port, {});
    expect([status, body]).toEqual([401, 'Unauthorized']);
    expect(infos).toEqual([
      ['http://x', false, '/a'],
      [undefined, false, '/'],
    ]);
  });

  it('[6455-4.2.2-c] [6455-4.2.2-d] calls back with status, body and fields', async () => {
    const verdicts: Parameters<VerifyCallback>[] = [
      [false, 401, 'who?', { 'WWW-Authenticate': 'Basic' }],
      [false, 302, '', { Location: '/there', 'Set-Cookie': ['a=1', 'b=2'] }],
      [false, 404],
      [false],
    ];
    const waiting = [...verdicts];
    const { port } = await openServer(host, {
      verifyClient: (_: unknown, callback: VerifyCallback) => {
        const verdict = waiting.shift() ?? [true];
        setTimeout(() => callback(...verdict), 5);
      },
    });
    const first = await refused(port, {});
    expect([first.status, first.body]).toEqual([401, 'who?']);
    expect(headerOf(first.head, 'www-authenticate')).toBe('Basic');
    const second = await refused(port, {});
    expect(second.status).toBe(302);
    expect(headerOf(second.head, 'location')).toBe('/there');
    expect(second.head).toContain('Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n');
    expect((await refused(port, {})).status).toBe(404);
    expect((await refused(port, {})).status).toBe(401);
    await accepted(port);
  });

  it('may return a promise: a rejection is 500, and an `error` or a warning', async () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    onEnd(() => warnings.mockRestore());
    const answers = [true, false, new Error('broken'), new Error('broken again')];
    const { server, port } = await openServer(host, {
      verifyClient: async () => {
        const answer = answers.shift();
        if (answer instanceof Error) throw answer;
        return answer === true;
      },
    });
    await accepted(port);
    expect((await refused(port, {})).status).toBe(401);
    expect((await refused(port, {})).status).toBe(500);
    expect(warnings).toHaveBeenCalledOnce();
    const errors: Error[] = [];
    server.on('error', (error) => errors.push(error));
    expect((await refused(port, {})).status).toBe(500);
    expect(errors.map(({ message }) => message)).toEqual(['broken again']);
    expect(warnings).toHaveBeenCalledOnce();
  });

  it('that throws, or refuses in a way that cannot be sent, gives 500 and an `error`', async () => {
    const uncaught = catchUncaught();
    const steps: ((callback: VerifyCallback) => void)[] = [
      () => {
        throw new Error('thrown');
      },
      (callback) => callback(false, 99),
      (callback) => callback(false, 302, '', { Location: '/\r\nSet-Cookie: a=b' }),
      (callback) => void setTimeout(callback, 1, false, 302, '', { 'Bad name': 'x' }),
    ];
    const count = steps.length;
    const { server, port } = await openServer(host, {
      verifyClient: (_: unknown, callback: VerifyCallback) => steps.shift()?.(callback),
    });
    const errors: Error[] = [];
    server.on('error', (error) => errors.push(error));
    for (let i = 0; i < count; i++) {
      const { status, head } = await refused(port, {});
      expect(status).toBe(500);
      expect(head).not.toContain('Set-Cookie');
    }
    expect(errors.map(({ name }) => name)).toEqual([
      'Error',
      'RangeError',
      'TypeError',
      'TypeError',
    ]);
    expect(uncaught).toEqual([]);
  });

  it('[6455-4.2.2-u] counts once: a second verdict writes nothing among the frames', async () => {
    const { server, port } = await openServer(host, {
      verifyClient: (_: unknown, callback: VerifyCallback) => {
        callback(true);
        callback(false, 403);
        callback(true);
      },
    });
    let connections = 0;
    server.on('connection', () => connections++);
    const client = await connect(port);
    await client.sendFrame({ opcode: 9, payload: 'x' });
    expect((await client.nextFrame()).opcode).toBe(10);
    expect(client.received.toString('latin1')).toBe('\x8a\x01x');
    expect(connections).toBe(1);
  });

  it('does not turn what a `connection` listener throws into an answer', async () => {
    const uncaught = catchUncaught();
    const { server, port } = await openServer(host, { verifyClient: () => true });
    server.once('connection', () => {
      throw new Error('theirs');
    });
    const client = await connect(port);
    await vi.waitFor(() => expect(uncaught).toMatchObject([{ message: 'theirs' }]));
    expect(client.received.length).toBe(0);
  });

  it('[6455-7.2.2-a] finds the client gone and opens nothing', async () => {
    let decide: VerifyCallback | undefined;
    const { server, port } = await openServer(host, {
      verifyClient: (_: unknown, callback: VerifyCallback) => {
        decide = callback;
      },
    });
    server.on('connection', () => expect.fail('a connection'));
    const client = await openRaw(port);
    await client.send(requestText());
    await vi.waitFor(() => expect(decide).toBeDefined());
    client.socket.resetAndDestroy();
    await delay(30);
    decide?.(true);
    await delay(10);
    expect(server.clients.size).toBe(0);
  });
});

describe.each(HOSTS)('subprotocols, with %s', (host) => {
  it('[6455-1.9-a] [6455-4.2.2-h] [6455-4.2.2-i] [6455-11.3.4-b] are the first of the client unless told', async () => {
    const { server, port } = await openServer(host);
    const chosen: string[] = [];
    server.on('connection', (ws) => chosen.push(ws.protocol));
    expect(protocolOf(await accepted(port, protocols('chat, superchat')))).toBe('chat');
    expect(protocolOf(await accepted(port, protocols('superchat,chat')))).toBe('superchat');
    const two = await accepted(port, { fields: { 'Sec-WebSocket-Protocol': ['b', 'a'] } });
    expect(two.match(/sec-websocket-protocol: b\r\n/gi)).toHaveLength(1);
    expect(protocolOf(await accepted(port))).toBe(undefined);
    expect(chosen).toEqual(['chat', 'superchat', 'b', '']);
  });

  it('[6455-1.9-a] [6455-4.2.2-h] [6455-4.2.2-i] are the choice of handleProtocols, which may be none', async () => {
    const { server, port } = await openServer(host);
    // Assigned later: read anew for every handshake.
    let choice: string | false | null | undefined = 'b';
    const offers: string[][] = [];
    server.options.handleProtocols = (offered, request) => {
      expect(request.url).toBe('/');
      offers.push([...offered]);
      return choice;
    };
    expect(protocolOf(await accepted(port, protocols('a, b')))).toBe('b');
    for (const none of [false, null, undefined, ''] as const) {
      choice = none;
      expect(protocolOf(await accepted(port, protocols('a, b')))).toBe(undefined);
    }
    expect(offers).toEqual(Array(5).fill(['a', 'b']));
    // Nothing offered, nothing asked.
    choice = 'b';
    expect(protocolOf(await accepted(port))).toBe(undefined);
    expect(offers).toHaveLength(5);
  });

  it('[6455-4.2.2-h] [6455-4.2.2-u] that the client did not name end in 500', async () => {
    for (const choice of ['c', 'A', 'a, b', 'a\r\nX: y']) {
      const { port } = await openServer(host, { handleProtocols: () => choice });
      const { status, head } = await refused(port, protocols('a, b'));
      expect([choice, status]).toEqual([choice, 500]);
      expect(head).not.toContain('X: y');
    }
  });
});

describe.each(HOSTS)('extensions, with %s', (host) => {
  it('[6455-4.2.2-k] [6455-4.2.2-l] [6455-4.2.2-m] [6455-5.8-a] are declined by saying nothing, and then not used', async () => {
    const { server, port } = await openServer(host);
    const extensions: string[] = [];
    server.on('connection', (ws) => {
      extensions.push(ws.extensions);
      ws.send('x'.repeat(2000));
    });
    for (const offer of [
      'permessage-deflate',
      'permessage-deflate; client_max_window_bits, x-unknown; a="b"',
      'x-webkit-deflate-frame',
      null,
    ]) {
      const client = await openRaw(port);
      await client.send(requestText({ fields: { 'Sec-WebSocket-Extensions': offer } }));
      const head = await client.readHead();
      expect(head).toMatch(/^HTTP\/1\.1 101 /);
      expect(head.toLowerCase()).not.toContain('sec-websocket-extensions');
      const frame = await client.nextFrame();
      expect([frame.rsv, frame.payload.length]).toEqual([0, 2000]);
      // What was declined may not be used by the client either.
      await client.sendFrame({ opcode: 1, rsv: 4, payload: 'x' });
      const close = await client.nextFrame();
      expect([close.opcode, decodeClose(close.payload).code]).toEqual([8, 1002]);
    }
    expect(extensions).toEqual(['', '', '', '']);
  });

  it('[6455-7.4.1-h] that are malformed or missing never end in a Close with 1010', async () => {
    const { server, port } = await openServer(host);
    const fields = { 'Sec-WebSocket-Extensions': 'permessage-deflate; =' };
    expect((await refused(port, { fields })).status).toBe(400);
    const connection = once(server, 'connection');
    const client = await connect(port);
    const [ws] = (await connection) as [WebSocket];
    expect(ws.extensions).toBe('');
    ws.close(1000);
    expect(decodeClose((await client.nextFrame()).payload).code).toBe(1000);
  });
});

describe.each(HOSTS)('the 101, with %s', (host) => {
  it('[6455-4.2.2-n] [6455-4.2.2-o] [6455-4.2.2-p] [9110-15.2-a] [6455-11.3.3-a] is what §4.2.2 says, and no more', async () => {
    const { port } = await openServer(host);
    expect(await accepted(port)).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${acceptFor(KEY)}\r\n\r\n`,
    );
  });

  it('can be given more lines in `headers`', async () => {
    const { server, port } = await openServer(host);
    server.on('headers', (lines, request) => {
      lines.push(`X-Path: ${request.url}`, 'Set-Cookie: a=1', 'Set-Cookie: b=2');
    });
    const head = await accepted(port, { line: 'GET /p HTTP/1.1' });
    expect(head.endsWith('X-Path: /p\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n')).toBe(true);
  });

  it('[6455-4.2.2-t] with a line that would split it is 500, and the process goes on', async () => {
    const uncaught = catchUncaught();
    const { server, port } = await openServer(host, { verifyClient: async () => true });
    const errors: Error[] = [];
    server.on('error', (error) => errors.push(error));
    server.on('connection', () => expect.fail('a connection'));
    const bad = [
      'X: a\r\nSet-Cookie: b',
      'X: a\nb',
      'no colon',
      'Sec-WebSocket-Accept: x',
      'Content-Length: 5',
      'X: \u20ac',
    ];
    for (const line of bad) {
      server.once('headers', (lines) => void lines.push(line));
      const { status, head } = await refused(port, {});
      expect([line, status]).toEqual([line, 500]);
      expect(head).not.toContain('Set-Cookie');
    }
    expect(errors.map(({ name }) => name)).toEqual(bad.map(() => 'TypeError'));
    expect(uncaught).toEqual([]);
  });
});

describe.each(HOSTS)('wsClientError, with %s', (host) => {
  it('hands a faulty request over, once somebody listens', async () => {
    const { server, port } = await openServer(host);
    const seen: unknown[] = [];
    server.on('wsClientError', (error, socket, request) => {
      expect(error).toBeInstanceOf(HandshakeError);
      seen.push(error.message, request.url);
      socket.end('HTTP/1.1 418 Theirs\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    });
    const { status } = await refused(port, {
      line: 'GET /x HTTP/1.1',
      fields: { 'Sec-WebSocket-Key': 'short' },
    });
    expect(status).toBe(418);
    expect(seen).toEqual(['Missing or invalid Sec-WebSocket-Key header', '/x']);
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
    await vi.waitFor(() => expect(Buffer.concat(written).toString()).toContain('late'));
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
    await vi.waitFor(() => expect(closed).toBe(true));
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
    await vi.waitFor(() => expect(asked).toBe(true));
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
    expect([...server.clients][0].readyState).toBe(WebSocket.OPEN);
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
    await vi.waitFor(() => expect(decide).toBeDefined());
    const shutdown = server.shutdown();
    decide?.(true);
    expect((await readRefusal(client)).status).toBe(503);
    client.end();
    await shutdown;
  });
});
