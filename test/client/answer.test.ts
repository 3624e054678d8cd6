// What a client makes of the server's answer, on the wire: the 101 and its faults, other answers, none.

import { once } from 'node:events';
import * as http from 'node:http';
import * as net from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createWebSocketStream, HandshakeError, WebSocket } from '../../src/index.ts';
import {
  type Answer,
  acceptFor,
  encodeFrame,
  formatSwitching,
  RawServer,
} from '../support/wire.ts';
import { pause, Witness } from './witness.ts';

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

/** Expects what §4.1 and §7.1.7 ask for: no open, one error, 1006, and no byte behind the request. */
async function expectFailure(answer: Answer, protocols: string[] = []): Promise<Witness> {
  const server = await RawServer.listen(answer);
  try {
    const ws = new WebSocket(server.url, protocols, { handshakeTimeout: 10_000 });
    const witness = new Witness(ws);
    let wasClean: boolean | undefined;
    ws.addEventListener('close', (event) => {
      wasClean = event.wasClean;
    });
    const peer = await server.accept();
    await witness.closed();
    expect(witness.log).toEqual([`error ${witness.error?.message}`, 'close 1006']);
    expect(witness.states).toEqual([2, 3]);
    expect(wasClean).toBe(false);
    await peer.ended;
    expect(peer.received).toHaveLength(0);
    return witness;
  } finally {
    await server.close();
  }
}

const frame = encodeFrame({ opcode: 1, payload: 'hello' });
const withFrame = (head: string) => Buffer.concat([Buffer.from(head, 'latin1'), frame]);

interface Fault {
  readonly what: string;
  plant(lines: string[], key: string): string[];
}
const replace = (lines: string[], name: string, ...by: string[]) =>
  lines.flatMap((line) => (line.startsWith(`${name}:`) ? by : [line]));
const ACCEPT = 'Sec-WebSocket-Accept';

const FAULTS: Fault[] = [
  { what: 'status 200', plant: (l) => ['HTTP/1.1 200 OK', ...l.slice(1)] },
  { what: 'status 403', plant: (l) => ['HTTP/1.1 403 Forbidden', ...l.slice(1)] },
  { what: 'HTTP/1.0', plant: (l) => ['HTTP/1.0 101 Switching Protocols', ...l.slice(1)] },
  { what: 'no HTTP at all', plant: (l) => ['SSH-2.0-OpenSSH_9.9', ...l.slice(1)] },
  { what: 'no Upgrade', plant: (l) => replace(l, 'Upgrade') },
  { what: 'another Upgrade', plant: (l) => replace(l, 'Upgrade', 'Upgrade: h2c') },
  { what: 'half an Upgrade', plant: (l) => replace(l, 'Upgrade', 'Upgrade: websocke') },
  { what: 'no Connection', plant: (l) => replace(l, 'Connection') },
  { what: 'Connection: close', plant: (l) => replace(l, 'Connection', 'Connection: close') },
  { what: 'Connection: upgraded', plant: (l) => replace(l, 'Connection', 'Connection: upgraded') },
  { what: 'no Accept', plant: (l) => replace(l, ACCEPT) },
  { what: 'empty Accept', plant: (l) => replace(l, ACCEPT, `${ACCEPT}:`) },
  {
    what: 'Accept for another key',
    plant: (l) => replace(l, ACCEPT, `${ACCEPT}: ${acceptFor('AAAAAAAAAAAAAAAAAAAAAA==')}`),
  },
  {
    what: 'the key as Accept',
    plant: (l, key) => replace(l, ACCEPT, `${ACCEPT}: ${key}`),
  },
  {
    what: 'Accept in other case',
    plant: (l, key) => replace(l, ACCEPT, `${ACCEPT}: ${swapCase(acceptFor(key))}`),
  },
  {
    what: 'Accept twice',
    plant: (l, key) => [...l, `${ACCEPT}: ${acceptFor(key)}`],
  },
  { what: 'an extension', plant: (l) => [...l, 'Sec-WebSocket-Extensions: x-never-offered'] },
  { what: 'a bad extension', plant: (l) => [...l, 'Sec-WebSocket-Extensions: ;;'] },
  { what: 'a subprotocol', plant: (l) => [...l, 'Sec-WebSocket-Protocol: chat'] },
  { what: 'a line without colon', plant: (l) => [...l, 'nonsense'] },
  { what: 'a control character', plant: (l) => [...l, 'X-Bad: a\0b'] },
];

