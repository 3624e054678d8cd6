// A socket under test on one end of a stream in memory, a raw peer on the other. The near end counts
// its writes and can be made to stall; the peer speaks frames by hand and may break any rule.

import { Buffer } from 'node:buffer';
import { Duplex } from 'node:stream';
import type { Role } from '../../src/frame/rules.ts';
import type { SocketOptions } from '../../src/websocket/surface.ts';
import { BaseWebSocket } from '../../src/websocket/websocket.ts';
import { decodeFrames, encodeFrame, type FrameSpec, type WireFrame } from '../support/wire.ts';

const KEY = Buffer.from('0badcafe', 'hex');

type Done = (error?: Error | null) => void;

/** One end of a stream in memory; half-open capable, as an upgraded TCP socket is. */
export class MemorySocket extends Duplex {
  other: MemorySocket | null = null;
  /** What each single write carried. */
  readonly writes: Buffer[] = [];
  /** While true, a write is not taken until `drain` lets it. */
  stalled = false;
  #held: { bytes: Buffer; done: Done } | null = null;

  constructor(highWaterMark = 16_384) {
    super({ allowHalfOpen: true, highWaterMark });
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#take(Buffer.from(chunk), done);
  }

  override _writev(list: { chunk: Buffer }[], done: Done): void {
    this.#take(Buffer.concat(list.map(({ chunk }) => chunk)), done);
  }

  override _final(done: Done): void {
    this.other?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    const { other } = this;
    const held = this.#held;
    this.#held = null;
    done(error);
    // As net.Socket does: a write that is cut off ends without an error.
    held?.done();
    // A FIN if all had been read, as far as the other end can tell.
    if (other !== null && !other.destroyed && !this.writableFinished) other.destroy();
  }

  /** Takes the write that waits; the next one waits again unless `stalled` is false by then. */
  drain(): boolean {
    const held = this.#held;
    if (held === null) return false;
    this.#held = null;
    this.#pass(held.bytes, held.done);
    return true;
  }

  #take(bytes: Buffer, done: Done): void {
    if (this.stalled) this.#held = { bytes, done };
    else this.#pass(bytes, done);
  }

  #pass(bytes: Buffer, done: Done): void {
    this.writes.push(bytes);
    this.other?.push(Buffer.from(bytes));
    done();
  }
}

/** Two ends, connected. */
export function memoryPair(highWaterMark?: number): [MemorySocket, MemorySocket] {
  const near = new MemorySocket(highWaterMark);
  const far = new MemorySocket();
  near.other = far;
  far.other = near;
  return [near, far];
}

/** The other side, by hand. */
export class Peer {
  readonly socket: MemorySocket;
  readonly #role: Role;
  #received: Buffer = Buffer.alloc(0);
  /** Whether the FIN of the socket under test has come. */
  ended = false;

  constructor(socket: MemorySocket, role: Role) {
    this.socket = socket;
    this.#role = role;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('error', () => {});
  }

  /** All whole frames that have come. */
  get frames(): WireFrame[] {
    return decodeFrames(this.#received).frames;
  }

  /** They in short: `opcode:payload` with the payload as text. */
  get seen(): string[] {
    return this.frames.map(({ opcode, payload }) => `${opcode}:${payload.toString()}`);
  }

  /** The payloads of the Close frames that have come. */
  get closes(): Buffer[] {
    return this.frames.filter(({ opcode }) => opcode === 8).map(({ payload }) => payload);
  }

  /** Sends frames in one chunk, masked as the peer's role wants it. */
  send(...specs: FrameSpec[]): void {
    this.socket.write(this.encode(...specs));
  }

  encode(...specs: FrameSpec[]): Buffer {
    const mask = this.#role === 'client' ? KEY : (false as const);
    return Buffer.concat(specs.map((spec) => encodeFrame({ mask, ...spec })));
  }

  /** Sends text messages in one chunk. */
  text(...messages: string[]): void {
    this.send(...messages.map((payload) => ({ opcode: 1, payload })));
  }
}

export interface Opened {
  readonly ws: BaseWebSocket;
  readonly near: MemorySocket;
  readonly peer: Peer;
}

/** An open socket of `role` and its raw peer. */
export function open(
  role: Role = 'server',
  options: SocketOptions = {},
  highWaterMark?: number,
): Opened {
  const [near, far] = memoryPair(highWaterMark);
  const peer = new Peer(far, role === 'server' ? 'client' : 'server');
  const ws = new BaseWebSocket(role, options);
  ws.setSocket(near, Buffer.alloc(0));
  return { ws, near, peer };
}

/** Lets everything run that is under way in memory: a few turns of the event loop. */
export async function settle(turns = 4): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** What is told of a socket, in order, in short; for messages their text. */
export function record(ws: BaseWebSocket): string[] {
  const log: string[] = [];
  ws.on('open', () => log.push('open'));
  ws.on('message', (data, isBinary) => log.push(`${isBinary ? 'binary' : 'text'}:${data}`));
  ws.on('ping', (data) => log.push(`ping:${data}`));
  ws.on('pong', (data) => log.push(`pong:${data}`));
  ws.on('drain', () => log.push('drain'));
  ws.on('error', (error) =>
    log.push(`error:${(error as { code?: string }).code ?? error.message}`),
  );
  ws.on('close', (code, reason) => log.push(`close:${code}:${reason}:${ws.wasClean}`));
  return log;
}

/** Runs `body`, then gives what was thrown where only the process could catch it. */
export async function uncaughtDuring(body: () => void | Promise<void>): Promise<unknown[]> {
  const caught: unknown[] = [];
  const usual = process.listeners('uncaughtException');
  const usualRejected = process.listeners('unhandledRejection');
  const take = (error: unknown): void => void caught.push(error);
  process.removeAllListeners('uncaughtException');
  process.removeAllListeners('unhandledRejection');
  process.on('uncaughtException', take);
  process.on('unhandledRejection', take);
  try {
    await body();
    await settle();
  } finally {
    process.removeListener('uncaughtException', take);
    process.removeListener('unhandledRejection', take);
    for (const listener of usual) process.on('uncaughtException', listener);
    for (const listener of usualRejected) process.on('unhandledRejection', listener);
  }
  return caught;
}

/** The Close body for a code and a reason. */
export function closeBody(code: number, reason = ''): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code % 256]), Buffer.from(reason)]);
}
