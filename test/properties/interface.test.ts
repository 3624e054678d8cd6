// What the interface throws, and when: a model written from the standard's tables and from what
// docs/decisions.md takes from ws instead, against the class in each of its four states; and the
// constructor beside another implementation of the standard.

import { Buffer } from 'node:buffer';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { WebSocket as StandardWebSocket } from 'undici';
import { describe, expect, it } from 'vitest';
import { WebSocket } from '../../src/index.ts';
import { runs } from './arbitraries.ts';

type State = 'CONNECTING' | 'OPEN' | 'CLOSING' | 'CLOSED';

/** A transport that takes everything and never says a word. */
function silence(): Duplex {
  return new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
}

/** A client in a state, without a peer. */
async function clientIn(state: State): Promise<WebSocket> {
  const socket = new WebSocket(null, undefined, { isServer: false });
  if (state === 'CONNECTING') return socket;
  socket.setSocket(silence(), Buffer.alloc(0));
  if (state === 'CLOSING') socket.close();
  if (state === 'CLOSED') {
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.terminate();
    await closed;
  }
  return socket;
}

/** The class of what `action` throws; 'nothing' if it returns. */
function thrownBy(action: () => void): string {
  try {
    action();
  } catch (error) {
    return (error as Error).constructor.name;
  }
  return 'nothing';
}

const state = fc.constantFrom<State>('CONNECTING', 'OPEN', 'CLOSING', 'CLOSED');

describe('the interface, against its tables', () => {
  const code = fc.oneof(
    fc.constant(undefined),
    fc.integer({ min: 990, max: 1020 }),
    fc.constantFrom(0, 2999, 3000, 4999, 5000, 65_536, -1, 1000.5, Number.NaN, null, '1000'),
  );
  const reason = fc.oneof(
    fc.constant(undefined),
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.integer({ min: 120, max: 126 }).map((length) => 'r'.repeat(length)),
    fc.integer({ min: 40, max: 43 }).map((length) => '€'.repeat(length)),
  );

  /** §7.4: what may be sent. */
  function mayBeSent(value: unknown): boolean {
    if (typeof value !== 'number' || !Number.isInteger(value)) return false;
    if (value >= 3000 && value <= 4999) return true;
    return value >= 1000 && value <= 1014 && ![1004, 1005, 1006].includes(value);
  }

  it('[wh-3.1-close-e] [wh-3.1-close-g] [6455-7.4-b] close() throws by code, then by reason, only where it sends, and then changes nothing (property 30)', async () => {
    const property = fc.asyncProperty(state, code, reason, async (from, code, reason) => {
      const socket = await clientIn(from);
      const before = socket.readyState;
      let expected = 'nothing';
      if (from === 'OPEN') {
        const length = Buffer.byteLength(reason ?? '');
        if (code !== undefined && !mayBeSent(code)) expected = 'TypeError';
        else if (length > 123) expected = 'RangeError';
      }
      expect(thrownBy(() => socket.close(code as never, reason))).toBe(expected);
      const moves = expected === 'nothing' && (from === 'OPEN' || from === 'CONNECTING');
      expect(socket.readyState).toBe(moves ? socket.CLOSING : before);
      socket.terminate();
    });
    await fc.assert(property, runs(300));
  });

  const data = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.uint8Array({ maxLength: 20 }),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => bytes.slice().buffer as ArrayBuffer),
    fc.integer(),
    fc.constantFrom<unknown>({}, Symbol('s'), () => {}, true, new Date(0)),
  );

  it('[wh-3.1-send-b] send() throws while CONNECTING, and for what cannot be sent; later it only counts (property 30)', async () => {
    const property = fc.asyncProperty(state, data, async (from, data) => {
      const socket = await clientIn(from);
      const before = socket.bufferedAmount;
      const sendable =
        ['string', 'number'].includes(typeof data) ||
        data instanceof ArrayBuffer ||
        data instanceof Uint8Array;
      const expected = from === 'CONNECTING' ? 'Error' : sendable ? 'nothing' : 'TypeError';
      expect(thrownBy(() => socket.send(data as string))).toBe(expected);
      const length =
        data instanceof ArrayBuffer || data instanceof Uint8Array
          ? data.byteLength
          : Buffer.byteLength(String(data));
      const grows = expected === 'nothing';
      expect(socket.bufferedAmount - before).toBe(grows ? length : 0);
      socket.terminate();
    });
    await fc.assert(property, runs(300));
  });

  it('[6455-5.5-d] ping() and pong() throw above 125 bytes, and while CONNECTING (property 30)', async () => {
    const method = fc.constantFrom('ping' as const, 'pong' as const);
    const length = fc.integer({ min: 120, max: 130 });
    const property = fc.asyncProperty(state, method, length, async (from, method, length) => {
      const socket = await clientIn(from);
      const expected =
        from === 'CONNECTING'
          ? 'Error'
          : from === 'OPEN' && length > 125
            ? 'RangeError'
            : 'nothing';
      expect(thrownBy(() => socket[method](Buffer.alloc(length)))).toBe(expected);
      socket.terminate();
    });
    await fc.assert(property, runs(150));
  });
});

describe('the constructor, beside undici', () => {
  const address = fc
    .tuple(
      fc.constantFrom('ws:', 'ws:', 'WS:', 'wss:', 'http:', 'https:', 'ftp:', 'about:', ''),
      fc.constantFrom(
        '//127.0.0.1',
        '//localhost:1',
        '//[::1]:1',
        '//127.1:80',
        '//a b',
        '//:1',
        '',
      ),
      fc.constantFrom('', '/', '/a/../b', '/ä?ö=ü', '/x?', '?q', '/%23', ':1/x', ':443', ':80'),
      fc.constantFrom('', '', '', '#', '#f'),
    )
    .map((parts) => parts.join(''));
  const protocol = fc.constantFrom('chat', 'v1.2', '__proto__', 'a b', '', 'a,b', 'é', 'a/b');
  const names = fc.uniqueArray(fc.constantFrom('chat', 'v1.2', '__proto__'), { maxLength: 3 });
  const protocols = fc.oneof(
    { weight: 4, arbitrary: names },
    { weight: 1, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: protocol },
    { weight: 1, arbitrary: fc.array(protocol, { maxLength: 3 }) },
  );

  it('[wh-3.1-f] [7936-2-a] takes names that differ in case for two, which undici 7 takes for one', () => {
    const socket = new WebSocket('ws://127.0.0.1:1', ['chat', 'Chat']);
    expect(socket.readyState).toBe(socket.CONNECTING);
    socket.terminate();
    const names = ['chat', 'Chat'];
    expect(() => new StandardWebSocket('ws://127.0.0.1:1', names)).toThrow('Protocol');
  });

  it('[wh-3.1-b] [wh-3.1-c] [wh-3.1-d] [wh-3.1-f] [wh-3.1-h] refuses the same with a SyntaxError, and serialises the rest alike (property 30)', () => {
    fc.assert(
      fc.property(address, protocols, (address, protocols) => {
        const verdict = (construct: () => { readonly url?: string | undefined }): string => {
          try {
            return `url ${construct().url}`;
          } catch (error) {
            return (error as Error).name;
          }
        };
        // What is constructed has not begun to do anything when it is given up.
        const ours = verdict(() => {
          const socket = new WebSocket(address, protocols);
          socket.terminate();
          return { url: socket.url };
        });
        const theirs = verdict(() => {
          const socket = new StandardWebSocket(address, protocols as string[]);
          socket.close();
          return { url: socket.url };
        });
        expect(ours).toBe(theirs);
      }),
      runs(200),
    );
  });
});
