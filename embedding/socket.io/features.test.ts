// What socket.io is chosen for: namespaces, rooms, broadcasts, volatile messages, recovery of lost
// connections, cookies, TLS, and clients that do not keep their process alive.

import { execFile } from 'node:child_process';
import { createServer } from 'node:https';
import { promisify } from 'node:util';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Certificate } from '../../test/peers/certificate.ts';
import { closeLoopback, listenLoopback } from '../support/loopback.ts';
import { patternedBytes } from '../support/messages.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';
import { acceptedOf, type ServerSocket, Stage, webSocketOf } from './stage.ts';

type ClientSocket = ReturnType<Stage['client']>;

let stage: Stage;
beforeEach(async () => {
  stage = await new Stage().start();
});
afterEach(() => stage.close());

const connected = (client: ClientSocket) =>
  waitFor('a connection', () => client.connected).then(() => client);

describe('namespaces', () => {
  it('share one WebSocket, and end one by one', async () => {
    stage.io.of('/chat').on('connection', (socket) => {
      socket.on('say', (text: string) => socket.emit('said', `chat: ${text}`));
    });
    stage.io.of(/^\/room-\d+$/).on('connection', (socket) => {
      socket.emit('said', socket.nsp.name);
    });
    const main = await connected(stage.client());
    const chat = main.io.socket('/chat').connect();
    const room = main.io.socket('/room-7');
    const greeted = nextCall('said', (call) => room.once('said', call));
    room.connect();
    expect(await greeted).toEqual(['/room-7']);
    const answered = nextCall('said', (call) => chat.once('said', call));
    chat.emit('say', 'hello');
    expect(await answered).toEqual(['chat: hello']);
    expect(stage.io.engine.clientsCount).toBe(1);
    chat.disconnect();
    expect(await main.emitWithAck('ask', 1)).toBe(1);
  });
});

describe('broadcasts', () => {
  const heardBy = (clients: ClientSocket[], event: string) =>
    clients.map((client) => {
      const heard: unknown[][] = [];
      client.on(event, (...args: unknown[]) => heard.push(args));
      return heard;
    });

  it('reach rooms, all but the sender, and everyone, in order', async () => {
    const pairs = [await stage.pair(), await stage.pair(), await stage.pair(), await stage.pair()];
    const heard = heardBy(
      pairs.map(([client]) => client),
      'news',
    );
    const bytes = patternedBytes(5000);
    pairs[0][1].join(['red', 'blue']);
    pairs[1][1].join('red');
    pairs[2][1].join('blue');
    stage.io.to('red').emit('news', 'red', { at: [bytes] });
    pairs[0][1].to('blue').emit('news', 'blue but not the sender');
    stage.io.to('red').to('blue').except('red').emit('news', 'blue without red');
    stage.io.emit('news', 'grüße an alle');
    stage.io.local.emit('news', 'local');
    const everyone = [['grüße an alle'], ['local']];
    const red = ['red', { at: [bytes] }];
    await waitFor('the last', () => heard.every((news) => news.at(-1)?.[0] === 'local'));
    expect(heard).toEqual([
      [red, ...everyone],
      [red, ...everyone],
      [['blue but not the sender'], ['blue without red'], ...everyone],
      everyone,
    ]);
  });

  it('a thousand of them between single messages, in order for each', async () => {
    const pairs = [await stage.pair(), await stage.pair(), await stage.pair()];
    const heard = heardBy(
      pairs.map(([client]) => client),
      'n',
    );
    for (let n = 0; n < 1000; n++) {
      stage.io.emit('n', n, '.'.repeat(n % 200));
      if (n % 10 === 0) for (const [, socket] of pairs) socket.emit('n', n + 0.5, '');
    }
    const expected = Array.from({ length: 1000 }, (_, n) => (n % 10 === 0 ? [n, n + 0.5] : [n]));
    await waitFor('all', () => heard.every((news) => news.length >= 1100));
    for (const news of heard) expect(news.map(([n]) => n)).toEqual(expected.flat());
  });

  it('gather the acknowledgements of many', async () => {
    const pairs = [await stage.pair(), await stage.pair(), await stage.pair()];
    for (const [index, [client]] of pairs.entries()) {
      client.on('who', (answer: (value: number) => void) => answer(index));
    }
    const answers = (await stage.io.timeout(2000).emitWithAck('who')) as number[];
    expect(answers.sort()).toEqual([0, 1, 2]);
  });
});

describe('volatile messages', () => {
  it('are dropped where there is no connection', async () => {
    const client = stage.client();
    const heard: unknown[] = [];
    client.on('echo', (value: unknown) => heard.push(value));
    client.volatile.emit('echo', 'dropped');
    client.emit('echo', 'kept');
    await waitFor('an echo', () => heard.length > 0);
    expect(heard).toEqual(['kept']);
  });

  it('are dropped while a message is on its way, the others are not', async () => {
    const [client, socket] = await stage.pair();
    const heard: unknown[] = [];
    client.on('n', (value: unknown) => heard.push(value));
    for (let n = 0; n < 100; n++) socket.volatile.emit('n', n);
    socket.emit('n', 'end');
    await waitFor('the end', () => heard.includes('end'));
    expect(heard).toEqual([0, 'end']);
    socket.volatile.emit('n', 'idle again');
    await waitFor('the next', () => heard.includes('idle again'));
  });
});

