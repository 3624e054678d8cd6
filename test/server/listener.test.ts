// The raw listener on the wire: bytes cut and glued in every way, limits of size and time, requests
// that ask for no upgrade, TLS, and peers that leave; plus what of it node:http must do alike.

import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type * as net from 'node:net';
import * as tls from 'node:tls';
import fc from 'fast-check';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { type ClientInfo, WebSocket, WebSocketServer } from '../../src/index.ts';
import { Certificate } from '../peers/certificate.ts';
import { encodeFrame, headerOf, RawClient } from '../support/wire.ts';
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
  type RequestSpec,
  readRefusal,
  refused,
  requestText,
} from './stage.ts';

const MASK = Buffer.from('37fa213d', 'hex');
const text = (payload: string): Buffer => encodeFrame({ opcode: 1, payload, mask: MASK });
const echo = (ws: WebSocket): void => {
  ws.on('message', (data, isBinary) => ws.send(data as Buffer, { binary: isBinary }));
};

describe.each(HOSTS)('bytes, with %s', (host) => {
  it('may come one at a time', async () => {
    const { server, port } = await openServer(host);
    server.on('connection', echo);
    const client = await openRaw(port);
    await client.send(Buffer.concat([Buffer.from(requestText()), text('Hello')]), { chop: 1 });
    await client.readHead();
    expect((await client.nextFrame()).payload.toString()).toBe('Hello');
  });

  it('[node-upgrade-b] may be cut anywhere in the request and in the frames glued to it', async () => {
    const { server, port } = await openServer(host);
    server.on('connection', echo);
    const whole = Buffer.concat([Buffer.from(requestText()), text('one'), text('two')]);
    const tail = text('one').length * 2;
    const inRequest = fc.integer({ min: 1, max: whole.length - 1 });
    const inFrames = fc.integer({ min: whole.length - tail - 4, max: whole.length - 1 });
    await fc.assert(
      fc.asyncProperty(fc.oneof(inRequest, inFrames), async (cut) => {
        const client = await openRaw(port);
        await client.send(whole.subarray(0, cut));
        await delay(1);
        await client.send(whole.subarray(cut));
        await client.readHead();
        expect((await client.nextFrame()).payload.toString()).toBe('one');
        expect((await client.nextFrame()).payload.toString()).toBe('two');
        client.destroy();
      }),
      { numRuns: 60 },
    );
  });

  it('[node-upgrade-b] glued to the request wait for an asynchronous verdict, unparsed', async () => {
    let decide: ((verdict: boolean) => void) | undefined;
    const { server, port } = await openServer(host, {
      verifyClient: () =>
        new Promise<boolean>((resolve) => {
          decide = resolve;
        }),
    });
    const messages: string[] = [];
    server.on('connection', (ws) => ws.on('message', (data) => messages.push(String(data))));
    // The last one breaks §5.1: were it parsed early, a Close would come before the 101.
    const unmasked = encodeFrame({ opcode: 1, payload: 'bad' });
    const early = Buffer.concat([text('a'), text('b')]);
    const client = await openRaw(port);
    await client.send(Buffer.concat([Buffer.from(requestText()), early]));
    await vi.waitFor(() => expect(decide).toBeDefined(), 10_000);
    await client.send(Buffer.concat([text('c'), unmasked]));
    await delay(10);
    expect(client.recorded.length).toBe(0);
    decide?.(true);
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 101 /);
    const close = await client.nextFrame();
    expect([close.opcode, close.payload.readUInt16BE(0)]).toEqual([8, 1002]);
    expect(messages).toEqual(['a', 'b', 'c']);
  });

  it('[node-upgrade-b] glued to a request that is refused are thrown away', async () => {
    const { server, port } = await openServer(host, { verifyClient: () => false });
    server.on('connection', () => expect.fail('a connection'));
    const client = await openRaw(port);
    await client.send(Buffer.concat([Buffer.from(requestText()), text('a'), Buffer.alloc(70_000)]));
    expect((await readRefusal(client)).status).toBe(401);
  });

  it('keeps messages for a listener that comes after an await', async () => {
    const { server, port } = await openServer(host);
    const messages: string[] = [];
    let listen: (() => void) | undefined;
    server.on('connection', async (ws) => {
      await new Promise<void>((resolve) => {
        listen = resolve;
      });
      ws.on('message', (data) => messages.push(String(data)));
    });
    const client = await connect(port, { early: Buffer.concat([text('a'), text('b')]) });
    await client.sendFrame({ opcode: 1, payload: 'c' });
    await delay(10);
    expect(messages).toEqual([]);
    listen?.();
    await expect.poll(() => messages).toEqual(['a', 'b', 'c']);
  });

  it('[6455-4.2.2-s] the server may send at once, behind its 101', async () => {
    const { server, port } = await openServer(host);
    server.on('connection', (ws) => {
      expect(ws.readyState).toBe(1);
      ws.send('first');
    });
    const client = await openRaw(port);
    await client.send(requestText());
    await client.readHead();
    expect((await client.nextFrame()).payload.toString()).toBe('first');
  });
});

