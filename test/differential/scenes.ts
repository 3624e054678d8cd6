// Scenes of a Close that comes while something of ours still waits to be sent, as they are to come out on both
// implementations, and those that come out differently on purpose. Plays nothing by itself.

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inflateRawSync } from 'node:zlib';
import type { WebSocket } from '../../src/index.ts';
import { encodeClose, type FrameSpec, type RawPeer, type WireFrame } from '../support/wire.ts';
import type { Package } from './connect.ts';

const RSV1 = 4;
/** For the thread pool, and long enough for a FIN or RST to overtake it. */
const HUGE = randomBytes(6_000_000).toString('hex');
const LARGE = 'large '.repeat(10_000);
const LOST = 'The socket was closed while';
export const BYE = encodeClose(1000, 'bye');

/** What can be seen. */
export interface Outcome {
  /** Callbacks and events, with the state in which they came. */
  readonly log: string[];
  /** Frames that the peer got, decompressed. */
  readonly wire: string[];
  /** The state and the bytes that wait, when the peer's frames have been read. */
  waiting: [state: number, bufferedAmount: number];
}

/** One socket and its peer. */
export class Stage {
  readonly ws: WebSocket;
  readonly peer: RawPeer;
  readonly log: string[] = [];
  /** Callbacks that have not been called. */
  waiting = 0;
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
  readonly note = (name: string): ((error?: Error) => void) => {
    this.waiting++;
    return (error) => {
      this.waiting--;
      this.log.push(`${name}: ${error?.message ?? 'sent'} (${this.ws.readyState})`);
    };
  };

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

export interface Scene {
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
export const close = (body: Buffer): FrameSpec => ({ opcode: 8, payload: body });

export interface Case extends Scene {
  readonly expected: Partial<Outcome>;
}

const answer = `8:${BYE.toString('latin1')}`;
const ended = 'close 1000 bye true (3)';

/** What was sent is sent, the answer behind it. */
export const answered: Readonly<Record<string, Case>> = {
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
export const lost: Readonly<Record<string, Case>> = {
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
export const meant: Readonly<
  Record<string, Scene & { ours: Partial<Outcome>; theirs: Partial<Outcome> }>
> = {
  'A Ping or Pong does not wait': {
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
  'A frame made beforehand waits as all else does': {
    act: ({ ws, blob, frame }) => {
      ws.send(blob('blob'));
      ws._sender?.sendFrame(frame('made'));
    },
    ours: { log: [ended], wire: ['2:blob', '1:made', answer] },
    theirs: { log: [ended], wire: ['1:made', '2:blob', answer] },
  },
  'A Blob that cannot be read ends the connection with 1011': {
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
  'A fault of the peer is answered at once': {
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
