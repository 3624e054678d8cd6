// Every fault that a peer can commit, and every wrong call, on handfast and on the installed `ws`: the same
// class of error with the same code and words, the same Close on the wire, the same `close` event.

import { Buffer } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ServerOptions, WebSocket } from '../../src/index.ts';
import { decodeClose, encodeClose, encodeFrame, type FrameSpec } from '../support/wire.ts';
import { type Connecting, cleanUpWith, connect, ours, type Package, theirs } from './connect.ts';

const KEY = Buffer.from('a1b2c3d4', 'hex');
const RSV1 = 4;
const deflate = (plain: string | Buffer): Buffer =>
  deflateRawSync(plain, { finishFlush: 2 }).subarray(0, -4);

interface Fault extends Connecting {
  readonly frames: readonly FrameSpec[];
  /** Which end is to see the fault. Default both. */
  readonly role?: 'server' | 'client';
  /** Send a mask where there must be none, and none where there must be one. */
  readonly wrongMask?: boolean;
}

const HUGE = 2n ** 53n;
const faults: Readonly<Record<string, Fault>> = {
  'RSV1 without the extension': { frames: [{ opcode: 1, rsv: RSV1 }] },
  'RSV1 on a continuation': {
    deflate: true,
    frames: [
      { opcode: 1, rsv: RSV1, fin: false, payload: deflate('a') },
      { opcode: 0, rsv: RSV1, payload: deflate('b') },
    ],
  },
  'RSV1 on a Ping': { deflate: true, frames: [{ opcode: 9, rsv: RSV1 }] },
  RSV2: { frames: [{ opcode: 1, rsv: 2 }] },
  RSV3: { frames: [{ opcode: 2, rsv: 1 }] },
  'a continuation of nothing': { frames: [{ opcode: 0 }] },
  'text within a message': { frames: [{ opcode: 2, fin: false }, { opcode: 1 }] },
  'binary within a message': { frames: [{ opcode: 1, fin: false }, { opcode: 2 }] },
  'a reserved data opcode': { frames: [{ opcode: 3 }] },
  'a reserved control opcode': { frames: [{ opcode: 11 }] },
  'half a Ping': { frames: [{ opcode: 9, fin: false }] },
  'half a Close': { frames: [{ opcode: 8, fin: false }] },
  'a Ping of 126 bytes': { frames: [{ opcode: 9, payload: Buffer.alloc(126) }] },
  'a Pong of 64 KiB': { frames: [{ opcode: 10, payload: Buffer.alloc(65_536) }] },
  'the wrong kind of mask': { wrongMask: true, frames: [{ opcode: 1, payload: 'a' }] },
  'a length of 2^53': { frames: [{ opcode: 2, announcedLength: HUGE }] },
  'a message that is too long': {
    options: { maxPayload: 20 },
    frames: [{ opcode: 2, payload: Buffer.alloc(21) }],
  },
  'fragments that are too long together': {
    options: { maxPayload: 20 },
    frames: [
      { opcode: 2, fin: false, payload: Buffer.alloc(15) },
      { opcode: 0, payload: Buffer.alloc(15) },
    ],
  },
  'a message that is too long when decompressed': {
    deflate: true,
    options: { maxPayload: 25 },
    frames: [{ opcode: 1, rsv: RSV1, payload: deflate('A'.repeat(50)) }],
  },
  'fragments that are too long together when decompressed': {
    deflate: true,
    options: { maxPayload: 25 },
    frames: [
      {
        opcode: 1,
        rsv: RSV1,
        fin: false,
        payload: deflateRawSync('A'.repeat(15), { finishFlush: 2 }),
      },
      { opcode: 0, payload: deflate('A'.repeat(15)) },
    ],
  },
  'more fragments than allowed': {
    options: { maxFragments: 2 },
    frames: [{ opcode: 1, fin: false }, { opcode: 0, fin: false }, { opcode: 0 }],
  },
  'text that is no UTF-8': { frames: [{ opcode: 1, payload: Buffer.from([0x80]) }] },
  'text that breaks off within a character': {
    frames: [
      { opcode: 1, fin: false, payload: Buffer.from('cebae1bdb9cf83cebc', 'hex') },
      { opcode: 0, payload: Buffer.from('ceb5eda080', 'hex') },
    ],
  },
  'compressed text that is no UTF-8': {
    deflate: true,
    frames: [{ opcode: 1, rsv: RSV1, payload: deflate(Buffer.from([0xff])) }],
  },
  'a Close of one byte': { frames: [{ opcode: 8, payload: Buffer.alloc(1) }] },
  'a Close with a code of 0': { frames: [{ opcode: 8, payload: encodeClose(0) }] },
  'a Close with a code of 1005': { frames: [{ opcode: 8, payload: encodeClose(1005) }] },
  'a Close with a code of 2999': { frames: [{ opcode: 8, payload: encodeClose(2999) }] },
  'a Close with a code of 5000': { frames: [{ opcode: 8, payload: encodeClose(5000) }] },
  'a Close with a reason that is no UTF-8': {
    frames: [{ opcode: 8, payload: encodeClose(1007, Buffer.from('cebae1bd', 'hex')) }],
  },
};