describe('limits', () => {
  it('[node-upgrade-c] a head above maxHeaderSize gets 431, whole or in pieces', async () => {
    const { port } = await openServer('port', { maxHeaderSize: 1000 });
    const big = requestText({ fields: { 'X-Big': 'x'.repeat(1000) } });
    expect((await refused(port, big)).status).toBe(431);
    const client = await openRaw(port);
    await client.send(big, { chop: 50 });
    expect((await readRefusal(client)).status).toBe(431);
    const fits = requestText();
    await accepted(port, { fields: { 'X-Big': 'x'.repeat(1000 - fits.length - 9) } });
    expect(
      (await refused(port, { fields: { 'X-Big': 'x'.repeat(1000 - fits.length - 8) } })).status,
    ).toBe(431);
  });

  it('[node-upgrade-c] without the option a head may have 16 KiB and 100 fields', async () => {
    const { port } = await openServer();
    await accepted(port, { fields: { 'X-Big': 'x'.repeat(16_000) } });
    expect((await refused(port, { fields: { 'X-Big': 'x'.repeat(16_384) } })).status).toBe(431);
    expect((await refused(port, { fields: { X: Array(96).fill('') } })).status).toBe(431);
    await accepted(port, { fields: { X: Array(95).fill('') } });
  });

  it('[node-upgrade-c] [6455-10.7-d] a peer that is slow with its request gets 408, even one that keeps on', async () => {
    const { port } = await openServer('port', { handshakeTimeout: 150 });
    const started = Date.now();
    const silent = await openRaw(port);
    const dripping = await openRaw(port);
    const half = requestText().slice(0, 100);
    const drip = dripping.send(half, { chop: 1 }).then(async () => {
      while (dripping.finished === undefined) {
        await dripping.send('x');
        await delay(20);
      }
    });
    for (const client of [silent, dripping]) {
      expect((await readRefusal(client)).status).toBe(408);
    }
    expect(Date.now() - started).toBeGreaterThanOrEqual(145);
    await drip;
    // A request that came in time is under no timeout any more.
    const client = await connect(port);
    await delay(250);
    await client.sendFrame({ opcode: 9 });
    expect((await client.nextFrame()).opcode).toBe(10);
  });

  it('of time does not count while verifyClient decides', async () => {
    const { port } = await openServer('port', {
      handshakeTimeout: 400,
      verifyClient: () => delay(600).then(() => true),
    });
    await accepted(port);
  });
});

