import { once } from 'node:events';
import * as http from 'node:http';
import * as net from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type ClientOptions, WebSocket } from '../../src/index.ts';
import {
  type Answer,
  decodeClose,
  formatSwitching,
  type RawConnection,
  RawServer,
} from '../support/wire.ts';
import { linesOf, pause, Witness } from './witness.ts';

const raws: RawServer[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const server of raws.splice(0)) await server.close();
});

async function listen(answer?: Answer): Promise<RawServer> {
  const server = await RawServer.listen(answer);
  raws.push(server);
  return server;
}

/** Opens, lets `use` look at the request, and drops the connection. */
async function requestOf(options: ClientOptions, target = '/'): Promise<string> {
  const server = await listen();
  const ws = new WebSocket(`${server.url}${target}`, options);
  await new Witness(ws).opened();
  const { head } = await server.accept();
  ws.terminate();
  return head;
}

describe('the request', () => {
  it('[wh-2.2-b] [6455-4.1-ac] is a plain upgrade of 13 with a key of 16 octets, and nothing behind it', async () => {
    const server = await listen(() => '');
    const keys = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const ws = new WebSocket(`${server.url}/chat?room=1`);
      const witness = new Witness(ws);
      const peer = await server.accept();
      const { head } = peer;
      expect(head).toMatch(/^GET \/chat\?room=1 HTTP\/1\.1\r\n/);
      expect(linesOf(head, 'host')).toEqual([`127.0.0.1:${server.port}`]);
      expect(linesOf(head, 'upgrade')).toEqual(['websocket']);
      expect(linesOf(head, 'connection')).toEqual(['Upgrade']);
      expect(linesOf(head, 'sec-websocket-version')).toEqual(['13']);
      const [key, ...more] = linesOf(head, 'sec-websocket-key') as [string];
      expect(more).toEqual([]);
      expect(Buffer.from(key, 'base64').toString('base64')).toBe(key);
      expect(Buffer.from(key, 'base64')).toHaveLength(16);
      keys.add(key);
      await pause(30);
      expect(ws.readyState).toBe(0);
      expect(peer.received).toHaveLength(0);
      await peer.send(formatSwitching(key));
      await witness.opened();
      expect(peer.received).toHaveLength(0);
      ws.terminate();
    }
    expect(keys.size).toBe(3);
  });

  it('[6455-9.1-e] [6455-5.8-a] without permessage-deflate offers no extension, and no frame has a reserved bit', async () => {
    const server = await listen();
    const ws = new WebSocket(server.url, { perMessageDeflate: false });
    await new Witness(ws).opened();
    const peer = await server.accept();
    expect(linesOf(peer.head, 'sec-websocket-extensions')).toEqual([]);
    ws.send('x'.repeat(3000), { compress: true });
    ws.send(Buffer.alloc(70_000), { compress: true, fin: false });
    ws.send('', { binary: true });
    ws.ping('p');
    ws.pong('q');
    ws.close(1000);
    await peer.until(() => peer.frames().some(({ opcode }) => opcode === 8));
    expect(peer.frames().map(({ opcode, rsv, masked }) => [opcode, rsv, masked])).toEqual(
      [1, 2, 0, 9, 10, 8].map((opcode) => [opcode, 0, true]),
    );
    ws.terminate();
  });

  it('[6455-9.1-e] [6455-5.8-a] RSV1 from the server, negotiated with nobody, fails with 1002', async () => {
    for (const frame of [
      { opcode: 1, rsv: 4, payload: 'x' },
      { opcode: 2, rsv: 4, payload: 'x' },
      { opcode: 9, rsv: 4 },
    ]) {
      const server = await listen();
      const ws = new WebSocket(server.url);
      const witness = new Witness(ws);
      const peer = await server.accept();
      await witness.opened();
      await peer.sendFrame(frame);
      const close = await peer.nextFrame();
      expect(close.opcode).toBe(8);
      expect(decodeClose(close.payload).code).toBe(1002);
      await peer.ended;
      peer.end();
      await witness.closed();
      expect(witness.log).toEqual([
        'open',
        'error Invalid WebSocket frame: RSV1 must be clear',
        'close 1006',
      ]);
    }
  });

  it('carries the headers, origin, auth and Host of the options', async () => {
    const head = await requestOf({
      headers: { 'X-One': 'a', 'x-list': ['b', 'c'], 'X-Number': 5, 'X-None': undefined },
      origin: 'https://example.com',
      auth: 'me:pass',
    });
    expect(linesOf(head, 'x-one')).toEqual(['a']);
    expect(linesOf(head, 'x-list')).toEqual(['b', 'c']);
    expect(linesOf(head, 'x-number')).toEqual(['5']);
    expect(linesOf(head, 'x-none')).toEqual([]);
    expect(linesOf(head, 'origin')).toEqual(['https://example.com']);
    expect(linesOf(head, 'authorization')).toEqual(['Basic bWU6cGFzcw==']);
    const virtual = await requestOf({ headers: { HOST: 'virtual.example' } });
    expect(linesOf(virtual, 'host')).toEqual(['virtual.example']);
    const own = await requestOf({ headers: { authorization: 'Bearer x' }, auth: 'me:pass' });
    expect(linesOf(own, 'authorization')).toEqual(['Bearer x']);
  });

  it('takes the user from the URL and leaves it out of target and Host', async () => {
    const server = await listen();
    const ws = new WebSocket(`ws://m%40e:p%3As@127.0.0.1:${server.port}/x`, { auth: 'other:one' });
    await new Witness(ws).opened();
    const { head } = await server.accept();
    ws.terminate();
    expect(linesOf(head, 'authorization')).toEqual([
      `Basic ${Buffer.from('m@e:p:s').toString('base64')}`,
    ]);
    expect(head.split(' ')[1]).toBe('/x');
    expect(linesOf(head, 'host')).toEqual([`127.0.0.1:${server.port}`]);
  });

  const OWN = [
    ...['Connection', 'Content-Length', 'Expect', 'Sec-WebSocket-Accept'],
    ...['Sec-WebSocket-Extensions', 'Sec-WebSocket-Key', 'Sec-WebSocket-Protocol'],
    ...['Sec-WebSocket-Version', 'Transfer-Encoding', 'Upgrade'],
  ];

  it('[6455-4.1-l] [6455-4.1-ab] headers of the application neither override, double nor inject (property 45)', async () => {
    const server = await listen();
    const cased = (name: string) =>
      fc
        .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
        .map((upper) =>
          [...name].map((c, i) => (upper[i] ? c.toUpperCase() : c.toLowerCase())).join(''),
        );
    const name = fc.oneof(
      fc.constantFrom(...OWN, 'Host', 'Origin').chain(cased),
      fc.constantFrom('__proto__', 'constructor', 'X-A', 'x-a', 'toString'),
      fc.string({ maxLength: 6 }),
    );
    const value = fc.oneof(
      fc.constantFrom('13', '8', 'chunked', '5', 'close', 'websocket', 'chat', ''),
      fc.string({ unit: fc.constantFrom('a', ' ', '\r', '\n', '\0', ':', 'é'), maxLength: 8 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(name, value), { maxLength: 4 }),
        fc.option(value, { nil: undefined }),
        async (list, origin) => {
          const headers = Object.fromEntries(list);
          let ws: WebSocket;
          try {
            ws = new WebSocket(server.url, { headers, origin });
          } catch (error) {
            // What cannot be sent is refused at once.
            expect(error).toBeInstanceOf(TypeError);
            return;
          }
          await new Witness(ws).opened();
          const { head, received } = await server.accept();
          ws.terminate();
          expect(received).toHaveLength(0);
          const lines = head.slice(0, -4).split('\r\n').slice(1);
          for (const line of lines) expect(line).not.toMatch(/[\r\n\0]/);
          const sent = lines.map((line) => line.slice(0, line.indexOf(':')).toLowerCase());
          const allowed = new Set(['host', 'upgrade', 'connection', 'origin']);
          for (const own of ['version', 'key', 'extensions']) allowed.add(`sec-websocket-${own}`);
          for (const given of Object.keys(headers)) {
            if (!OWN.some((own) => own.toLowerCase() === given.toLowerCase())) {
              allowed.add(given.toLowerCase());
            }
          }
          for (const field of sent) expect(allowed).toContain(field);
          expect(new Set(sent).size).toBe(sent.length);
          expect(linesOf(head, 'upgrade')).toEqual(['websocket']);
          expect(linesOf(head, 'connection')).toEqual(['Upgrade']);
          expect(linesOf(head, 'sec-websocket-version')).toEqual(['13']);
          expect(linesOf(head, 'host')).toHaveLength(1);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('goes through agent, createConnection and lookup', async () => {
    const server = await listen();
    const agent = new LocalAgent(server.port);
    const hosts: unknown[] = [];
    const createConnection = (options: net.NetConnectOpts) => {
      hosts.push((options as net.TcpNetConnectOpts).host);
      return net.connect(server.port, '127.0.0.1');
    };
    const lookup: net.LookupFunction = (name, options, callback) => {
      hosts.push(name);
      if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
      else callback(null, '127.0.0.1', 4);
    };
    for (const options of [{ agent }, { createConnection }, { lookup }] as ClientOptions[]) {
      const ws = new WebSocket(`ws://made-up.invalid:${server.port}/`, options);
      await new Witness(ws).opened();
      const { head } = await server.accept();
      expect(linesOf(head, 'host')).toEqual([`made-up.invalid:${server.port}`]);
      expect(linesOf(head, 'connection')).toEqual(['Upgrade']);
      ws.terminate();
    }
    agent.destroy();
    expect(agent.uses).toBe(1);
    expect(hosts).toEqual(['made-up.invalid', 'made-up.invalid']);
  });

  it('is finished by finishRequest, where there is one', async () => {
    const server = await listen();
    let socket: WebSocket | undefined;
    const ws = new WebSocket(server.url, {
      finishRequest(request, websocket) {
        socket = websocket;
        setTimeout(() => {
          request.setHeader('X-Late', 'yes');
          request.end();
        }, 20);
      },
    });
    expect(socket).toBe(ws);
    await new Witness(ws).opened();
    expect(linesOf((await server.accept()).head, 'x-late')).toEqual(['yes']);
    ws.terminate();
  });
});

/** An agent that reaches one port of this machine, whatever it is asked for. */
class LocalAgent extends http.Agent {
  uses = 0;
  readonly #port: number;
  constructor(port: number) {
    super();
    this.#port = port;
  }
  override createConnection(): net.Socket {
    this.uses++;
    return net.connect(this.#port, '127.0.0.1');
  }
}

describe('handshakeTimeout', () => {
  const timedOut = ['error Opening handshake has timed out', 'close 1006'];

  it.each([
    ['says nothing', (_peer: RawConnection) => {}],
    [
      'drips bytes of a head without end',
      (peer: RawConnection) => {
        void peer.send('HTTP/1.1 101 Switching Protocols\r\n');
        const timer = setInterval(() => void peer.send('X: y\r\n'), 10);
        void peer.closed.then(() => clearInterval(timer));
      },
    ],
    [
      'sends one 103 after another',
      (peer: RawConnection) => {
        const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
        const timer = setInterval(() => void peer.send(early), 10);
        void peer.closed.then(() => clearInterval(timer));
      },
    ],
  ] as const)(
    '[6455-4.1-bo] [6455-4.1-bl] ends a handshake with a server that %s',
    async (_what, act) => {
      const server = await listen(() => '');
      const ws = new WebSocket(server.url, { handshakeTimeout: 120 });
      const witness = new Witness(ws);
      const began = performance.now();
      const peer = await server.accept();
      act(peer);
      await witness.closed();
      expect(performance.now() - began).toBeLessThan(5000);
      expect(witness.log).toEqual(timedOut);
      await peer.ended;
      expect(peer.received).toHaveLength(0);
    },
  );

  it('[6455-4.1-bo] counts the connecting in', async () => {
    // A name that is being looked up for ever.
    const lookup = () => {};
    const ws = new WebSocket('ws://made-up.invalid:1', { handshakeTimeout: 50, lookup });
    expect((await new Witness(ws).closed()).log).toEqual(timedOut);
  });

  it('leaves no timer behind, however the handshake ends', async () => {
    const timers = () =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const server = await listen();
    const refusing = await listen(() => 'HTTP/1.1 404 x\r\n\r\n');
    for (const [url, event, options] of [
      [server.url, 'open', {}],
      [refusing.url, 'close', {}],
      [server.url, 'close', { signal: AbortSignal.abort() }],
    ] as const) {
      const before = timers();
      const ws = new WebSocket(url, { handshakeTimeout: 60_000, ...options });
      ws.on('error', () => {});
      expect(timers()).toBe(before + 1 - Number('signal' in options));
      await new Promise<void>((resolve) => ws.on(event, () => resolve()));
      // Those of earlier tests may run out meanwhile.
      expect(timers()).toBeLessThanOrEqual(before);
      ws.terminate();
    }
  });

  it('is over once open, and waits for long where it is long', async () => {
    const server = await listen();
    // The clock stands still meanwhile, so that a slow machine cannot make 60 ms pass.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    for (const handshakeTimeout of [60, Number.POSITIVE_INFINITY, 2 ** 40, 0, -1, Number.NaN]) {
      const ws = new WebSocket(server.url, { handshakeTimeout });
      const witness = new Witness(ws);
      vi.advanceTimersByTime(handshakeTimeout === 60 ? 59 : 1e6);
      expect(witness.log).toEqual([]);
      await once(ws, 'open');
      vi.advanceTimersByTime(1e6);
      await new Promise(setImmediate);
      expect(witness.log).toEqual(['open']);
      ws.terminate();
    }
  });
});

describe('signal', () => {
  const aborted = ['error The operation was aborted', 'close 1006'];

  it('that was aborted before makes no connection', async () => {
    const server = await listen();
    const reason = new Error('mine');
    const ws = new WebSocket(server.url, { signal: AbortSignal.abort(reason) });
    const witness = await new Witness(ws).closed();
    expect(witness.log).toEqual(aborted);
    expect(witness.error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: reason });
    await expect(server.accept(30)).rejects.toThrow('no connection');
  });

  it('[6455-4.1-bl] gives up while connecting, with no event inside abort()', async () => {
    const server = await listen(() => '');
    const controller = new AbortController();
    const ws = new WebSocket(server.url, { signal: controller.signal });
    const witness = new Witness(ws);
    const peer = await server.accept();
    controller.abort();
    expect(witness.log).toEqual([]);
    await witness.closed();
    expect(witness.log).toEqual(aborted);
    await peer.ended;
    expect(peer.received).toHaveLength(0);
  });

  it('has no effect once the socket is open', async () => {
    const server = await listen();
    const controller = new AbortController();
    const ws = new WebSocket(server.url, { signal: controller.signal });
    const witness = await new Witness(ws).opened();
    controller.abort();
    await pause(20);
    expect(ws.readyState).toBe(1);
    const peer = await server.accept();
    await peer.sendFrame({ opcode: 1, payload: 'still' });
    await once(ws, 'message', { signal: AbortSignal.timeout(2000) });
    expect(witness.log).toEqual(['open', 'message still']);
    ws.terminate();
  });

  it('and close() together end in one error and one close', async () => {
    const server = await listen(() => '');
    for (const order of ['abort first', 'close first']) {
      const controller = new AbortController();
      const ws = new WebSocket(server.url, { signal: controller.signal });
      const witness = new Witness(ws);
      if (order === 'abort first') controller.abort();
      ws.close();
      controller.abort();
      await witness.closed();
      expect(witness.log).toHaveLength(2);
      expect(witness.log[1]).toBe('close 1006');
    }
  });
});