function swapCase(text: string): string {
  return [...text].map((c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase())).join('');
}

function headWith(fault: Fault, key: string): string {
  const lines = fault.plant(formatSwitching(key).trimEnd().split('\r\n'), key);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

describe('a 101 with one planted fault', () => {
  for (const fault of FAULTS) {
    it(`[6455-4.1-bl] [wh-2.2-j] [6455-7.2.1-a] ${fault.what}: fails, no open, no byte more (property 41)`, async () => {
      await expectFailure(({ key }) => withFrame(headWith(fault, key)));
    });
  }

  it('[6455-4.1-bl] [6455-4.1-bf] [wh-2.2-j] a subprotocol that was not asked for, or none (property 41)', async () => {
    for (const value of ['other', 'CHAT', 'chat, superchat', '', null]) {
      const extra = value === null ? [] : [`Sec-WebSocket-Protocol: ${value}`];
      const witness = await expectFailure(
        ({ key }) => withFrame(formatSwitching(key, extra)),
        ['chat', 'superchat'],
      );
      expect(witness.error).toBeInstanceOf(HandshakeError);
    }
    const twice = ['Sec-WebSocket-Protocol: chat', 'Sec-WebSocket-Protocol: chat'];
    await expectFailure(({ key }) => formatSwitching(key, twice), ['chat']);
  });

  it('[wh-4-i] [6455-4.1-bl] any fault, in any cut: one error, one close, nothing after (property 41)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...FAULTS),
        fc.integer({ min: 1, max: 120 }),
        async (fault, chop) => {
          const server = await RawServer.listen(() => '');
          try {
            const ws = new WebSocket(server.url);
            const witness = new Witness(ws);
            const peer = await server.accept();
            const key = /sec-websocket-key: (.*)\r\n/i.exec(peer.head)?.[1] as string;
            await peer.send(withFrame(headWith(fault, key)), { chop });
            peer.end();
            await witness.closed();
            await peer.ended;
            expect(witness.log).toEqual([`error ${witness.error?.message}`, 'close 1006']);
            expect(peer.received).toHaveLength(0);
          } finally {
            await server.close();
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('a 101 without fault', () => {
  it('opens with names in any case, white space, other fields and 1xx answers before', async () => {
    const server = await listen(
      ({ key }) =>
        'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n' +
        'HTTP/1.1 101 Anything At All\r\nuPGRADE: WebSocket\r\nCONNECTION: keep-alive, UPGRADE\r\n' +
        `sec-websocket-accept:  \t${acceptFor(key)} \t\r\nX-Other: 1\r\n\r\n`,
    );
    const ws = new WebSocket(server.url);
    await new Witness(ws).opened();
    ws.terminate();
  });

  it('[6455-4.1-bk] frames glued behind it in any cut all arrive, after open, in order (property 41)', async () => {
    const server = await listen(() => '');
    const text = fc.string({ unit: 'grapheme', maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 1, maxLength: 5 }),
        // In one write, or cut at up to three places.
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }),
        fc.constantFrom('at once', 'in open', 'after await', 'later'),
        async (texts, cuts, attach) => {
          const ws = new WebSocket(server.url);
          const log: string[] = [];
          const listenForMessages = () => ws.on('message', (data) => log.push(String(data)));
          ws.on('open', () => log.push('open'));
          if (attach === 'at once') listenForMessages();
          if (attach === 'in open') ws.on('open', listenForMessages);
          const peer = await server.accept();
          const key = /sec-websocket-key: (.*)\r\n/i.exec(peer.head)?.[1] as string;
          const all = Buffer.concat([
            Buffer.from(formatSwitching(key)),
            ...texts.map((payload) => encodeFrame({ opcode: 1, payload })),
            encodeFrame({ opcode: 8, payload: Buffer.from([3, 232]) }),
          ]);
          const opened = once(ws, 'open', { signal: AbortSignal.timeout(2000) });
          const closed = once(ws, 'close', { signal: AbortSignal.timeout(2000) });
          const ends = [...cuts.map((cut) => Math.floor(cut * all.length)), all.length];
          let start = 0;
          const sending = (async () => {
            for (const end of ends.sort((a, b) => a - b)) {
              if (end > start) await peer.send(all.subarray(start, end));
              start = end;
              await new Promise((resolve) => setImmediate(resolve));
            }
          })();
          await opened;
          if (attach === 'after await') listenForMessages();
          if (attach === 'later') {
            await new Promise((resolve) => setImmediate(resolve));
            listenForMessages();
          }
          await sending;
          expect((await peer.nextFrame()).opcode).toBe(8);
          peer.end();
          expect((await closed)[0]).toBe(1000);
          expect(log).toEqual(['open', ...texts]);
        },
      ),
      { numRuns: 80 },
    );
  });

  it('[6455-4.1-bp] hands Set-Cookie and the raw fields to `upgrade`, and keeps none of them', async () => {
    const server = await listen(({ key }) =>
      formatSwitching(key, ['Set-Cookie: a=1; Path=/', 'X-Raw: Yes', 'Set-Cookie: b=2']),
    );
    for (let i = 0; i < 2; i++) {
      const ws = new WebSocket(server.url);
      const responses: http.IncomingMessage[] = [];
      ws.on('upgrade', (response) => {
        responses.push(response);
        expect(ws.readyState).toBe(0);
      });
      await new Witness(ws).opened();
      expect(responses).toHaveLength(1);
      const [response] = responses as [http.IncomingMessage];
      expect(response.statusCode).toBe(101);
      expect(response.headers['set-cookie']).toEqual(['a=1; Path=/', 'b=2']);
      expect(response.rawHeaders.slice(-6)).toEqual([
        ...['Set-Cookie', 'a=1; Path=/', 'X-Raw', 'Yes', 'Set-Cookie', 'b=2'],
      ]);
      const { head } = await server.accept();
      expect(head).not.toMatch(/^cookie:/im);
      ws.terminate();
    }
  });
});

describe('a faulty answer', () => {
  it('[6455-4.1-bl] is CLOSING at once, told of when the code that runs has returned', async () => {
    const server = await listen(() => formatSwitching('another key'));
    const ws = new WebSocket(server.url);
    const witness = new Witness(ws);
    ws.on('upgrade', () => {
      process.nextTick(() => witness.log.push(`next tick ${ws.readyState}`));
    });
    await witness.closed();
    expect(witness.log).toEqual([
      'next tick 2',
      'error Invalid Sec-WebSocket-Accept header',
      'close 1006',
    ]);
  });

  it('ends a stream that is being ended, by its error', async () => {
    const server = await listen(() => formatSwitching('another key'));
    const ws = new WebSocket(server.url);
    const stream = createWebSocketStream(ws);
    const log: string[] = [];
    stream.on('error', (error) => log.push(error.message)).on('finish', () => log.push('finish'));
    ws.on('upgrade', () => process.nextTick(() => stream.end()));
    await new Promise((resolve) => stream.on('close', resolve));
    expect(log).toEqual(['Invalid Sec-WebSocket-Accept header']);
  });
});

describe('another answer', () => {
  const refusal =
    'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 4\r\n\r\nnope';

  it('[wh-2.2-f] [6455-4.1-bl] fails unless `unexpected-response` is listened to', async () => {
    const witness = await expectFailure(() => refusal);
    expect(witness.error?.message).toBe('Unexpected server response: 401');
  });

  it('[6455-4.1-ba] is the matter of the `unexpected-response` listener', async () => {
    const server = await listen(() => refusal);
    // The clock stands still meanwhile, so that a slow machine cannot make 60 ms pass.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const ws = new WebSocket(server.url, { handshakeTimeout: 60 });
    const witness = new Witness(ws);
    const [request, response] = await once(ws, 'unexpected-response');
    let body = '';
    for await (const chunk of response) body += chunk;
    expect([response.statusCode, response.headers['www-authenticate'], body]).toEqual([
      401,
      'Basic',
      'nope',
    ]);
    expect(request.method).toBe('GET');
    // The listener takes the time it needs.
    vi.advanceTimersByTime(100);
    vi.useRealTimers();
    await pause(5);
    expect(witness.log).toEqual([]);
    expect(ws.readyState).toBe(0);
    ws.terminate();
    await witness.closed();
    expect(witness.log).toEqual([
      'error WebSocket was closed before the connection was established',
      'close 1006',
    ]);
  });

  it.each(['close', 'terminate'] as const)(
    'that was read to its end and has no agent to go back to is dropped by %s()',
    async (method) => {
      const server = await listen(
        () => 'HTTP/1.1 502 Bad Gateway\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nfoo',
      );
      const ws = new WebSocket(server.url);
      const witness = new Witness(ws);
      const [, response] = await once(ws, 'unexpected-response');
      const peer = await server.accept();
      await once(response.resume(), 'end');
      await pause(20);
      expect(peer.finished).toBeUndefined();
      ws[method]();
      await witness.closed();
      await peer.until(() => peer.finished !== undefined);
      expect(witness.log).toEqual([
        'error WebSocket was closed before the connection was established',
        'close 1006',
      ]);
    },
  );

  it('leaves a socket alone that its agent has given to another request', async () => {
    const server = http.createServer((request, response) => {
      if (request.url === '/refused') {
        response.writeHead(404).end('no');
        return;
      }
      setTimeout(() => response.end('late'), 50);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    try {
      const ws = new WebSocket(`ws://127.0.0.1:${port}/refused`, { agent });
      const witness = new Witness(ws);
      const [request, refusal] = await once(ws, 'unexpected-response');
      refusal.resume();
      const other = http.get({ host: '127.0.0.1', port, agent });
      const answered = once(other, 'response');
      await pause(15);
      expect(other.socket).toBe(request.socket);
      ws.terminate();
      await witness.closed();
      const [response] = await answered;
      let body = '';
      for await (const chunk of response) body += chunk;
      expect(body).toBe('late');
    } finally {
      agent.destroy();
      server.close();
    }
  });

  it('a refusal, with whatever agent, leaves no connection behind', async () => {
    const server = await listen(() => 'HTTP/1.1 404 x\r\nContent-Length: 2\r\n\r\nno');
    const agent = new http.Agent({ keepAlive: true });
    await new Witness(new WebSocket(server.url, { agent })).closed();
    const peer = await server.accept();
    await peer.until(() => peer.finished !== undefined);
    expect(peer.received).toHaveLength(0);
    agent.destroy();
  });

  it('[6455-10.7-b] [6455-4.1-bl] bytes that are no HTTP drop the connection', async () => {
    for (const bytes of [
      '\0\0\0\0',
      frame.toString('latin1'),
      '{"json": true}\n',
      'HTTP/1.1 x\r\n',
    ]) {
      const witness = await expectFailure(() => bytes);
      expect(witness.error?.code).toMatch(/^HPE_/);
    }
  });

  it('[6455-4.1-bo] response headers beyond the limit fail, 16 KiB unless told', async () => {
    const big = (size: number): Answer => {
      return ({ key }) => formatSwitching(key, [`X-Big: ${'x'.repeat(size)}`]);
    };
    const witness = await expectFailure(big(20_000));
    expect(witness.error?.code).toBe('HPE_HEADER_OVERFLOW');
    for (const [size, maxHeaderSize, opens] of [
      [10_000, undefined, true],
      [20_000, 65_536, true],
      [2000, 1024, false],
    ] as const) {
      const server = await listen(big(size));
      const ws = new WebSocket(server.url, { maxHeaderSize });
      const outcome = new Witness(ws);
      ws.on('open', () => ws.terminate());
      await outcome.closed();
      expect(outcome.log.includes('open')).toBe(opens);
    }
  });
});

describe('no answer', () => {
  it('[6455-7.2.2-a] [6455-7.1.4-b] [6455-7.2.1-a] a server that just closes: 1006, not clean, no byte more', async () => {
    for (const part of [
      '',
      'HTTP/1.1 101 Swi',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: webs',
    ]) {
      for (const how of ['end', 'reset'] as const) {
        const server = await listen(() => part);
        const ws = new WebSocket(server.url);
        const witness = new Witness(ws);
        const peer = await server.accept();
        if (part !== '') await pause(5);
        if (how === 'end') peer.end();
        else peer.socket.resetAndDestroy();
        await witness.closed();
        expect(witness.log).toEqual([`error ${witness.error?.message}`, 'close 1006']);
        expect(ws.wasClean).toBe(false);
        if (how === 'end') expect(await peer.ended).toMatch(/fin|reset/);
        expect(peer.received).toHaveLength(0);
      }
    }
  });

  it('nobody listening, or no such host: 1006', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    server.close();
    await once(server, 'close');
    const refused = await new Witness(new WebSocket(`ws://127.0.0.1:${port}`)).closed();
    expect(refused.error?.code).toBe('ECONNREFUSED');
    expect(refused.log[1]).toBe('close 1006');
    const failure = Object.assign(new Error('no such host'), { code: 'ENOTFOUND' });
    const unknown = new WebSocket('ws://made-up.invalid', {
      lookup: (_name, _options, callback) => callback(failure, ''),
    });
    expect((await new Witness(unknown).closed()).log).toEqual(['error no such host', 'close 1006']);
  });
});