describe('garbage', () => {
  it.each([
    ['control characters', '\0\0\0\0\r\n\r\n', 400],
    ['a TLS ClientHello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['a bare line feed', 'GET / HTTP/1.1\nHost: a\n\n', 400],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
    ['HTTP/0.9', 'GET /\r\n\r\n', 400],
    ['a folded field', requestText({ fields: { A: 'b\r\n c' } }), 400],
    ['space before a colon', requestText({ fields: { 'A ': 'b' } }), 400],
    ['a frame', '\x81\x00\r\n', 400],
    ['a bad target', 'GET /\xff HTTP/1.1\r\n\r\n', 400],
  ])('%s is answered', async (_, bytes, status) => {
    const { port } = await openServer();
    expect((await refused(port, bytes)).status).toBe(status);
  });

  it('of any kind ends in an HTTP answer or in waiting, never in a 101 or a frame (property 39)', async () => {
    const { server, port } = await openServer('port', { handshakeTimeout: 60 });
    server.on('connection', () => expect.fail('a connection'));
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 80 }),
      fc.string({ minLength: 1 }).map((line) => Buffer.from(`GET /${line} HTTP/1.1\r\n\r\n`)),
    );
    const property = fc.asyncProperty(bytes, async (chunk) => {
      const client = await openRaw(port);
      await client.send(Buffer.from(chunk));
      expect((await readRefusal(client)).status).toBeGreaterThanOrEqual(400);
      client.destroy();
    });
    await fc.assert(property, { numRuns: 20 });
  });

  it('behind a request counts as frames: a second request fails the connection', async () => {
    const { port } = await openServer();
    const client = await openRaw(port);
    await client.send(requestText() + requestText());
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 101 /);
    const close = await client.nextFrame();
    expect([close.opcode, close.payload.readUInt16BE(0)]).toEqual([8, 1002]);
    expect(client.recorded.toString('latin1').match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  it('behind a plain request is not answered either', async () => {
    const { port } = await openServer();
    const plain = requestText({ fields: { Upgrade: null } });
    const client = await openRaw(port);
    await client.send(plain + requestText());
    expect((await readRefusal(client)).status).toBe(426);
  });
});

describe('a request that asks for no upgrade', () => {
  const PLAIN: RequestSpec[] = [
    { fields: { Upgrade: null, Connection: null } },
    { fields: { Connection: null } },
    { fields: { Connection: 'keep-alive' } },
    { fields: { Upgrade: null } },
    { line: 'POST /x HTTP/1.1', fields: { Upgrade: null, 'Content-Length': '3' }, body: 'abc' },
  ];

  it('[9110-15.5.22-a] [6455-4.2.2-u] [6455-4.2.2-f] gets 426', async () => {
    const { port } = await openServer();
    for (const spec of PLAIN) {
      const { status, head } = await refused(port, spec);
      expect(status).toBe(426);
      expect(headerOf(head, 'upgrade')).toBe('websocket');
      expect(headerOf(head, 'connection')).toBe('Upgrade, close');
      expect(headerOf(head, 'sec-websocket-version')).toBe('13');
    }
  });

  it('[node-upgrade-a] reaches a `request` listener instead, with its body', async () => {
    const { server, port } = await openServer('port', { maxHeaderSize: 40_000 });
    server.on('request', async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      response.end(`${request.method} ${request.url} ${body}`);
    });
    for (const spec of PLAIN) {
      const client = await openRaw(port);
      await client.send(requestText(spec), { chop: 40 });
      await client.readHead();
      const expected = spec.line === undefined ? 'GET / ' : 'POST /x abc';
      await client.until(() => client.received.toString() === expected);
    }
    const client = await openRaw(port);
    await client.send(
      requestText({
        line: 'PUT / HTTP/1.1',
        fields: {
          Upgrade: null,
          'X-Big': 'x'.repeat(30_000),
          'Transfer-Encoding': 'chunked',
        },
        body: '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
      }),
      { chop: 9_000 },
    );
    await client.readHead();
    await client.until(() => client.received.toString() === 'PUT / abcde');
  });

  it('[node-upgrade-a] leaves the connection to the next one, and that may upgrade', async () => {
    const { server, port } = await openServer();
    server.on('request', (_, response) => response.end('ok'));
    server.on('connection', echo);
    const client = await openRaw(port);
    const plain = requestText({ fields: { Upgrade: null, Connection: 'keep-alive' } });
    for (let i = 1; i <= 3; i++) {
      await client.send(plain);
      await client.until(() => client.recorded.toString().split('\r\nok').length === i + 1);
    }
    const before = client.recorded.length;
    await client.send(Buffer.concat([Buffer.from(requestText()), text('glued')]));
    await client.until(() => client.recorded.includes('glued'));
    const answer = client.recorded.toString('latin1', before);
    expect(answer).toMatch(/^HTTP\/1\.1 101 /);
    expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toBe('\x81\x05glued');
    expect(server.clients.size).toBe(1);
  });

  it('works with an ordinary HTTP client, many at once', async () => {
    const { server, port } = await openServer();
    server.on('request', (request, response) => request.pipe(response));
    const post = async (body: string): Promise<string> => {
      const request = httpRequest({ port, host: '127.0.0.1', method: 'POST' }).end(body);
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      let text = '';
      for await (const chunk of response) text += chunk;
      return text;
    };
    const bodies = ['', 'a', 'b'.repeat(300_000), 'c'.repeat(70_000)];
    expect(await Promise.all(bodies.map(post))).toEqual(bodies);
  });

  it('does not keep the server from closing, answered or not', async () => {
    const { server, port } = await openServer();
    server.on('request', (request, response) => {
      if (request.url === '/') response.end('ok');
    });
    const plain = { Upgrade: null, Connection: 'keep-alive' };
    const idle = await openRaw(port);
    await idle.send(requestText({ fields: plain }));
    await idle.until(() => idle.recorded.includes('ok'));
    const waiting = await openRaw(port);
    await waiting.send(requestText({ line: 'GET /never HTTP/1.1', fields: plain }));
    await delay(20);
    const started = Date.now();
    let over = false;
    const shutdown = server.shutdown({ timeout: 600 }).then(() => {
      over = true;
    });
    await idle.until(() => idle.finished !== undefined);
    expect(over).toBe(false);
    await shutdown;
    expect(Date.now() - started).toBeLessThan(5000);
    await waiting.until(() => waiting.finished !== undefined);
  });
});

