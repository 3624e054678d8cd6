// The same opening requests to a handfast server and to a `ws` server, both behind an HTTP server of Node's:
// who is let in with what, who is refused with which status and words. What differs on purpose is named.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from '../../src/index.ts';
import { known } from '../support/known.ts';

const SEED = Number(process.env.HANDFAST_SEED ?? 6455);
const RUNS = Math.ceil(400 * Number(process.env.HANDFAST_RUNS ?? 1));
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/** An opening request; undefined for a field that is not there. */
interface Request {
  readonly method: string;
  readonly target: string;
  readonly deflate: boolean;
  readonly upgrade: string;
  readonly connection: string;
  readonly key: string | undefined;
  readonly version: string | undefined;
  readonly protocol: string | undefined;
  readonly extensions: string | undefined;
}

const good: Request = {
  method: 'GET',
  target: '/chat',
  deflate: false,
  upgrade: 'websocket',
  connection: 'Upgrade',
  key: KEY,
  version: '13',
  protocol: undefined,
  extensions: undefined,
};

/** Mostly the first, which is in order. */
const mostly = <Value>(usual: Value, ...others: Value[]): fc.Arbitrary<Value> =>
  fc.oneof(
    { weight: 5, arbitrary: fc.constant(usual) },
    { weight: 2, arbitrary: fc.constantFrom(...others) },
  );

const DEFLATE = 'permessage-deflate';
const request: fc.Arbitrary<Request> = fc.record({
  method: mostly('GET', 'POST', 'PUT'),
  target: mostly('/chat', '/chat?a=b', '/', '/chat/', '/CHAT'),
  deflate: fc.boolean(),
  upgrade: mostly('websocket', 'WebSocket', 'WEBSOCKET', 'h2c', 'websocket2'),
  connection: mostly('Upgrade', 'upgrade', 'keep-alive, Upgrade', 'Upgrade,keep-alive'),
  key: mostly<string | undefined>(KEY, undefined, '', 'short', `${KEY}=`, KEY.slice(0, -2)),
  version: mostly<string | undefined>('13', undefined, '', '12', '14', 'thirteen'),
  protocol: mostly<string | undefined>(undefined, 'a', 'a, b', 'b,a', 'a,a', 'a b', ''),
  extensions: mostly<string | undefined>(
    undefined,
    DEFLATE,
    `${DEFLATE}; client_max_window_bits`,
    `${DEFLATE}; server_no_context_takeover; server_max_window_bits=10`,
    `${DEFLATE}; client_max_window_bits=9, ${DEFLATE}`,
    'x-other',
    `x-other; a=1, ${DEFLATE}`,
  ),
});

const offer = (rest: string): Partial<Request> => ({
  deflate: true,
  extensions: `${DEFLATE}${rest}`,
});

function textOf(asked: Request): string {
  const fields: [string, string | undefined][] = [
    ['Host', '127.0.0.1'],
    ['Upgrade', asked.upgrade],
    ['Connection', asked.connection],
    ['Sec-WebSocket-Key', asked.key],
    ['Sec-WebSocket-Version', asked.version],
    ['Sec-WebSocket-Protocol', asked.protocol],
    ['Sec-WebSocket-Extensions', asked.extensions],
  ];
  const lines = fields.filter(([, value]) => value !== undefined).map((field) => field.join(': '));
  return [`${asked.method} ${asked.target} HTTP/1.1`, ...lines, '', ''].join('\r\n');
}

/** One HTTP server with two WebSocket servers of one implementation, told apart by the query of the test. */
class Subject {
  readonly #server: Server = createServer();
  readonly #kinds: Record<string, InstanceType<typeof WebSocketServer>>;

  constructor(Class: typeof WebSocketServer) {
    this.#kinds = {
      plain: new Class({ noServer: true, path: '/chat' }),
      deflate: new Class({ noServer: true, path: '/chat', perMessageDeflate: true }),
    };
    this.#server.on('upgrade', (incoming, socket, head) => {
      const kind = this.#kinds[incoming.headers['x-kind'] as string] as WebSocketServer;
      kind.handleUpgrade(incoming, socket, head, (ws) => ws.terminate());
    });
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** The status, the fields of the handshake, and the body. */
  async ask(asked: Request): Promise<Record<string, string | undefined>> {
    const { port } = this.#server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    const kind = asked.deflate ? 'deflate' : 'plain';
    socket.write(textOf(asked).replace('\r\n', `\r\nX-Kind: ${kind}\r\n`));
    let answer = '';
    for await (const chunk of socket.setEncoding('latin1')) answer += chunk;
    const [head = '', body] = answer.split('\r\n\r\n');
    const field = (name: string): string | undefined =>
      head.match(new RegExp(`^${name}: ?(.*)$`, 'im'))?.[1]?.trim();
    return {
      status: head.split(' ')[1],
      accept: field('Sec-WebSocket-Accept'),
      protocol: field('Sec-WebSocket-Protocol'),
      extensions: field('Sec-WebSocket-Extensions'),
      body: head.startsWith('HTTP/1.1 101') ? '' : body,
    };
  }
}

const ours = new Subject(WebSocketServer);
const theirs = new Subject((known as unknown as { Server: typeof WebSocketServer }).Server);
beforeAll(async () => {
  await ours.listen();
  await theirs.listen();
});
afterAll(async () => {
  await ours.close();
  await theirs.close();
});

describe('opening requests beside ws', () => {
  it(`are answered alike (seed ${SEED}, ${RUNS} requests)`, async () => {
    const compare = async (asked: Request): Promise<void> => {
      const [mine, other] = await Promise.all([ours.ask(asked), theirs.ask(asked)]);
      // Of two faults either may be named: here the path is looked at last.
      if (mine.status === '400' && other.body === 'Bad Request') mine.body = 'Bad Request';
      expect(mine).toEqual(other);
    };
    await fc.assert(fc.asyncProperty(request, compare), { seed: SEED, numRuns: RUNS });
  });

  it.each<[string, Partial<Request>, string, string]>([
    ['in order', {}, '101', '101'],
    ['of protocol version 8', { version: '8' }, '400', '101'],
    ['with a version that is not written as 13', { version: '013' }, '400', '101'],
    ['with an empty element in a list', { protocol: 'a,' }, '101', '400'],
    ['with several protocols to upgrade to', { upgrade: 'h2c, websocket' }, '101', '400'],
    ['with an offer that makes no sense', offer('; server_max_window_bits=99'), '101', '400'],
    ['with malformed extensions', { extensions: ';' }, '400', '101'],
    ['with malformed extensions where they count', offer(';'), '400', '400'],
  ])('on purpose: a request %s', async (_, part, mine, other) => {
    const asked = { ...good, ...part };
    expect([(await ours.ask(asked)).status, (await theirs.ask(asked)).status]).toEqual([
      mine,
      other,
    ]);
  });
});