/** What an application and a peer see of a fault. */
async function outcomeOf(
  subject: Package,
  role: 'server' | 'client',
  fault: Fault,
): Promise<object> {
  const [socket, peer] = await connect(subject, role, fault);
  const errors: object[] = [];
  socket.on('error', (error) => errors.push(seen(error)));
  const closed = new Promise<object>((resolve) => {
    socket.on('close', (code, reason) => resolve([code, String(reason)]));
  });
  const isMasked = (peer.role === 'client') !== (fault.wrongMask ?? false);
  const mask = isMasked ? KEY : (false as const);
  await peer.send(Buffer.concat(fault.frames.map((frame) => encodeFrame({ mask, ...frame }))));
  const close = (await peer.nextFrame()).payload;
  peer.end();
  return { errors, closed: await closed, wire: decodeClose(close) };
}

/**
 * Class, code and words of an error; our own classes count as those that they are built on. What is no
 * text is a plain Error in `ws`, where all that a peer can do wrong is a RangeError here.
 */
function seen(error: unknown): object {
  const { code, message } = error as { code?: string; message: string };
  const classes = code === 'WS_ERR_INVALID_UTF8' ? [] : [RangeError, TypeError, SyntaxError];
  const is = [...classes, Error].find((each) => error instanceof each);
  return { is: is?.name, code, message };
}

describe.each(Object.entries(faults))('%s', (_, fault) => {
  const roles = fault.role ? [fault.role] : (['server', 'client'] as const);
  it.each(roles)('is the same fault to a %s as in ws', async (role) => {
    const mine = await outcomeOf(ours, role, fault);
    expect(mine).toEqual(await outcomeOf(theirs, role, fault));
    expect(mine).toMatchObject({
      errors: [{ is: expect.stringMatching('Error') }],
      closed: [1006, ''],
    });
  });
});

/** A transport that takes everything and brings nothing. */
class Sink extends Duplex {
  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
  }
}

/** A socket that a server made. */
function openOn({ Socket }: Package): WebSocket {
  const socket = new Socket(null, undefined, { autoPong: true });
  socket.setSocket(new Sink(), Buffer.alloc(0), {
    maxPayload: 0,
    skipUTF8Validation: false,
  });
  cleanUpWith(() => socket.terminate());
  return socket;
}

const dead = 'ws://127.0.0.1:1';
const given = (options: object) => options as ServerOptions;
const calls: Readonly<Record<string, (subject: Package) => unknown>> = {
  'an address that is none': ({ Socket }) => new Socket('foo'),
  'an address of another scheme': ({ Socket }) => new Socket('bad-scheme://host'),
  'a Unix address without a path': ({ Socket }) => new Socket('ws+unix:'),
  'an address with a fragment': ({ Socket }) => new Socket('wss://host#foo'),
  'an empty subprotocol': ({ Socket }) => new Socket(dead, ''),
  'a subprotocol that is no token': ({ Socket }) => new Socket(dead, 'a,b'),
  'a subprotocol twice': ({ Socket }) => new Socket(dead, ['a', 'a']),
  'a subprotocol twice among the options': ({ Socket }) =>
    new Socket(dead, { protocols: ['a', 'a'] }),
  'null as a subprotocol': ({ Socket }) => new Socket(dead, null as never),
  'send() while connecting': ({ Socket }) => new Socket(null, undefined, {}).send('a'),
  'ping() while connecting': ({ Socket }) => new Socket(null, undefined, {}).ping(),
  'pong() while connecting': ({ Socket }) => new Socket(null, undefined, {}).pong(),
  'a Ping of 126 bytes': (subject) => openOn(subject).ping(Buffer.alloc(126)),
  'a Pong of 126 bytes': (subject) => openOn(subject).pong('é'.repeat(63)),
  'a Ping with a Blob of 126 bytes': (subject) => openOn(subject).ping(new Blob(['x'.repeat(126)])),
  'a close code that may not be sent': (subject) => openOn(subject).close(1005),
  'a close code that is none': (subject) => openOn(subject).close(-1),
  'a close code that is a string': (subject) => openOn(subject).close('1000' as never),
  'a close code that is null': (subject) => openOn(subject).close(null as never),
  'a close reason of 124 bytes': (subject) => openOn(subject).close(1000, 'a'.repeat(124)),
  'a close reason of other bytes': (subject) =>
    openOn(subject).close(1000, new Uint16Array(2) as never),
  'no options': ({ Server }) => new Server(undefined as never),
  'options without a port': ({ Server }) => new Server({}),
  'options with a port and a server': ({ Server }) =>
    new Server(given({ port: 0, noServer: true })),
  'address() without a server': ({ Server }) => new Server({ noServer: true }).address(),
  'a socket that has been upgraded': ({ Server }) => {
    const socket = new Sink();
    cleanUpWith(() => socket.destroy());
    const request = {
      method: 'GET',
      url: '/',
      httpVersion: '1.1',
      httpVersionMajor: 1,
      httpVersionMinor: 1,
      headers: {
        host: 'a',
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'sec-websocket-version': '13',
      },
    } as unknown as IncomingMessage;
    const server = new Server({ noServer: true });
    server.handleUpgrade(request, socket, Buffer.alloc(0), () => {});
    server.handleUpgrade(request, socket, Buffer.alloc(0), () => {});
  },
};

describe.each(Object.entries(calls))('%s', (_, call) => {
  it('is refused as in ws', () => {
    const refusal = (subject: Package): unknown => {
      try {
        return call(subject);
      } catch (error) {
        return seen(error);
      }
    };
    const mine = refusal(ours);
    expect(mine).toEqual(refusal(theirs));
    expect(mine).toMatchObject({ message: expect.stringMatching(/\w/) });
  });
});
