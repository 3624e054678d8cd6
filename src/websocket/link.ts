// A Connection on a Duplex: chunks in, batches out, back-pressure, the timers of the closing handshake
// (§7.1.1), and an end that always comes. Knows neither HTTP nor what its owner makes of the events.

import type { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { Connection } from '../connection/connection.ts';
import type { ConnectionEvents, ConnectionTransport } from '../connection/ports.ts';
import type { PreparedMessage } from '../connection/prepared.ts';
import type { ProtocolError } from '../errors.ts';
import { BatchWriter } from './batch-writer.ts';
import type { WriteCallback } from './callback.ts';
import { type Beating, startBeating, stopBeating } from './heartbeat.ts';
import type { LinkOptions } from './link-options.ts';
import { isPlain, pauseReading } from './shared-read.ts';
import {
  catchUp,
  endOutput,
  ignoreInput,
  listenTo,
  type TransportEvents,
} from './transport-events.ts';
import { chunkDone, flushSoon } from './turn.ts';

/** Called with the owner, so that one object serves all links. Nothing here may throw. */
export interface LinkHandlers<Owner> {
  onMessage(owner: Owner, data: Buffer, isBinary: boolean): void;
  onPing(owner: Owner, data: Buffer): void;
  onPong(owner: Owner, data: Buffer): void;
  /** No more messages can be sent: a Close passed, the connection failed, or the transport ended. */
  onClosing(owner: Owner): void;
  onError(owner: Owner, error: Error): void;
  /** The transport takes output again after it had been full. */
  onDrain(owner: Owner): void;
  /** The transport is closed; what it still holds comes next, then `onClosed`. */
  onTransportClosed(owner: Owner): void;
  /** Nothing comes after this. */
  onClosed(owner: Owner, code: number, reason: Buffer): void;
}

/** What a Duplex need not have. */
interface TimedSocket {
  setTimeout?(timeout: number): unknown;
  setNoDelay?(): unknown;
}

/** A batch of at least this many bytes does not wait for the end of its turn. */
const FLUSH_FROM = 32_768;

/** Milliseconds without a message after which a compressor's memory is given back. */
const REST_AFTER = 15_000;

/** The connection's I/O. */
export class Link<Owner>
  implements ConnectionEvents, ConnectionTransport, TransportEvents, Beating
{
  readonly socket: Duplex;
  readonly #options: LinkOptions;
  #connection: Connection | null = null;
  readonly #owner: Owner;
  readonly #handlers: LinkHandlers<Owner>;
  /** Lets the codec rest while there is nothing to compress; null without one. */
  readonly #rest: Beating | null;
  /** Something has come since the last heartbeat. */
  #heard = true;
  #closeTimer: NodeJS.Timeout | null = null;
  /** Made when something is first sent. */
  #writer: BatchWriter | null = null;
  #ended = false;
  /** The peer's direction has ended; ours has, and all of it is written. */
  #inputEnded = false;
  #outputEnded = false;
  /** Whose wish it is that nothing is read: the owner's, or the connection's (RFC 7692). */
  #pausedByOwner = false;
  #pausedByCodec = false;
  /** The transport has closed, but a message that came before is still being decompressed. */
  #isOver = false;
  /** Node's own socket, so that what it has written is nobody else's any more. */
  readonly #plain: boolean;

  constructor(owner: Owner, handlers: LinkHandlers<Owner>, socket: Duplex, options: LinkOptions) {
    this.#owner = owner;
    this.#handlers = handlers;
    this.socket = socket;
    this.#options = options;
    this.#plain = isPlain(socket) && !Object.hasOwn(socket, 'write');
    const { codec } = options;
    this.#rest = codec ? { beat: () => codec.rest() } : null;
  }

  /** The protocol endpoint. Made when it is first needed: most idle connections have sent nothing. */
  get connection(): Connection {
    this.#connection ??= new Connection(this.#options, this, this);
    return this.#connection;
  }

  /** Begins to read. `head`: what came behind the opening handshake; it is read first, next turn. */
  start(head: Uint8Array): void {
    const socket: Duplex & TimedSocket = this.socket;
    socket.setTimeout?.(0);
    socket.setNoDelay?.();
    if (head.length > 0) socket.unshift(head);
    listenTo(socket, this);
    // It may have been paused while the handshake was being decided on.
    socket.resume();
    const { heartbeat } = this.#options;
    if (heartbeat > 0) startBeating(this, heartbeat);
    if (this.#rest !== null) startBeating(this.#rest, REST_AFTER);
    catchUp(socket);
  }

  /** See BatchWriter.bufferedAmount. */
  get bufferedAmount(): number {
    return this.#writer?.bufferedAmount ?? 0;
  }

  /** Counts bytes as lost that were to be sent when it was too late (WHATWG §3.1 send). */
  lose(length: number): void {
    this.#writer ??= new BatchWriter(this.socket);
    this.#writer.lose(length);
  }

  // What the owner does

  /** Sends a message or fragment, see Connection.send. False when it is too late for that. */
  send(
    data: string | Uint8Array,
    isBinary: boolean,
    fin: boolean,
    compress: boolean,
    callback: WriteCallback | undefined,
  ): boolean {
    const length = this.connection.send(data, isBinary, fin, compress);
    if (compress && this.#options.codec?.isWorthwhile(length)) {
      this.#writer ??= new BatchWriter(this.socket);
      this.#writer.isCompressed = true;
    }
    return this.#sent(length, callback);
  }

  /** Sends what was prepared for many, see Connection.sendPrepared. False as above. */
  sendPrepared(message: PreparedMessage, callback: WriteCallback | undefined): boolean {
    return this.#sent(this.connection.sendPrepared(message), callback);
  }

  /** Sends what takes long to compress, see Connection.sendLater. False as above. */
  sendLater(
    data: Uint8Array,
    isBinary: boolean,
    fin: boolean,
    callback: WriteCallback | undefined,
  ): Promise<boolean> {
    return new Promise((resolve) => {
      this.connection.sendLater(data, isBinary, fin, (length) => {
        resolve(this.#sent(length, callback));
      });
    });
  }

  /** Sends a frame that was encoded beforehand, see Connection.sendFrame. False as above. */
  sendFrame(frame: readonly Uint8Array[], callback: WriteCallback | undefined): boolean {
    return this.#sent(this.connection.sendFrame(frame), callback);
  }

  /** Sends a Ping; false when it is too late for that. */
  ping(data: string | Uint8Array, callback: WriteCallback | undefined): boolean {
    return this.#sent(this.connection.ping(data), callback);
  }

  /** Sends a Pong that nobody asked for; false when it is too late for that. */
  pong(data: string | Uint8Array, callback: WriteCallback | undefined): boolean {
    return this.#sent(this.connection.pong(data), callback);
  }

  /** Starts the closing handshake, see Connection.close. */
  close(code: number | undefined, reason: string | Uint8Array | undefined): void {
    this.connection.close(code, reason);
    this.startCloseTimer();
  }

  /** From now on the closing handshake may take no longer than `closeTimeout` (§7.1.1). */
  startCloseTimer(): void {
    if (this.#closeTimer !== null || this.socket.destroyed) return;
    this.#closeTimer = setTimeout(destroy, this.#options.closeTimeout, this.socket);
  }

  /** Stops reading from the transport until `resumeInput`. */
  pauseInput(): void {
    this.#pausedByOwner = true;
    pauseReading(this.socket);
  }

  /** Ends `pauseInput`. */
  resumeInput(): void {
    this.#pausedByOwner = false;
    if (!this.#pausedByCodec) this.socket.resume();
  }

  /**
   * Drops the transport. What was sent before is handed to it, to be taken or not; what has been received
   * is still delivered.
   */
  destroy(): void {
    this.connection.flush();
    this.#writer?.measure();
    this.socket.destroy();
  }

  // ConnectionEvents

  onMessage(data: Buffer, isBinary: boolean): void {
    this.#handlers.onMessage(this.#owner, data, isBinary);
  }

  onPing(data: Buffer): void {
    this.#handlers.onPing(this.#owner, data);
  }

  onPong(data: Buffer): void {
    this.#handlers.onPong(this.#owner, data);
  }

  onClose(): void {
    this.#discardInput();
    this.#handlers.onClosing(this.#owner);
  }

  onFail(error: ProtocolError): void {
    this.#discardInput();
    this.#handlers.onClosing(this.#owner);
    this.#handlers.onError(this.#owner, error);
  }

  // ConnectionTransport

  write(chunks: Buffer[]): void {
    const { socket } = this;
    this.#writer ??= new BatchWriter(socket);
    if (socket.destroyed || socket.writableEnded) {
      this.#writer.giveUp();
      return;
    }
    const room = this.#writer.write(chunks);
    // A plain socket that holds nothing has given all of it to the operating system.
    if (this.#plain && socket.writableLength === 0) this.connection.reclaim();
    if (!room && socket.writableNeedDrain) this.connection.setCongested(true);
  }

  /** Replies wait for the end of the turn, as all else does. */
  gather(): void {
    flushSoon(this);
  }

  wake(): void {
    flushSoon(this);
  }

  flush(): void {
    this.connection.flush();
  }

  pause(): void {
    this.#pausedByCodec = true;
    pauseReading(this.socket);
  }

  resume(): void {
    this.#pausedByCodec = false;
    // What the transport's end had to wait for is done.
    if (this.#isOver) this.closed();
    else if (!this.#pausedByOwner) this.socket.resume();
  }

  end(): void {
    if (this.#ended) return;
    this.#writer?.measure();
    this.#ended = true;
    endOutput(this.socket);
    this.startCloseTimer();
  }

  // TransportEvents

  receive(chunk: Buffer): void {
    this.#heard = true;
    this.connection.receive(chunk);
    chunkDone(chunk.length);
  }

  receiveShared(chunk: Buffer): void {
    this.#heard = true;
    this.connection.receive(chunk, true);
    chunkDone(chunk.length);
  }

  /** §5.5.2: a peer that has not answered the last Ping in a whole interval is lost. */
  beat(): void {
    // One that we do not read from ourselves cannot be heard; a closing handshake has its own timer.
    if (this.socket.isPaused() || this.#closeTimer !== null) return;
    if (!this.#heard) {
      this.destroy();
      return;
    }
    this.#heard = false;
    this.connection.ping('');
  }

  drained(): void {
    this.#writer?.measure();
    this.connection.setCongested(false);
    this.#handlers.onDrain(this.#owner);
  }

  /** §7.1.4: the peer has closed its direction; ours follows. */
  ended(): void {
    this.connection.flush();
    this.connection.receiveEnd();
    this.#handlers.onClosing(this.#owner);
    this.#inputEnded = true;
    this.end();
    this.#destroyEnded();
  }

  finished(): void {
    this.#outputEnded = true;
    this.#destroyEnded();
  }

  closed(): void {
    const { socket, connection } = this;
    this.#isOver = connection.isSuspended;
    if (this.#isOver) return;
    if (this.#closeTimer !== null) clearTimeout(this.#closeTimer);
    const { heartbeat } = this.#options;
    if (heartbeat > 0) stopBeating(this, heartbeat);
    if (this.#rest !== null) stopBeating(this.#rest, REST_AFTER);
    this.#handlers.onTransportClosed(this.#owner);
    // A socket that was destroyed while paused may hold what the peer had sent before.
    const rest = socket.readableLength > 0 ? socket.read() : null;
    if (rest !== null) connection.receive(rest);
    connection.receiveEnd();
    // Whoever waits for a write that was never made is told.
    connection.flush();
    this.#handlers.onClosed(this.#owner, connection.closeCode, connection.closeReason);
  }

  /** A socket closes by itself when both directions have ended; not every Duplex does. */
  #destroyEnded(): void {
    if (this.#inputEnded && this.#outputEnded) this.destroy();
  }

  #sent(length: number, callback: WriteCallback | undefined): boolean {
    if (length < 0) return false;
    this.#writer ??= new BatchWriter(this.socket);
    this.#writer.add(length, callback);
    if (this.connection.pendingLength >= FLUSH_FROM) {
      // While the code that sends still runs, which `bufferedAmount` does not show.
      this.#writer.holdAmount();
      this.connection.flush();
    }
    return true;
  }

  /** §7.1.1: what still comes is read and thrown away, so that the peer's end is seen. */
  #discardInput(): void {
    ignoreInput(this.socket);
    // The owner may have paused the socket; its end must come all the same.
    process.nextTick(resume, this.socket);
    this.startCloseTimer();
  }
}

function resume(socket: Duplex): void {
  socket.resume();
}

function destroy(socket: Duplex): void {
  socket.destroy();
}
