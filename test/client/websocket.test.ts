import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ClientOptions, WebSocket, WebSocketServer } from '../../src/index.ts';
import { formatSwitching, headerOf, RawServer } from '../support/wire.ts';
import { linesOf, pause, Witness } from './witness.ts';

const raws: RawServer[] = [];
afterEach(async () => {
  for (const server of raws.splice(0)) await server.close();
});

async function listen(answer?: Parameters<typeof RawServer.listen>[0]): Promise<RawServer> {
  const server = await RawServer.listen(answer);
  raws.push(server);
  return server;
}

/** Code and reason of the close event; unlike `once` it adds no error listener. */
function closeOf(ws: WebSocket): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no close event')), 10_000);
    ws.on('close', (code, reason) => {
      clearTimeout(timer);
      resolve([code, String(reason)]);
    });
  });
}

describe('the arguments', () => {
  it.each([
    'no address',
    'ftp://127.0.0.1/',
    'ws://127.0.0.1/#fragment',
    'ws://127.0.0.1/#',
    'ws+unix:',
  ])('refuses the address %s', (address) => {
    expect(() => new WebSocket(address)).toThrow(SyntaxError);
  });

  it('refuses other protocol versions', () => {
    for (const protocolVersion of [8, 0, 14, '13' as unknown as number]) {
      expect(() => new WebSocket('ws://127.0.0.1:1', { protocolVersion })).toThrow(RangeError);
    }
  });

  it('takes a URL object, and http and https addresses', async () => {
    const server = await listen();
    const ws = new WebSocket(new URL(`http://127.0.0.1:${server.port}/a?b`));
    expect(ws.url).toBe(`ws://127.0.0.1:${server.port}/a?b`);
    expect(ws.origin).toBe(`ws://127.0.0.1:${server.port}`);
    await new Witness(ws).opened();
    const peer = await server.accept();
    expect(peer.head).toMatch(/^GET \/a\?b HTTP\/1\.1\r\n/);
    ws.terminate();
    const secure = new WebSocket('https://127.0.0.1:1/');
    expect(secure.url).toBe('wss://127.0.0.1:1/');
    await new Witness(secure).closed();
  });

  it('[wh-3.1-e] takes one subprotocol as a string', async () => {
    const server = await listen(({ key }) =>
      formatSwitching(key, ['Sec-WebSocket-Protocol: chat']),
    );
    const ways: (() => WebSocket)[] = [
      () => new WebSocket(server.url, 'chat'),
      () => new WebSocket(server.url, ['chat']),
      () => new WebSocket(server.url, { protocols: 'chat' }),
      () => new WebSocket(server.url, undefined, { protocols: ['chat'] }),
      () => new WebSocket(server.url, 'chat', { protocols: ['other'] }),
    ];
    for (const connect of ways) {
      const ws = connect();
      await new Witness(ws).opened();
      const { head } = await server.accept();
      expect(linesOf(head, 'sec-websocket-protocol')).toEqual(['chat']);
      expect(ws.protocol).toBe('chat');
      ws.terminate();
    }
  });

  it('[wh-2.2-c] asks for several in one line and in order, for none in no line', async () => {
    const server = await listen(({ key, head }) => {
      const asked = headerOf(head, 'sec-websocket-protocol');
      return formatSwitching(key, asked === undefined ? [] : ['Sec-WebSocket-Protocol: b']);
    });
    for (const list of [[], ['z', 'b', 'a']]) {
      const ws = new WebSocket(server.url, list);
      await new Witness(ws).opened();
      const lines = linesOf((await server.accept()).head, 'sec-websocket-protocol');
      expect(lines.map((line) => line.split(/, */))).toEqual(list.length > 0 ? [list] : []);
      ws.terminate();
    }
  });

  it.each([
    [''],
    ['a b'],
    ['a,b'],
    ['a\r\nb'],
    ['ä'],
    ['a', 'a'],
    ['a', ''],
    [1 as unknown as string],
  ])('[wh-3.1-f] refuses the subprotocols %j %j', (...protocols: string[]) => {
    expect(() => new WebSocket('ws://127.0.0.1:1', protocols)).toThrow(SyntaxError);
  });

  it('refuses null as a subprotocol, as ws does', () => {
    const none = null as unknown as undefined;
    const invalid = 'An invalid or duplicated subprotocol was specified';
    expect(() => new WebSocket('ws://127.0.0.1:1', none)).toThrow(invalid);
    expect(() => new WebSocket('ws://127.0.0.1:1', [none as unknown as string])).toThrow(invalid);
  });

  it('throws for header fields that cannot be sent, and leaves nothing behind', async () => {
    const server = await listen();
    for (const options of [
      { headers: { 'X-Bad': 'a\r\nInjected: b' } },
      { headers: { 'Bad Name': 'a' } },
      { origin: 'http://a\r\nInjected: b' },
    ]) {
      expect(() => new WebSocket(server.url, options)).toThrow(TypeError);
    }
    await expect(server.accept(50)).rejects.toThrow('no connection');
  });

  it('gives up the connection when finishRequest throws', async () => {
    const server = createServer();
    let requests = 0;
    server.on('upgrade', () => requests++);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const finishRequest = () => {
      throw new Error('mine');
    };
    expect(() => new WebSocket(`ws://127.0.0.1:${port}`, { finishRequest })).toThrow('mine');
    await pause(50);
    const count = await new Promise<number>((resolve) => {
      server.getConnections((_error, connections) => resolve(connections));
    });
    expect({ count, requests }).toEqual({ count: 0, requests: 0 });
    server.close();
  });
});