describe.each(HOSTS)('[node-upgrade-a] plain HTTP, with %s', (host) => {
  it('is not taken for a handshake where Connection does not name Upgrade', async () => {
    const { server, port } = await openServer(host);
    server.on('request', (_, response) => response.end('plain'));
    server.on('connection', () => expect.fail('a connection'));
    const client = await openRaw(port);
    await client.send(requestText({ fields: { Connection: 'close' } }));
    await client.until(() => client.finished !== undefined);
    expect(client.recorded.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*plain/);
  });
});

describe('the request object', () => {
  it('is an IncomingMessage that has no body', async () => {
    const { server, port } = await openServer();
    const connection = once(server, 'connection');
    await accepted(port, {
      line: 'GET /a?b HTTP/1.1',
      fields: { 'X-Two': ['1', '2'], Cookie: 'c' },
    });
    const request = (await connection)[1] as IncomingMessage;
    expect(request).toMatchObject({ method: 'GET', url: '/a?b', httpVersion: '1.1' });
    expect([request.httpVersionMajor, request.httpVersionMinor]).toEqual([1, 1]);
    expect(request.headers).toMatchObject({
      host: 'server.example.com',
      'sec-websocket-key': KEY,
      'x-two': '1, 2',
      cookie: 'c',
    });
    expect(request.rawHeaders.slice(0, 2)).toEqual(['Host', 'server.example.com']);
    expect(request.rawHeaders.filter((name) => name === 'X-Two')).toHaveLength(2);
    expect(request.socket.remoteAddress).toBe('127.0.0.1');
    expect(request.connection).toBe(request.socket);
    expect(request.complete).toBe(true);
    for await (const chunk of request) expect.fail(`a body: ${chunk}`);
  });
});

