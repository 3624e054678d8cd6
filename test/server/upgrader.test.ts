// Upgrader: what the application may decide about a handshake, and what happens when it breaks its word.
// On the wire, alike for the server's own listener and for node:http.

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it, vi } from 'vitest';
import { HandshakeError, type VerifyCallback, type WebSocket } from '../../src/index.ts';
import { acceptFor, decodeClose, headerOf } from '../support/wire.ts';
import {
  accepted,
  catchUncaught,
  connect,
  delay,
  HOSTS,
  KEY,
  onEnd,
  openRaw,
  openServer,
  refused,
  requestText,
} from './stage.ts';

const protocols = (value: string) => ({ fields: { 'Sec-WebSocket-Protocol': value } });
const protocolOf = (head: string) => headerOf(head, 'sec-websocket-protocol');

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
    await vi.waitFor(() => expect(uncaught).toMatchObject([{ message: 'theirs' }]), 10_000);
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
    await vi.waitFor(() => expect(decide).toBeDefined(), 10_000);
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