describe('the subprotocol', () => {
  const token = fc.string({
    unit: fc.constantFrom(..."abcXYZ019!#$%&'*+-.^_`|~"),
    minLength: 1,
    maxLength: 8,
  });

  it('[6455-4.2.2-h] [6455-4.1-bf] is one of both lists or none, with case (property 43)', async () => {
    let choice = '';
    const wss = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      handleProtocols: (asked: Set<string>) => (asked.has(choice) ? choice : false),
    });
    await once(wss, 'listening');
    const { port } = wss.address() as { port: number };
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(token, { minLength: 1, maxLength: 4 }),
          fc.oneof(token, fc.nat(3)),
          fc.boolean(),
          async (asked, offered, flip) => {
            const base =
              typeof offered === 'number' ? (asked[offered % asked.length] ?? '') : offered;
            choice = flip ? base.toUpperCase() : base;
            const ws = new WebSocket(`ws://127.0.0.1:${port}`, asked);
            const witness = new Witness(ws);
            ws.on('open', () => ws.terminate());
            await witness.closed();
            if (asked.includes(choice)) {
              expect(ws.protocol).toBe(choice);
              expect(witness.log).toEqual(['open', 'close 1006']);
            } else {
              expect(ws.protocol).toBe('');
              expect(witness.log).toEqual(['error Server sent no subprotocol', 'close 1006']);
            }
          },
        ),
        { numRuns: 60 },
      );
    } finally {
      wss.close();
    }
  });

  it('[6455-4.1-bf] [wh-2.2-i] fails for an answer not asked for (property 43)', async () => {
    let answer: string[] = [];
    const server = await listen(({ key }) => formatSwitching(key, answer));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(token, { maxLength: 3 }),
        fc.option(token, { nil: null }),
        async (asked, named) => {
          answer = named === null ? [] : [`Sec-WebSocket-Protocol: ${named}`];
          const ws = new WebSocket(server.url, asked);
          const witness = new Witness(ws);
          ws.on('open', () => ws.terminate());
          await witness.closed();
          const isGood = named === null ? asked.length === 0 : asked.includes(named);
          expect(witness.log.includes('open')).toBe(isGood);
          expect(ws.protocol).toBe(isGood ? (named ?? '') : '');
        },
      ),
      { numRuns: 60 },
    );
  });

  it('[wh-3.1-f] duplicates and what is no token are refused (property 43)', () => {
    fc.assert(
      fc.property(fc.array(token, { minLength: 1, maxLength: 4 }), fc.nat(), (list, at) => {
        const again = [...list, list[at % list.length] as string];
        expect(() => new WebSocket('ws://127.0.0.1:1', again)).toThrow(SyntaxError);
      }),
      { numRuns: 100 },
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 6 }), (text) => {
        fc.pre(!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text));
        expect(() => new WebSocket('ws://127.0.0.1:1', [text])).toThrow(SyntaxError);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the states', () => {
  it('[wh-3.1-i] are constants of the class and of its instances', async () => {
    const states = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 };
    for (const [name, value] of Object.entries(states)) {
      for (const target of [WebSocket, WebSocket.prototype]) {
        expect(Object.getOwnPropertyDescriptor(target, name)).toEqual({
          value,
          writable: false,
          enumerable: true,
          configurable: false,
        });
      }
    }
    const server = await listen();
    const ws = new WebSocket(server.url);
    const seen = [ws.readyState];
    ws.on('open', () => {
      seen.push(ws.readyState);
      ws.close();
      seen.push(ws.readyState);
    });
    ws.on('close', () => seen.push(ws.readyState));
    const peer = await server.accept();
    await peer.nextFrame();
    await peer.sendFrame({ opcode: 8 });
    peer.end();
    await new Witness(ws).closed();
    expect(seen).toEqual([ws.CONNECTING, ws.OPEN, ws.CLOSING, ws.CLOSED]);
  });

  it('[wh-3.1-g] connects after the constructor has returned, with no event in the same task', async () => {
    const server = await listen();
    const cases: [string, ClientOptions][] = [
      [server.url, {}],
      // Fails at once: aborted before it began, and a port that nobody can listen on.
      [server.url, { signal: AbortSignal.abort() }],
      ['ws://127.0.0.1:0', {}],
    ];
    for (const [url, options] of cases) {
      const ws = new WebSocket(url, options);
      const witness = new Witness(ws);
      expect(ws.readyState).toBe(0);
      expect(witness.log).toEqual([]);
      ws.on('open', () => ws.terminate());
      await witness.closed();
      expect(witness.log).toHaveLength(2);
    }
  });

  it('[wh-3.1-j] [wh-4-a] protocol and extensions are empty until open, which finds OPEN', async () => {
    const server = await listen(({ key }) => formatSwitching(key, ['Sec-WebSocket-Protocol: p']));
    const ws = new WebSocket(server.url, ['p', 'q']);
    const look = () => [ws.readyState, ws.protocol, ws.extensions];
    const seen: unknown[] = [look()];
    ws.on('upgrade', () => seen.push(look()));
    ws.on('open', () => seen.push(look()));
    await new Witness(ws).opened();
    expect(seen).toEqual([
      [0, '', ''],
      [0, '', ''],
      [1, 'p', ''],
    ]);
    ws.terminate();
    const failed = new WebSocket(server.url, ['q']);
    await new Witness(failed).closed();
    expect([failed.readyState, failed.protocol, failed.extensions]).toEqual([3, '', '']);
  });

  it('refuses to send while CONNECTING', async () => {
    const server = await listen(() => '');
    const ws = new WebSocket(server.url);
    const witness = new Witness(ws);
    for (const send of [() => ws.send('x'), () => ws.ping('x'), () => ws.pong('x')]) {
      expect(send).toThrow('readyState 0 (CONNECTING)');
    }
    const peer = await server.accept();
    ws.terminate();
    await witness.closed();
    expect(peer.received).toHaveLength(0);
  });
});

