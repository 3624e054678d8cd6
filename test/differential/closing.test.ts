// The peer's Close while something of ours still waits to be sent (§5.5.1), on handfast and on the installed
// `ws`: what leaves, in which order, and what the application is told, by callbacks, events and attributes.

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { WebSocket } from '../../src/index.ts';
import {
  encodeClose,
  encodeFrame,
  type FrameSpec,
  type RawPeer,
  type WireFrame,
} from '../support/wire.ts';
import { connect, ours, type Package, theirs } from './connect.ts';

type Role = 'client' | 'server';

const KEY = Buffer.from('a1b2c3d4', 'hex');
const RSV1 = 4;
/** For the thread pool, and long enough for a FIN or RST to overtake it. */
const HUGE = randomBytes(3_000_000).toString('hex');
const LARGE = 'large '.repeat(10_000);
const LOST = 'The socket was closed while';
const BYE = encodeClose(1000, 'bye');

/** What can be seen. */
interface Outcome {
  /** Callbacks and events, with the state in which they came. */
  readonly log: string[];
  /** Frames that the peer got, decompressed. */
  readonly wire: string[];
  /** The state and the bytes that wait, when the peer's frames have been read. */
  waiting: [state: number, bufferedAmount: number];
}

/** One socket and its peer. */
class Stage {
  readonly ws: WebSocket;
  readonly peer: RawPeer;
  readonly log: string[] = [];
  /** Lets all Blobs be read, from now on. */
  release: () => void = () => {};
  readonly #subject: Package;
  readonly #released = new Promise<void>((resolve) => {
    this.release = resolve;
  });

  constructor(subject: Package, ws: WebSocket, peer: RawPeer) {
    this.#subject = subject;
    this.ws = ws;
    this.peer = peer;
    ws.on('error', ({ message }: Error) => this.log.push(`error ${message} (${ws.readyState})`));
    ws.addEventListener('close', ({ code, reason, wasClean }) => {
      this.log.push(`close ${code} ${reason} ${wasClean} (${ws.readyState})`);
    });
  }

  /** A callback. */
  readonly note =
    (name: string) =>
    (error?: Error): void =>
      void this.log.push(`${name}: ${error?.message ?? 'sent'} (${this.ws.readyState})`);

  /** A Blob that can be read when `release` is called. */
  readonly blob = (text: string): Blob => {
    const blob = new Blob([text]);
    const read = blob.arrayBuffer;
    blob.arrayBuffer = () => this.#released.then(() => read.call(blob));
    return blob;
  };

  /** A whole text message, encoded. */
  readonly frame = (text: string): Buffer[] => {
    const options = { opcode: 1, fin: true, rsv1: false, mask: this.peer.role === 'server' };
    return this.#subject.Socket.Sender.frame(Buffer.from(text), { ...options, readOnly: true });
  };

  /** What has come, messages whole and decompressed. */
  get wire(): string[] {
    const lines: string[] = [];
    let parts: WireFrame[] = [];
    for (const frame of this.peer.frames()) {
      const isControl = frame.opcode >= 8;
      if (!isControl) parts.push(frame);
      if (isControl) lines.push(`${frame.opcode}:${frame.payload.toString('latin1')}`);
      else if (frame.fin) {
        lines.push(toLine(parts));
        parts = [];
      }
    }
    return lines;
  }
}

/** A message in short: its opcode, whether it was compressed, what it says, in how many frames. */
function toLine(parts: readonly WireFrame[]): string {
  const [{ opcode, rsv }] = parts as [WireFrame];
  const payload = Buffer.concat(parts.map((part) => part.payload));
  const plain = rsv === RSV1 ? inflateRawSync(payload, { finishFlush: 2 }) : payload;
  const text = plain.length > 40 ? `${plain.length} bytes` : plain.toString();
  return `${opcode}${rsv === RSV1 ? 'z' : ''}:${text}${parts.length > 1 ? ` in ${parts.length}` : ''}`;
}

interface Scene {
  /** What the application does, just before it reads the peer's frames. */
  readonly act: (stage: Stage) => void;
  /** What the peer sends behind that. Default: a Close with 1000. */
  readonly frames?: readonly FrameSpec[];
  /** What happens next. Default: the Blobs can be read. */
  readonly next?: (stage: Stage) => unknown;
  readonly closeTimeout?: number;
  /** Bytes in our Close that waits. Default: those of the answer. */
  readonly waitingClose?: number;
}