describe('a lost connection', () => {
  it('is recovered with its id, rooms, data, and what was missed', async () => {
    await stage.close();
    stage = await new Stage({ connectionStateRecovery: {} }).start();
    const [client, socket] = await stage.pair({ reconnection: true, reconnectionDelay: 50 });
    const heard: unknown[] = [];
    client.on('news', (value: unknown) => heard.push(value));
    socket.join('red');
    socket.data.name = 'Wren';
    const { id } = socket;
    stage.io.emit('news', 'before');
    await waitFor('news', () => heard.length === 1);
    const again = nextCall<[ServerSocket]>('connection', (call) =>
      stage.io.once('connection', call),
    );
    const lost = nextCall('disconnect', (call) => socket.once('disconnect', call));
    webSocketOf(client).terminate();
    await lost;
    stage.io.to('red').emit('news', 'missed', patternedBytes(100));
    stage.io.emit('news', 'missed too');
    const [next] = await again;
    expect([next.recovered, next.id, next.data.name]).toEqual([true, id, 'Wren']);
    expect(next.rooms).toEqual(new Set([id, 'red']));
    await waitFor('what was missed', () => heard.length === 3);
    expect(heard).toEqual(['before', 'missed', 'missed too']);
    expect(client.recovered).toBe(true);
    expect(acceptedOf(next).readyState).toBe(1);
  });

  it('comes back by itself after the server ended it, and sends what waited', async () => {
    const [client, socket] = await stage.pair({ reconnection: true, reconnectionDelay: 50 });
    acceptedOf(socket).close(1012);
    await waitFor('the loss', () => !client.connected);
    const answers = Promise.all([1, 2, 3].map((n) => client.emitWithAck('ask', n)));
    expect(await answers).toEqual([1, 2, 3]);
  });
});

describe('around the handshake', () => {
  it('headers, query and origin reach the server, and its headers the client', async () => {
    stage.io.engine.on('initial_headers', (headers: Record<string, string>) => {
      headers['x-served-by'] = 'handfast';
    });
    const accepted = nextCall<[ServerSocket]>('connection', (call) =>
      stage.io.once('connection', call),
    );
    const client = stage.client({
      extraHeaders: { 'x-token': 'abc', origin: 'http://page.example' },
      query: { colour: 'blue green' },
    });
    const response = nextCall<[{ headers: Record<string, string> }]>('upgrade', (call) =>
      webSocketOf(client).once('upgrade', call as never),
    );
    const [socket] = await accepted;
    expect((await response)[0].headers['x-served-by']).toBe('handfast');
    expect(socket.handshake.headers).toMatchObject({
      'x-token': 'abc',
      origin: 'http://page.example',
    });
    expect(socket.handshake.query.colour).toBe('blue green');
  });

  it('a cookie set while polling goes along with the upgrade', async () => {
    stage.io.engine.on('initial_headers', (headers: Record<string, unknown>) => {
      headers['set-cookie'] = ['a=1; Path=/', 'b=2; Path=/'];
    });
    const upgrade = nextCall<[{ headers: { cookie?: string } }]>('upgrade', (call) =>
      stage.http.once('upgrade', call as never),
    );
    await stage.pair({ transports: ['polling', 'websocket'], withCredentials: true });
    expect((await upgrade)[0].headers.cookie?.split('; ').sort()).toEqual(['a=1', 'b=2']);
  });

  it('TLS, with the certificate checked', async () => {
    const certificate = new Certificate('openssl');
    const https = createServer({ key: certificate.key, cert: certificate.cert });
    const server = new Server(https);
    try {
      server.on('connection', (socket) => socket.on('echo', (text) => socket.emit('echo', text)));
      const url = `https://127.0.0.1:${await listenLoopback(https)}`;
      const options = { transports: ['websocket'], reconnection: false, forceNew: true };
      const trusting = io(url, { ...options, ca: certificate.cert.toString() });
      const back = nextCall('echo', (call) => trusting.once('echo', call));
      trusting.emit('echo', 'over TLS');
      expect(await back).toEqual(['over TLS']);
      expect(webSocketOf(trusting).url).toMatch(/^wss:/);
      trusting.disconnect();

      const wary = io(url, options);
      type Failure = Error & { description?: { message?: string } };
      const [error] = await nextCall<[Failure]>('connect_error', (call) =>
        wary.once('connect_error', call as never),
      );
      expect(error.description?.message).toMatch(/self[- ]signed certificate/);

      const careless = await connected(io(url, { ...options, rejectUnauthorized: false }));
      careless.disconnect();
    } finally {
      await server.close();
      await closeLoopback(https);
      certificate.remove();
    }
  });

  it('autoUnref lets the process of a connected client end', async () => {
    const script = `
      import { io } from 'socket.io-client';
      const client = io('http://127.0.0.1:${stage.port}', { transports: ['websocket'], autoUnref: true });
      const alive = setTimeout(() => {}, 10_000);
      client.on('connect', () => { console.log('connected'); clearTimeout(alive); });
    `;
    const args = ['--input-type=module', '--eval', script];
    const options = { cwd: import.meta.dirname, timeout: 10_000 };
    const { stdout } = await promisify(execFile)(process.execPath, args, options);
    expect(stdout).toBe('connected\n');
  });
});