describe('peers that leave', () => {
  const STAGES: Record<string, string> = {
    'before a byte': '',
    'in the request line': 'GET /',
    'in a field': requestText().slice(0, 60),
    'before the blank line': requestText().slice(0, -2),
    'behind the request': requestText(),
    'behind a refused request': requestText({ line: 'POST / HTTP/1.1' }),
    'in a frame': `${requestText()}\x81\x85`,
  };

  it.each(HOSTS)(
    '[6455-7.2.2-a] by FIN or reset at any stage are just closed, with no listener anywhere, with %s',
    async (host) => {
      const errors = catchUncaught();
      for (const verifyClient of [null, () => delay(15).then(() => true)]) {
        const { server, port } = await openServer(host, { verifyClient, closeTimeout: 50 });
        for (const bytes of Object.values(STAGES)) {
          for (const leave of ['resetAndDestroy', 'destroy', 'end'] as const) {
            for (const wait of [0, 5]) {
              const client = await openRaw(port);
              await client.send(bytes);
              if (wait > 0) await delay(wait);
              client.socket[leave]();
            }
          }
        }
        await expect.poll(() => server.clients.size, { timeout: 10_000 }).toBe(0);
        await accepted(port);
      }
      expect(errors).toEqual([]);
    },
  );

  it('[6455-7.2.2-a] in the middle of a request get no byte', async () => {
    const { port } = await openServer();
    for (const bytes of ['', 'GET /', requestText().slice(0, -2)]) {
      const client = await openRaw(port);
      await client.send(bytes);
      client.end();
      await client.closed;
      expect(client.recorded.length).toBe(0);
    }
  });

  it('do not hold up close(), whatever they have sent', async () => {
    const { server, port } = await openServer();
    const clients = [await openRaw(port), await openRaw(port)];
    await clients[1].send('GET / HT');
    await delay(20);
    server.close();
    await once(server, 'close');
    for (const client of clients) await client.until(() => client.finished !== undefined);
  });
});

describe('TLS', () => {
  const certificate = new Certificate('openssl');
  const { key, cert } = certificate;
  afterAll(() => certificate.remove());

  const connectTls = async (port: number): Promise<RawClient> => {
    const socket = tls.connect({ port, host: '127.0.0.1', ca: cert });
    const client = new RawClient(socket as net.Socket);
    onEnd(() => client.destroy());
    await once(socket, 'secureConnect');
    return client;
  };

  it('[6455-4.2.2-b] carries the handshake and all that follows', async () => {
    const { server, port } = await openServer('port', {
      tls: { key, cert },
      verifyClient: ({ secure }: ClientInfo) => secure,
    });
    server.on('connection', echo);
    server.on('request', (request, response) => {
      response.end(String('encrypted' in request.socket));
    });
    const client = await connectTls(port);
    await client.send(Buffer.concat([Buffer.from(requestText()), text('Hello')]), { chop: 50 });
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 101 /);
    expect((await client.nextFrame()).payload.toString()).toBe('Hello');
    const plain = await connectTls(port);
    await plain.send(requestText({ fields: { Upgrade: null, Connection: 'close' } }));
    await plain.until(() => plain.finished !== undefined);
    expect(plain.recorded.toString()).toMatch(/^HTTP\/1\.1 200 [\s\S]*true$/);
  });

  it('refuses inside TLS as well', async () => {
    const { port } = await openServer('port', { tls: { key, cert } });
    const client = await connectTls(port);
    await client.send(requestText({ line: 'POST / HTTP/1.1' }));
    expect((await readRefusal(client)).status).toBe(405);
  });

  it('[6455-4.2.2-b] answers garbage and plain HTTP with no HTTP, and lives on', async () => {
    const errors = catchUncaught();
    const { port } = await openServer('port', { tls: { key, cert }, handshakeTimeout: 5000 });
    for (const bytes of [requestText(), '\0'.repeat(50), '\x16\x03\x01\xff\xff', '']) {
      const client = await openRaw(port);
      await client.send(bytes);
      if (bytes.length < 10) client.end();
      await client.until(() => client.finished !== undefined);
      expect(client.recorded.toString('latin1')).not.toContain('HTTP');
    }
    const client = await connectTls(port);
    await client.send(requestText());
    expect(await client.readHead()).toMatch(/^HTTP\/1\.1 101 /);
    expect(errors).toEqual([]);
  });

  it('[node-upgrade-c] a peer that does not finish the TLS handshake is dropped in time', async () => {
    const { port } = await openServer('port', { tls: { key, cert }, handshakeTimeout: 100 });
    const client = await openRaw(port);
    await client.until(() => client.finished !== undefined, 1500);
  });

  it('an open connection outlives close()', async () => {
    const { server, port } = await openServer('port', { tls: { key, cert } });
    const client = await connectTls(port);
    await client.send(requestText());
    await client.readHead();
    server.close();
    await client.sendFrame({ opcode: 9 });
    expect((await client.nextFrame()).opcode).toBe(10);
  });

  it('a peer in its TLS handshake does not hold up close()', async () => {
    const { server, port } = await openServer('port', { tls: { key, cert } });
    const client = await openRaw(port);
    await delay(20);
    server.close();
    await once(server, 'close');
    await client.until(() => client.finished !== undefined);
  });
});