/** A Blob whose file is gone. */
function unreadable(): Blob {
  const blob = new Blob(['gone']);
  blob.arrayBuffer = () => Promise.reject(new Error('gone'));
  return blob;
}

const EMPTY = Buffer.alloc(0);
const close = (body: Buffer): FrameSpec => ({ opcode: 8, payload: body });

/** Plays a scene to its end. */
async function play(subject: Package, role: Role, scene: Scene): Promise<Outcome> {
  const { act, frames = [close(BYE)], next = (stage: Stage) => stage.release() } = scene;
  const options = { closeTimeout: scene.closeTimeout ?? 10_000 };
  const [ws, peer] = await connect(subject, role, { deflate: true, options });
  const stage = new Stage(subject, ws, peer);
  const outcome: Outcome = { log: stage.log, wire: [], waiting: [0, 0] };
  const closed = new Promise<void>((resolve) => ws.once('close', () => resolve()));
  const read = new Promise<void>((resolve) => {
    ws.once('message', () => {
      act(stage);
      // By then the rest of the chunk has been read.
      process.nextTick(() => {
        outcome.waiting = [ws.readyState, ws.bufferedAmount];
        resolve();
      });
    });
  });
  const mask = peer.role === 'client' ? KEY : (false as const);
  const all = [{ opcode: 1, payload: 'begin' }, ...frames];
  await peer.send(Buffer.concat(all.map((frame) => encodeFrame({ mask, ...frame }))));
  await read;
  await next(stage);
  // The peer ends the transport when a Close or the end of ours has come, unless it has done so before.
  const isOver = (): boolean =>
    peer.finished !== undefined || stage.wire.some((line) => line.startsWith('8:'));
  await Promise.race([closed, peer.until(isOver, 9000).catch(() => {})]);
  peer.end();
  await closed;
  stage.release();
  await sleep(20);
  outcome.wire.push(...stage.wire);
  return outcome;
}

/**
 * Plays a scene on both. `bufferedAmount` of `ws` counts the Close that waits as well, ours what was sent
 * by `send`, `ping` and `pong` (WHATWG §3.1).
 */
async function both(role: Role, scene: Scene): Promise<[Outcome, Outcome]> {
  const mine = await play(ours, role, scene);
  const other = await play(theirs, role, scene);
  other.waiting[1] -= scene.waitingClose ?? BYE.length;
  return [mine, other];
}

interface Case extends Scene {
  readonly expected: Partial<Outcome>;
}

const answer = `8:${BYE.toString('latin1')}`;
const ended = 'close 1000 bye true (3)';

