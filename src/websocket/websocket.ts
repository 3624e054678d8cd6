// The public socket (WHATWG WebSockets §3.1, with the `ws` package's names): state, sending, events.
// What it is connected to comes from outside: a server hands it a socket, a client opens one.

import { Buffer } from 'node:buffer';
import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { PreparedMessage } from '../connection/prepared.ts';
import type { Role } from '../frame/rules.ts';
import { callbackOf, type WriteCallback } from './callback.ts';
import { Delivery, type DeliveryHandlers } from './delivery.ts';
import { HabitualSocket } from './habits.ts';
import { CLOSED, CLOSING, CONNECTING, defineInterface, OPEN, STATE_NAMES } from './interface.ts';
import { type IteratedMessage, MessageIterator } from './iterator.ts';
import { Link, type LinkHandlers } from './link.ts';
import { toLinkOptions } from './link-options.ts';
import { Outbox } from './outbox.ts';
import {
  BINARY_TYPES,
  type BinaryType,
  isBlob,
  payloadLength,
  type Sendable,
  toBinaryType,
  toPayload,
} from './payload.ts';
import type { Agreement, ReadyState, SendOptions, SocketOptions } from './surface.ts';
import { throwLater } from './throw-later.ts';

/** A WebSocket on a socket that somebody else opened. `WebSocket` adds how a client opens one. */
export class BaseWebSocket extends HabitualSocket implements AsyncDisposable {
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;

  readonly #options: SocketOptions;
  #role: Role;
  #readyState: ReadyState = CONNECTING;
  #link: Link<BaseWebSocket> | null = null;
  #binaryType: BinaryType = 'nodebuffer';
  #url: string | undefined;
  #origin = '';
  #protocol = '';
  #extensions = '';
  /** Somebody listens for messages. */
  #listening = false;
  /** Made when a message has to wait, or may have to: null while they pass straight through. */
  #delivery: Delivery<BaseWebSocket> | null = null;
  #errored = false;
  /** An error that came behind messages which are still waiting. */
  #heldError: Error | null = null;
  /** Sends in place of the link while something has to wait: null while nothing does. */
  #outbox: Outbox | null = null;
  /** Bytes sent without a connection to send them on. */
  #lost = 0;
  /** Gives up the opening handshake that is under way. */
  #abort: (() => void) | null = null;

  constructor(role: Role, options: SocketOptions = {}) {
    super();
    this.#role = role;
    this.#options = options;
  }

  /** How binary messages arrive. Setting an unknown value does nothing. Default `nodebuffer`. */
  get binaryType(): BinaryType {
    return this.#binaryType;
  }

  set binaryType(type: BinaryType) {
    if (BINARY_TYPES.includes(type)) this.#binaryType = type;
  }

  /** Payload bytes sent and not yet given to the operating system. Does not fall after closing. */
  get bufferedAmount(): number {
    return this.#lost + (this.#link?.bufferedAmount ?? 0) + (this.#outbox?.length ?? 0);
  }

  /** The extensions in use, `''` for none. */
  get extensions(): string {
    return this.#extensions;
  }

  /** Whether `pause()` is in force. */
  get isPaused(): boolean {
    return this.#delivery?.isPaused ?? false;
  }

  /** The subprotocol in use, `''` for none. */
  get protocol(): string {
    return this.#protocol;
  }

  /** 0 CONNECTING, 1 OPEN, 2 CLOSING, 3 CLOSED (WHATWG §3.1). */
  get readyState(): ReadyState {
    return this.#readyState;
  }

  /** The URL as serialised (WHATWG §3.1); undefined on a server. */
  get url(): string | undefined {
    return this.#url;
  }

  /** The stream below: a net.Socket, tls.TLSSocket or other Duplex; null before it is open. */
  override get socket(): Duplex | null {
    return this.#link?.socket ?? null;
  }

  protected override get role(): Role {
    return this.#role;
  }

  protected override set role(role: Role) {
    this.#role = role;
  }

  /** §7.1.4: the connection has closed, after a complete closing handshake. */
  override get wasClean(): boolean {
    return this.#readyState === CLOSED && this.#link !== null && this.#link.connection.wasClean;
  }

  /** Origin of the server's URL, `''` on a server. */
  override get origin(): string {
    return this.#origin;
  }

  // Sending