describe('a socket that is handed on', () => {
  it('is paused where the application may decide later, so that no frame is lost', async () => {
    class Later extends WebSocketServer {
      override handleUpgrade(...args: Parameters<WebSocketServer['handleUpgrade']>): void {
        expect(args[1].isPaused()).toBe(true);
        setTimeout(() => super.handleUpgrade(...args), 30);
      }
    }
    const server = new Later({ host: '127.0.0.1', port: 0 });
    onEnd(() => server.shutdown({ timeout: 50 }));
    await once(server, 'listening');
    server.on('connection', echo);
    const client = await openRaw((server.address() as net.AddressInfo).port);
    await client.send(Buffer.from(requestText()));
    await delay(10);
    await client.send(text('early'));
    await client.readHead();
    expect((await client.nextFrame()).payload.toString()).toBe('early');
  });

  it('is paused when it is left without a reader, so that no frame is lost', async () => {
    class Late extends WebSocket {
      override setSocket(...args: Parameters<WebSocket['setSocket']>): void {
        setTimeout(() => super.setSocket(...args), 30);
      }
    }
    const { server, port } = await openServer('port', { WebSocket: Late });
    server.on('connection', echo);
    const client = await openRaw(port);
    await client.send(Buffer.from(requestText()));
    await client.readHead();
    await client.send(text('early'));
    expect((await client.nextFrame()).payload.toString()).toBe('early');
  });

  it('is paused for listeners of wsClientError', async () => {
    const { server, port } = await openServer();
    const paused = new Promise((resolve) => {
      server.on('wsClientError', (_, socket) => {
        resolve(socket.isPaused());
        socket.destroy();
      });
    });
    const client = await openRaw(port);
    await client.send(Buffer.from(requestText({ fields: { 'Sec-WebSocket-Version': '7' } })));
    expect(await paused).toBe(true);
  });

  it('has one listener for errors, before the verdict and after it', async () => {
    const counts: number[] = [];
    const { server, port } = await openServer('port', {
      verifyClient: ({ req }) => {
        counts.push(req.socket.listenerCount('error'));
        return true;
      },
    });
    server.on('connection', (_, req) => counts.push(req.socket.listenerCount('error')));
    await connect(port);
    // The WebSocket takes the first one's place only once it is open.
    expect(counts).toEqual([1, 1]);
  });

  it('comes with a request that has no body, whoever reads it', async () => {
    const { server, port } = await openServer();
    const read = new Promise<Buffer[]>((resolve) => {
      server.on('connection', async (ws, request) => {
        echo(ws);
        resolve(await request.toArray());
      });
    });
    const client = await openRaw(port);
    await client.send(Buffer.concat([Buffer.from(requestText()), text('frame')]));
    expect(await read).toEqual([]);
    await client.readHead();
    expect((await client.nextFrame()).payload.toString()).toBe('frame');
  });
});
