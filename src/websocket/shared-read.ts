// One buffer that all plain sockets read into, instead of 64 KiB that Node takes for every read: what
// `net.connect` offers as `onread`, for sockets that somebody else made. Node does not document that, so
// it is tried out first, and where it cannot be had the `data` events go on. Knows no frames.

import { Buffer } from 'node:buffer';
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { Duplex } from 'node:stream';
import { getArena } from '../mask/arena.ts';

/** Who reads from a socket. */
export interface SharedReader {
  /** A chunk has come. It is the reader's only until the call returns; it may change the bytes. */
  receiveShared(chunk: Buffer): void;
}

const READER: unique symbol = Symbol('shared reader');
type OnRead = (this: SharedSocket, length: number, buffer: Buffer) => boolean;
type SharedSocket = Socket & { [READER]?: SharedReader | null; [slot: symbol]: unknown };

/** Where a socket keeps its `onread` buffer and callback. */
interface Slots {
  readonly buffer: symbol;
  readonly callback: symbol;
}

let slots: Slots | null | undefined;

/**
 * From now on `socket` reads into the shared buffer and hands what comes to `reader`, if it can: true
 * then. `reader` must have a `data` listener as well, the only one: chunks come there while somebody
 * else listens too, while the socket is paused, and while others still wait in it.
 */
export function startSharedRead(socket: Duplex, reader: SharedReader): boolean {
  if (!isPlain(socket)) return false;
  const handle = handleOf(socket);
  slots ??= process.platform === 'win32' ? null : findSlots();
  if (handle === null || !slots || socket[slots.buffer] !== null) return false;
  const shared = getArena();
  socket[READER] = reader;
  socket[slots.buffer] = shared;
  socket[slots.callback] = onRead;
  handle.useUserBuffer(shared);
  return true;
}

/** `reader` is done: chunks are for those who listen to `data`, if any. */
export function stopSharedRead(socket: Duplex): void {
  if (READER in socket) (socket as SharedSocket)[READER] = null;
}

/** Pauses as any socket does, one with an `onread` buffer too: its end and errors are still seen. */
export function pauseReading(socket: Duplex): void {
  if (READER in socket) Duplex.prototype.pause.call(socket);
  else socket.pause();
}

const PUSH = Duplex.prototype.push;

const onRead: OnRead = function (length, buffer) {
  const reader = this[READER];
  const chunk = buffer.subarray(0, length);
  if (reader && this.readableFlowing && this.readableLength === 0) {
    // Somebody who has put a `push` of his own there wants to see what comes, too.
    if (this.listenerCount('data') === 1 && this.push === PUSH) {
      reader.receiveShared(chunk);
      return true;
    }
  }
  // The stream's own way; false when it holds enough, whereupon Node stops reading.
  return this.push(Buffer.from(chunk));
};

/** A socket of Node's own class: TLS and other kinds of streams have memory of their own in between. */
export function isPlain(socket: Duplex): socket is SharedSocket {
  return Object.getPrototypeOf(socket) === Socket.prototype;
}

interface ReadingHandle {
  useUserBuffer(buffer: Buffer): void;
}

function handleOf(socket: Socket): ReadingHandle | null {
  const handle = (socket as { _handle?: Partial<ReadingHandle> | null })._handle;
  return typeof handle?.useUserBuffer === 'function' ? (handle as ReadingHandle) : null;
}

/** A socket made with the documented option shows where Node keeps it; null if it does not. */
export function findSlots(): Slots | null {
  const buffer = Buffer.alloc(1);
  const onread = { buffer, callback: () => true };
  const options: SocketConstructorOpts & { onread: OnReadOpts } = { onread };
  const probe = new Socket(options);
  const keys = Object.getOwnPropertySymbols(probe);
  const find = (value: unknown) =>
    keys.find((key) => (probe as unknown as SharedSocket)[key] === value);
  const slots = { buffer: find(buffer), callback: find(onread.callback) };
  probe.destroy();
  return slots.buffer && slots.callback ? (slots as Slots) : null;
}