describe('frames glued behind the 101', () => {
  it('[6455-4.1-bk] message listeners attached after `await once(ws, "open")` miss nothing', async () => {
    const server = await listen(({ key }) =>
      Buffer.concat([
        Buffer.from(formatSwitching(key), 'latin1'),
        Buffer.from('8101618101628101638800', 'hex'),
      ]),
    );
    const ws = new WebSocket(server.url);
    await once(ws, 'open');
    await pause(20);
    const witness = new Witness(ws);
    const peer = await server.accept();
    await peer.nextFrame();
    peer.end();
    await witness.closed();
    // The messages wait for the first listener, whenever it comes.
    expect(witness.log).toEqual(['message a', 'message b', 'message c', 'close 1005']);
  });
});

describe('close() and terminate() while CONNECTING', () => {
  const phases = ['at once', 'before the answer', 'in the upgrade listener'] as const;
  const methods = ['close', 'terminate'] as const;
  const message = 'WebSocket was closed before the connection was established';

  for (const method of methods) {
    for (const phase of phases) {
      it(`[wh-3.1-close-f] [6455-7.1.4-b] ${method}() ${phase}: CLOSING, then error and close 1006`, async () => {
        const server = await listen(phase === 'before the answer' ? () => '' : undefined);
        const ws = new WebSocket(server.url);
        const witness = new Witness(ws);
        let wasClean: boolean | undefined;
        ws.addEventListener('close', (event) => {
          wasClean = event.wasClean;
        });
        const call = () => {
          ws[method]();
          expect(ws.readyState).toBe(2);
          expect(witness.log).toEqual([]);
          ws[method]();
        };
        if (phase === 'at once') call();
        else if (phase === 'in the upgrade listener') ws.on('upgrade', call);
        else {
          const peer = await server.accept();
          call();
          await peer.ended;
          expect(peer.received).toHaveLength(0);
        }
        await witness.closed();
        expect(witness.log).toEqual([`error ${message}`, 'close 1006']);
        expect(witness.states).toEqual([2, 3]);
        expect(wasClean).toBe(false);
        expect(ws.wasClean).toBe(false);
      });
    }

    it(`${method}() in finishRequest gives up before a request was made`, async () => {
      const server = await listen();
      const ws = new WebSocket(server.url, {
        finishRequest: (request, socket) => {
          request.end();
          socket[method]();
        },
      });
      const witness = await new Witness(ws).closed();
      expect(witness.log).toEqual([`error ${message}`, 'close 1006']);
      await expect(server.accept(50)).rejects.toThrow('no connection');
    });

    it(`${method}() without an error listener harms nobody`, async () => {
      const server = await listen();
      const ws = new WebSocket(server.url);
      ws[method]();
      expect(await closeOf(ws)).toEqual([1006, '']);
    });
  }

  it('a failed handshake without an error listener harms nobody', async () => {
    const server = await listen(() => 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
    expect(await closeOf(new WebSocket(server.url))).toEqual([1006, '']);
    const { port } = server;
    await server.close();
    raws.length = 0;
    expect(await closeOf(new WebSocket(`ws://127.0.0.1:${port}`))).toEqual([1006, '']);
  });
});

describe('a Unix socket', () => {
  let folder = '';
  let server: Server;
  const seen: { url: string | undefined; host: string | undefined }[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'handfast-unix-'));
    server = createServer();
    const wss = new WebSocketServer({ noServer: true });
    server.on('upgrade', (request, socket, head) => {
      seen.push({ url: request.url, host: request.headers.host });
      if (request.url === '/old') {
        socket.end('HTTP/1.1 302 Found\r\nLocation: /new?x=1\r\nConnection: close\r\n\r\n');
        return;
      }
      wss.handleUpgrade(request, socket, head, (ws) => ws.close(1000));
    });
    server.listen(join(folder, 'a b.sock'));
    await once(server, 'listening');
  });

  afterAll(() => {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is reached by ws+unix, with and without a resource', async () => {
    for (const [suffix, url] of [
      ['', '/'],
      [':/r?q=1', '/r?q=1'],
    ]) {
      seen.length = 0;
      const ws = new WebSocket(`ws+unix:${folder}/a%20b.sock${suffix}`);
      const witness = await new Witness(ws).closed();
      expect(witness.log).toEqual(['open', 'close 1000']);
      expect(seen).toEqual([{ url, host: 'localhost' }]);
    }
  });

  it('is stayed on by a redirect to a path', async () => {
    seen.length = 0;
    const ws = new WebSocket(`ws+unix:${folder}/a%20b.sock:/old`, { followRedirects: true });
    const witness = await new Witness(ws).closed();
    expect(witness.log).toEqual(['open', 'close 1000']);
    expect(seen.map(({ url }) => url)).toEqual(['/old', '/new?x=1']);
  });

  it('that nobody listens on fails with 1006', async () => {
    const witness = await new Witness(new WebSocket(`ws+unix:${folder}/none.sock`)).closed();
    expect(witness.error?.code).toBe('ENOENT');
    expect(witness.log[1]).toBe('close 1006');
  });
});
