// What has to wait before it can be sent (§6.1): a Blob is being read, or a large message compressed, and what is
// sent after it goes out after it. Stands in for the link meanwhile, and sees to it that every callback is told.
// Exists only while something waits; knows neither the socket's state nor its listeners.

import { Buffer } from 'node:buffer';
import type { Connection } from '../connection/connection.ts';
import type { PreparedMessage } from '../connection/prepared.ts';
import { encodeClose } from '../frame/close.ts';
import { checkEncodedFrame } from '../frame/encoded.ts';
import { tell, type WriteCallback } from './callback.ts';
import type { Link } from './link.ts';
import { type Running, SendQueue } from './send-queue.ts';

type Sending =
  | ('send' | 'sendLater' | 'sendPrepared' | 'sendFrame')
  | ('ping' | 'pong' | 'close' | 'startCloseTimer' | 'lose');

/** What an outbox sends on. */
export interface Outlet extends Pick<Link<unknown>, Sending> {
  readonly socket: { readonly destroyed: boolean };
  readonly connection: Pick<Connection, 'role' | 'takesLong' | 'setBusy'>;
}

/** What an outbox tells its socket. */
export interface OutboxEvents {
  /** Nothing waits any more: the link is to be used again. */
  onEmpty(): void;
  /** The connection is being closed, because a message that had its place cannot be had. */
  onClosing(): void;
  /** Something could not be sent, and there is no callback to tell or that is not enough. */
  onError(error: Error): void;
}

/** Sends for a socket, one thing after the other, all but Pings and Pongs that need not be read. */
export class Outbox {
  readonly #link: Outlet;
  readonly #events: OutboxEvents;
  readonly #queue: SendQueue;

  constructor(link: Outlet, events: OutboxEvents) {
    this.#link = link;
    this.#events = events;
    this.#queue = new SendQueue(() => {
      events.onEmpty();
      // §5.5.1: a Close that came meanwhile is answered behind what was sent before it.
      link.connection.setBusy(false);
    });
  }

  /** Payload bytes that wait. Stays when the outbox has been dropped. */
  get length(): number {
    return this.#queue.length;
  }

  /** Sends a message or fragment. The bytes are the outbox's: they must not change any more. */
  send(
    bytes: Buffer,
    isBinary: boolean,
    fin: boolean,
    compress: boolean,
    done: WriteCallback | undefined,
  ): void {
    this.#add(bytes.length, done, () => this.#sendNow(bytes, isBinary, fin, compress, done));
  }

  /** The same with the content of a Blob, which is read in its turn. */
  sendBlob(
    blob: Blob,
    isBinary: boolean,
    fin: boolean,
    compress: boolean,
    done: WriteCallback | undefined,
  ): void {
    this.#addBlob(blob, done, (bytes) => this.#sendNow(bytes, isBinary, fin, compress, done));
  }

  /** Sends a Ping or Pong with the content of a Blob of at most 125 bytes. */
  sendControl(name: 'ping' | 'pong', blob: Blob, done: WriteCallback | undefined): void {
    const length = blob.size;
    this.#addBlob(blob, done, (bytes) =>
      this.#attempt(length, done, () => this.#link[name](bytes, done)),
    );
  }

  /** Sends what was prepared for many. */
  sendPrepared(message: PreparedMessage, done: WriteCallback | undefined): void {
    const { length } = message;
    this.#add(length, done, () =>
      this.#attempt(length, done, () => this.#link.sendPrepared(message, done)),
    );
  }

  /** Sends a frame that was encoded beforehand. Throws TypeError, see checkEncodedFrame. */
  sendFrame(frame: readonly Uint8Array[], done: WriteCallback | undefined): void {
    const length = checkEncodedFrame(frame, this.#link.connection.role);
    this.#add(length, done, () =>
      this.#attempt(length, done, () => this.#link.sendFrame(frame, done)),
    );
  }

  /**
   * Starts the closing handshake behind what waits; throws at once, see Connection.close. Its time runs
   * from now on.
   */
  close(code: number | undefined, reason: string | Uint8Array | undefined): void {
    // What cannot be sent is refused now; what is sent is the reason as it is now.
    encodeClose(code, reason);
    const kept = typeof reason !== 'string' && reason?.length ? Buffer.from(reason) : reason;
    this.#add(0, undefined, () => void this.#link.close(code, kept));
    this.#link.startCloseTimer();
  }

  /** The connection has closed: tells the callbacks of all that waits, when it is known why it was lost. */
  drop(): void {
    this.#queue.drop();
  }

  #add(length: number, done: WriteCallback | undefined, run: () => Running): void {
    this.#link.connection.setBusy(true);
    this.#queue.add(length, run, (lost) => tell(done, lost));
  }

  #addBlob(blob: Blob, done: WriteCallback | undefined, send: (bytes: Buffer) => Running): void {
    const run = (bytes: ArrayBuffer | null, error: Error | null): Running => {
      if (bytes !== null) return send(Buffer.from(bytes));
      const failure = error as Error;
      tell(done, failure);
      // The message cannot be sent, and the peer cannot be told in any other way.
      this.#link.close(1011, '');
      this.#events.onClosing();
      this.#events.onError(failure);
      return undefined;
    };
    this.#link.connection.setBusy(true);
    this.#queue.addBlob(blob, run, (lost) => tell(done, lost));
  }

  /** Sends a message whose turn has come; gives a promise where that takes time. */
  #sendNow(
    bytes: Buffer,
    isBinary: boolean,
    fin: boolean,
    compress: boolean,
    done: WriteCallback | undefined,
  ): Running {
    const link = this.#link;
    const { length } = bytes;
    if (!link.connection.takesLong(length, compress)) {
      return this.#attempt(length, done, () => link.send(bytes, isBinary, fin, compress, done));
    }
    return link.sendLater(bytes, isBinary, fin, done).then(
      (sent) => (sent ? undefined : () => this.#lose(length, done)),
      (error) => () => this.#fail(error, done),
    );
  }

  /** Makes sure that the callback is told when what waited could not be sent. */
  #attempt(length: number, done: WriteCallback | undefined, send: () => boolean): undefined {
    try {
      if (this.#link.socket.destroyed || !send()) this.#lose(length, done);
    } catch (error) {
      this.#fail(error as Error, done);
    }
  }

  #lose(length: number, done: WriteCallback | undefined): void {
    this.#link.lose(length);
    tell(done, this.#queue.lostError);
  }

  #fail(error: Error, done: WriteCallback | undefined): void {
    if (done === undefined) this.#events.onError(error);
    else tell(done, error);
  }
}