/** What was sent is sent, the answer behind it. */
const answered: Readonly<Record<string, Case>> = {
  'a large message that is being compressed': {
    act: ({ ws, note }) => ws.send(LARGE, note('large')),
    expected: {
      log: ['large: sent (2)', ended],
      wire: ['1z:60000 bytes', answer],
      waiting: [2, LARGE.length],
    },
  },
  'a Blob that is being read': {
    act: ({ ws, note, blob }) => ws.send(blob('blob'), note('blob')),
    expected: { log: ['blob: sent (2)', ended], wire: ['2:blob', answer], waiting: [2, 4] },
  },
  'a Blob that is being compressed': {
    act: ({ ws, note, blob }) => ws.send(blob(LARGE), note('blob')),
    expected: { log: ['blob: sent (2)', ended], wire: ['2z:60000 bytes', answer] },
  },
  'several messages, and a Ping and a Pong among them': {
    act: ({ ws, note, blob }) => {
      ws.send(LARGE, note('a'));
      ws.send('small', note('b'));
      ws.send(blob('slow'), { binary: false }, note('c'));
      ws.ping(blob('ping'), undefined, note('d'));
      ws.send(LARGE, { compress: false }, note('e'));
      ws.send(LARGE, { fin: false }, note('f'));
      ws.pong(blob('pong'), undefined, note('g'));
      ws.send('rest', note('h'));
    },
    expected: {
      log: [...Array.from('abcdefgh', (name) => `${name}: sent (2)`), ended],
      wire: [
        ...['1z:60000 bytes', '1:small', '1:slow', '9:ping', '1:60000 bytes'],
        ...['10:pong', '1z:60004 bytes in 2', answer],
      ],
      waiting: [2, 3 * LARGE.length + 5 + 4 + 4 + 4 + 4],
    },
  },
  'what waits, without a code if none came': {
    act: ({ ws, note, blob }) => ws.send(blob('blob'), note('blob')),
    frames: [close(EMPTY)],
    waitingClose: 0,
    expected: { log: ['blob: sent (2)', 'close 1005  true (3)'], wire: ['2:blob', '8:'] },
  },
  'what waits, and what is sent after it is too late': {
    act: ({ ws, note, blob }) => ws.send(blob('blob'), note('blob')),
    next: async (stage) => {
      const { ws, note } = stage;
      const before = ws.bufferedAmount;
      ws.send('late', note('late'));
      ws.ping('late', undefined, note('ping'));
      ws.close(3000);
      stage.log.push(`${ws.readyState} ${ws.bufferedAmount - before}`);
      await sleep(5);
      stage.release();
    },
    expected: {
      log: [
        ...['2 8', 'late: WebSocket is not open: readyState 2 (CLOSING) (2)'],
        ...['ping: WebSocket is not open: readyState 2 (CLOSING) (2)', 'blob: sent (2)', ended],
      ],
      wire: ['2:blob', answer],
    },
  },
  'what waits, with the code that close() was given before it came': {
    act: ({ ws, note, blob }) => {
      ws.send(LARGE, note('a'));
      ws.send(blob('blob'), note('b'));
      ws.close(3001, 'mine');
    },
    waitingClose: 6,
    expected: {
      log: ['a: sent (2)', 'b: sent (2)', ended],
      wire: ['1z:60000 bytes', '2:blob', `8:${encodeClose(3001, 'mine').toString('latin1')}`],
      waiting: [2, LARGE.length + 4],
    },
  },
  'what waits, whatever the peer sends behind it': {
    act: ({ ws, note, blob }) => ws.send(blob('blob'), note('blob')),
    frames: [close(BYE), { opcode: 1, payload: 'x' }, { opcode: 3 }, close(encodeClose(3000))],
    expected: { log: ['blob: sent (2)', ended], wire: ['2:blob', answer] },
  },
  'a message that the application sends when it hears of one': {
    act: ({ ws, note, blob }) => {
      ws.send(blob('one'), (error) => {
        note('one')(error);
        ws.send('two', note('two'));
      });
    },
    expected: {
      log: ['one: sent (2)', 'two: WebSocket is not open: readyState 2 (CLOSING) (2)', ended],
      wire: ['2:one', answer],
    },
  },
};

/** What was sent is lost, and all are told. */
const lost: Readonly<Record<string, Case>> = {
  'the transport ends, and a Blob is being read': {
    act: ({ ws, note, blob }) => {
      ws.send(blob('blob'), note('a'));
      ws.send('text', note('b'));
    },
    next: ({ peer }) => peer.end(),
    expected: {
      log: [
        'close 1000 bye false (3)',
        `a: ${LOST} the blob was being read (3)`,
        `b: ${LOST} the blob was being read (3)`,
      ],
      wire: [],
    },
  },
  'the transport ends, and a large message is being compressed': {
    act: ({ ws, note }) => {
      ws.send(HUGE, note('a'));
      ws.send('text', note('b'));
    },
    next: ({ peer }) => peer.end(),
    expected: {
      log: [
        `a: ${LOST} data was being compressed (2)`,
        `b: ${LOST} data was being compressed (2)`,
        'close 1000 bye false (3)',
      ],
      wire: [],
    },
  },
  'the transport is reset, and a Blob is being read': {
    act: ({ ws, note, blob }) => ws.send(blob('blob'), note('a')),
    next: ({ peer }) => peer.socket.resetAndDestroy(),
    expected: {
      log: ['close 1000 bye false (3)', `a: ${LOST} the blob was being read (3)`],
      wire: [],
    },
  },
  'the transport is reset, and a large message is being compressed': {
    act: ({ ws, note }) => ws.send(HUGE, note('a')),
    next: ({ peer }) => peer.socket.resetAndDestroy(),
    expected: { log: [`a: ${LOST} data was being compressed (2)`, 'close 1000 bye false (3)'] },
  },
  'terminate() is called': {
    act: ({ ws, note, blob }) => ws.send(blob('blob'), note('a')),
    next: ({ ws }) => ws.terminate(),
    expected: {
      log: ['close 1000 bye false (3)', `a: ${LOST} the blob was being read (3)`],
      wire: [],
    },
  },
  'closeTimeout has passed': {
    act: ({ ws, note, blob }) => ws.send(blob('blob'), note('a')),
    next: () => {},
    closeTimeout: 50,
    expected: {
      log: ['close 1000 bye false (3)', `a: ${LOST} the blob was being read (3)`],
      wire: [],
    },
  },
  'closeTimeout has passed since close() was called, and no Close came': {
    act: ({ ws, note, blob }) => {
      ws.send(blob('blob'), note('a'));
      ws.close(3000);
    },
    frames: [],
    next: () => {},
    waitingClose: 2,
    closeTimeout: 50,
    expected: {
      log: ['close 1006  false (3)', `a: ${LOST} the blob was being read (3)`],
      wire: [],
    },
  },
};