  /**
   * Sends a message. Strings go as text, all else as binary. The bytes are those at the time of the
   * call, except that a server sends Buffers from 32 KiB up without copying them: leave such a one
   * alone until `callback` has been called. `callback` gets an error if the data was not written.
   * After `close()` nothing is sent. Throws Error while CONNECTING, TypeError for what cannot be sent.
   * A PreparedMessage has its options with it.
   */
  send(data: Sendable | Blob | PreparedMessage, callback?: WriteCallback): void;
  send(
    data: Sendable | Blob | PreparedMessage,
    options: SendOptions | undefined,
    callback?: WriteCallback,
  ): void;
  send(
    data: Sendable | Blob | PreparedMessage,
    options?: SendOptions | WriteCallback,
    callback?: WriteCallback,
  ): void {
    const done = callbackOf(options, callback);
    const link = this.#writable(data, done);
    if (link === null) return;
    if (data instanceof PreparedMessage) {
      (this.#outbox ?? link).sendPrepared(data, done);
      return;
    }
    const given = typeof options === 'object' && options !== null ? options : undefined;
    const fin = given?.fin ?? true;
    // An option that is there decides, also with the value undefined: that is how ws reads it.
    const compress = given === undefined || !('compress' in given) || Boolean(given.compress);
    if (isBlob(data)) {
      this.#outboxFor(link).sendBlob(data, given?.binary ?? true, fin, compress, done);
      return;
    }
    const payload = toPayload(data);
    const isBinary = given?.binary ?? typeof payload !== 'string';
    if (this.#outbox === null && !link.connection.takesLong(payload.length, compress)) {
      link.send(payload, isBinary, fin, compress, done);
      return;
    }
    // What the caller changes while it waits must not show.
    const bytes = Buffer.from(payload as string);
    this.#outboxFor(link).send(bytes, isBinary, fin, compress, done);
  }

  /** Sends a Ping with up to 125 bytes (§5.5.2). `mask` has no effect. Throws like `send`. */
  ping(data?: Sendable | Blob, mask?: boolean, callback?: WriteCallback): void;
  ping(data: Sendable | Blob | undefined, callback: WriteCallback): void;
  ping(callback: WriteCallback): void;
  ping(
    data?: Sendable | Blob | WriteCallback,
    mask?: boolean | WriteCallback,
    callback?: WriteCallback,
  ): void {
    this.#sendControl('ping', data, callbackOf(data, callbackOf(mask, callback)));
  }

  /** Sends a Pong that nobody asked for (§5.5.3); Pings are answered without it. Throws like `send`. */
  pong(data?: Sendable | Blob, mask?: boolean, callback?: WriteCallback): void;
  pong(data: Sendable | Blob | undefined, callback: WriteCallback): void;
  pong(callback: WriteCallback): void;
  pong(
    data?: Sendable | Blob | WriteCallback,
    mask?: boolean | WriteCallback,
    callback?: WriteCallback,
  ): void {
    this.#sendControl('pong', data, callbackOf(data, callbackOf(mask, callback)));
  }

  /**
   * Sends a frame that was encoded beforehand, as `Sender.frame` gives it: so that what goes to many
   * sockets is serialised once. Order, callback and states as in `send`; from 32 KiB up its bytes are
   * used until `callback` is called. Throws TypeError for what is no whole message, Ping or Pong of
   * this side (§5.1, §5.4).
   */
  override sendFrame(frame: readonly Uint8Array[], callback?: WriteCallback): void {
    const done = callbackOf(callback, undefined);
    const link = this.#writable(frame, done);
    if (link !== null) (this.#outbox ?? link).sendFrame(frame, done);
  }

  // Closing

  /**
   * Starts the closing handshake (§7.1.2). What was sent before still goes out; messages that the
   * peer sends before its own Close still arrive. While CONNECTING: gives up, the `error` and
   * `close` (1006) events follow. Throws TypeError for a code that may not be sent (§7.4),
   * RangeError for a reason above 123 bytes of UTF-8.
   */
  close(code?: number, reason?: string | Uint8Array): void {
    if (this.#readyState === CONNECTING) {
      this.#giveUp();
      return;
    }
    if (this.#readyState !== OPEN) return;
    const link = this.#link as Link<BaseWebSocket>;
    // WHATWG WebSocketStream: a reason without a code means a normal closure.
    const status = code === undefined && reason?.length ? 1000 : code;
    (this.#outbox ?? link).close(status, reason);
    this.#readyState = CLOSING;
  }

  /** Drops the connection at once, without a closing handshake; close code 1006. */
  terminate(): void {
    if (this.#readyState === CONNECTING) {
      this.#giveUp();
      return;
    }
    if (this.#readyState === CLOSED) return;
    this.#readyState = CLOSING;
    this.#link?.destroy();
  }

  /** `await using`: closes (1000) and waits until the connection has closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#readyState === CLOSED) return;
    const closed = new Promise<void>((resolve) => this.once('close', () => resolve()));
    this.close(this.#readyState === OPEN ? 1000 : undefined);
    await closed;
  }

  // Receiving

  /** Stops reading and delivering messages, and with them Pings, until `resume()`. */
  pause(): void {
    if (this.#readyState === CONNECTING || this.#readyState === CLOSED) return;
    BaseWebSocket.#deliveryOf(this).pause();
  }

  /** Ends `pause()`: delivers what came meanwhile, then reads on. */
  resume(): void {
    if (this.#readyState === CONNECTING || this.#readyState === CLOSED) return;
    BaseWebSocket.#deliveryOf(this).resume();
  }

  /** Messages from now on, the peer paused while the loop is slow; see MessageIterator. */
  [Symbol.asyncIterator](): AsyncIterableIterator<IteratedMessage, undefined> {
    return new MessageIterator(this);
  }

  // For those who open connections

  /**
   * Opens this socket on `socket`, whose opening handshake is done; `head` holds what came behind it.
   * For servers and frameworks. Throws Error when the socket has been opened or closed before.
   */
  setSocket(socket: Duplex, head: Uint8Array, agreed: Agreement = {}): void {
    if (this.#link !== null) throw new Error('This WebSocket has been opened already');
    if (this.#readyState !== CONNECTING) throw new Error('This WebSocket has been closed already');
    this.#abort = null;
    this.#protocol = agreed.protocol ?? '';
    this.#extensions = agreed.extensions ?? '';
    const options = toLinkOptions(this.#role, this.#options, agreed);
    const link = new Link<BaseWebSocket>(this, BaseWebSocket.#handlers, socket, options);
    this.#link = link;
    this.#readyState = OPEN;
    link.start(head);
    this.#emit(() => this.emit('open'));
  }

  /** A client has begun to connect to `url`; `abort` gives that up. */
  protected connecting(url: string, origin: string, abort: () => void): void {
    this.#url = url;
    this.#origin = origin;
    this.#abort = abort;
  }

  /**
   * The opening handshake has failed (§4.1). When the code that runs now has returned: `error`, then
   * `close` with 1006 (§7.1.5).
   */
  protected failConnecting(error: Error): void {
    if (this.#readyState !== CONNECTING) return;
    this.#readyState = CLOSING;
    process.nextTick(() => {
      this.#reportError(error);
      this.#readyState = CLOSED;
      this.#emit(() => this.emit('close', 1006, EMPTY));
    });
  }

  #giveUp(): void {
    this.failConnecting(new Error('WebSocket was closed before the connection was established'));
    this.#abort?.();
    this.#abort = null;
  }

  // Sending, inside

  /** The link to send on; null when it is too late, which `callback` is told (WHATWG §3.1 send). */
  #writable(data: unknown, callback: WriteCallback | undefined): Link<BaseWebSocket> | null {
    if (this.#readyState === OPEN) return this.#link;
    if (this.#readyState === CONNECTING) {
      throw new Error('WebSocket is not open: readyState 0 (CONNECTING)');
    }
    const length = data instanceof PreparedMessage ? data.length : payloadLength(data);
    if (this.#link === null) this.#lost += length;
    else this.#link.lose(length);
    if (callback !== undefined) {
      const state = `${this.#readyState} (${STATE_NAMES[this.#readyState]})`;
      process.nextTick(callback, new Error(`WebSocket is not open: readyState ${state}`));
    }
    return null;
  }

  /** A Ping or Pong: at once, unless its payload has to be read first; §5.5 lets it overtake messages. */
  #sendControl(
    name: 'ping' | 'pong',
    data: Sendable | Blob | WriteCallback | undefined,
    done: WriteCallback | undefined,
  ): void {
    const given = typeof data === 'function' ? EMPTY : data;
    const content = isBlob(given) ? given : toPayload(given);
    const link = this.#writable(content, done);
    if (link === null) return;
    if (!isBlob(content)) {
      link[name](content, done);
      return;
    }
    // §5.5: said now, as there will be nobody to say it to later.
    if (content.size > 125)
      throw new RangeError('The data size must not be greater than 125 bytes');
    this.#outboxFor(link).sendControl(name, content, done);
  }

  #outboxFor(link: Link<BaseWebSocket>): Outbox {
    this.#outbox ??= new Outbox(link, {
      onEmpty: () => {
        this.#outbox = null;
      },
      onClosing: () => this.#onClosing(),
      onError: (error) => this.#reportError(error),
    });
    return this.#outbox;
  }

  // Receiving, inside

  static readonly #handlers: LinkHandlers<BaseWebSocket> = {
    onMessage: (ws, data, isBinary) => {
      if (ws.#delivery === null && ws.#listening) ws.#deliver(data, isBinary);
      else BaseWebSocket.#deliveryOf(ws).receive(data, isBinary);
    },
    onPing: (ws, data) => ws.#emit(() => ws.emit('ping', data)),
    onPong: (ws, data) => ws.#emit(() => ws.emit('pong', data)),
    onClosing: (ws) => ws.#onClosing(),
    onError: (ws, error) => ws.#reportError(error),
    onDrain: (ws) => ws.#emit(() => ws.emit('drain')),
    onTransportClosed: (ws) => {
      ws.#readyState = CLOSING;
      ws.#delivery?.end();
    },
    onClosed: (ws, code, reason) => ws.#onClosed(code, reason),
  };

  static readonly #delivered: DeliveryHandlers<BaseWebSocket> = {
    deliver: (ws, data, isBinary) => ws.#deliver(data, isBinary),
    pauseInput: (ws) => ws.#link?.pauseInput(),
    resumeInput: (ws) => ws.#link?.resumeInput(),
  };

  static readonly #deliveryOf = (ws: BaseWebSocket): Delivery<BaseWebSocket> => {
    if (ws.#delivery === null) {
      ws.#delivery = new Delivery(ws, BaseWebSocket.#delivered);
      if (ws.#listening) ws.#delivery.listen();
    }
    return ws.#delivery;
  };

  #listen(): void {
    this.#listening = true;
    this.#delivery?.listen();
  }

  #deliver(data: Buffer, isBinary: boolean): void {
    const content =
      isBinary && this.#binaryType !== 'nodebuffer' ? toBinaryType(data, this.#binaryType) : data;
    try {
      this.emit('message', content, isBinary);
    } catch (error) {
      throwLater(error);
    }
  }

  #onClosing(): void {
    if (this.#readyState === OPEN) this.#readyState = CLOSING;
  }

  #onClosed(code: number, reason: Buffer): void {
    this.#outbox?.drop();
    this.#delivery?.end();
    this.#readyState = CLOSED;
    if (this.#heldError !== null) this.#emitError(this.#heldError);
    this.#emit(() => this.emit('close', code, reason));
  }

  /** Once, behind the messages that came before: at the latest before `close` (WHATWG §4). */
  #reportError(error: Error): void {
    if (this.#errored) return;
    this.#errored = true;
    if (this.#delivery?.isHolding) this.#heldError = error;
    else this.#emitError(error);
  }

  /** Only to those who listen: what a peer does must not end the process. */
  #emitError(error: Error): void {
    if (this.listenerCount('error') > 0) this.#emit(() => this.emit('error', error));
  }

  /** Runs listeners; what they throw is reported as uncaught, and the connection goes on. */
  #emit(emit: () => void): void {
    try {
      emit();
    } catch (error) {
      throwLater(error);
    }
  }

  static {
    defineInterface(BaseWebSocket);
    // Adding a listener for messages, by whichever method, sets free what has been held.
    for (const name of ['on', 'addListener', 'prependListener'] as const) {
      const inherited = EventEmitter.prototype[name];
      const value = function (this: BaseWebSocket, event: string, listener: () => void): unknown {
        inherited.call(this, event, listener);
        if (event === 'message') this.#listen();
        return this;
      };
      Object.defineProperty(BaseWebSocket.prototype, name, {
        value,
        writable: true,
        configurable: true,
      });
    }
  }
}

const EMPTY = Buffer.alloc(0);