/** What differs on purpose; docs/migrating-from-ws.md has the reasons. */
const meant: Readonly<
  Record<string, Scene & { ours: Partial<Outcome>; theirs: Partial<Outcome> }>
> = {
  'Pings and Pongs do not wait, nor does close() for them': {
    act: ({ ws, note, blob }) => {
      ws.send(blob('blob'), note('blob'));
      ws.ping('ping', undefined, note('ping'));
      ws.pong('pong', undefined, note('pong'));
      ws.close(3001);
    },
    ours: {
      log: ['ping: sent (2)', 'pong: sent (2)', 'blob: sent (2)', ended],
      wire: ['9:ping', '10:pong', '2:blob', `8:${encodeClose(3001).toString('latin1')}`],
    },
    theirs: {
      log: ['blob: sent (2)', 'ping: sent (2)', 'pong: sent (2)', ended],
      wire: ['2:blob', '9:ping', '10:pong', `8:${encodeClose(3001).toString('latin1')}`],
    },
  },
  'a frame made beforehand waits as all else does': {
    act: ({ ws, blob, frame }) => {
      ws.send(blob('blob'));
      ws._sender?.sendFrame(frame('made'));
    },
    ours: { log: [ended], wire: ['2:blob', '1:made', answer] },
    theirs: { log: [ended], wire: ['1:made', '2:blob', answer] },
  },
  'a Blob that cannot be read is told to the peer, with 1011': {
    act: ({ ws, note }) => {
      ws.send(unreadable(), note('blob'));
      ws.send('behind', note('behind'));
    },
    ours: {
      log: [...['blob: gone (2)', 'error gone (2)', 'behind: gone (2)', 'close 1000 bye true (3)']],
      wire: [`8:${encodeClose(1011).toString('latin1')}`],
    },
    theirs: {
      log: [
        ...['blob: gone (2)', 'behind: gone (2)', 'error gone (2)', 'close 1000 bye false (3)'],
      ],
      wire: [],
    },
  },
  'a fault of the peer is answered at once': {
    act: ({ ws, note, blob }) => ws.send(blob('blob'), note('blob')),
    frames: [{ opcode: 3 }],
    ours: {
      log: [
        'error Invalid WebSocket frame: invalid opcode 3 (2)',
        `blob: ${LOST} the blob was being read (2)`,
        'close 1006  false (3)',
      ],
      wire: [`8:${encodeClose(1002).toString('latin1')}`],
    },
    theirs: {
      log: [
        'error Invalid WebSocket frame: invalid opcode 3 (2)',
        'blob: sent (2)',
        'close 1006  false (3)',
      ],
      wire: ['2:blob', `8:${encodeClose(1002).toString('latin1')}`],
    },
  },
};

describe.each(['server', 'client'] as const)('a Close that comes to a %s', (role) => {
  it.each(Object.entries(answered))(
    '[6455-5.5.1-h] [6455-5.5.1-j] is answered behind %s',
    async (_, { expected, ...scene }) => {
      const [mine, other] = await both(role, scene);
      expect(mine).toEqual(other);
      expect(mine).toMatchObject(expected);
    },
  );

  it.each(Object.entries(meant))('on purpose: %s', async (_, { ours, theirs, ...scene }) => {
    const [mine, other] = await both(role, scene);
    expect(mine).toMatchObject(ours);
    expect(other).toMatchObject(theirs);
  });

  it.each(Object.entries(lost))('is not answered when %s', async (_, { expected, ...scene }) => {
    const [mine, other] = await both(role, scene);
    expect(mine).toEqual(other);
    expect(mine).toMatchObject(expected);
  });
});
