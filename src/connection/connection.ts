// One end of an open WebSocket connection, without I/O (§5, §6, §7): bytes in through `receive`, bytes
// and events out through two ports. Answers Ping and Close by itself. No socket, no clock, no HTTP.

import { Buffer } from 'node:buffer';
import { ProtocolError } from '../errors.ts';
import { decodeClose, encodeClose, NO_STATUS_RECEIVED } from '../frame/close.ts';
import { checkEncodedFrame } from '../frame/encoded.ts';
import { FIN, RSV1 } from '../frame/header.ts';
import { isControl, Opcode } from '../frame/opcode.ts';
import { FrameContext, type Role } from '../frame/rules.ts';
import { COPY_BELOW, FrameWriter } from '../frame/writer.ts';
import type { KeySource } from '../mask/key.ts';
import { ClosingHandshake, type ClosingState } from './closing.ts';
import { Incoming, type IncomingOwner } from './incoming.ts';
import { OutgoingMessage } from './outgoing.ts';
import type { ConnectionCodec, ConnectionEvents, ConnectionTransport } from './ports.ts';
import type { PreparedMessage } from './prepared.ts';

/** Replies of so many bytes do not wait (16 KiB echo on 50 connections: 0.8 of the cost). */
const FLUSH_REPLIES_FROM = 8192;

/** How a connection is to behave. */
export interface ConnectionOptions {
  /** `client` masks and wants unmasked frames, `server` the other way round (§5.1). */
  readonly role: Role;
  /** Longest message to accept, in bytes, over all its fragments; 0 or nothing for no limit. */
  readonly maxPayload?: number | undefined;
  /** Most fragments of a message to accept; 0 or nothing for no limit. */
  readonly maxFragments?: number | undefined;
  /** Take text and close reasons on trust, unchecked. Default false (§8.1). */
  readonly skipUtf8Validation?: boolean | undefined;
  /** Answer Pings (§5.5.2). Default true; if false the application sends the Pongs. */
  readonly autoPong?: boolean | undefined;
  /** Where masking keys come from; for tests. Default: the system's CSPRNG (§5.3). */
  readonly keySource?: KeySource | undefined;
  /** What was agreed on for compression (RFC 7692); the connection closes it. Default: nothing was. */
  readonly codec?: ConnectionCodec | null | undefined;
}

/** The protocol endpoint. Begins OPEN: the opening handshake is another room's work. */
export class Connection implements IncomingOwner {
  /** Which end it is. */
  readonly role: Role;
  readonly #events: ConnectionEvents;
  readonly #transport: ConnectionTransport;
  readonly #incoming: Incoming;
  readonly #outgoing = new OutgoingMessage();
  readonly #writer: FrameWriter;
  readonly #closing = new ClosingHandshake();
  readonly #codec: ConnectionCodec | null;
  readonly #checkText: boolean;
  readonly #autoPong: boolean;
  #receiving = false;
  #awake = false;
  #congested = false;
  /** What the answer to a Close waits for: messages at the owner's, one that is being compressed. */
  #isBusy = false;
  #isCompressing = false;
  /** The newest Ping that came while the transport was congested (§5.5.3). */
  #unansweredPing: Buffer | null = null;

  constructor(
    options: ConnectionOptions,
    events: ConnectionEvents,
    transport: ConnectionTransport,
  ) {
    this.role = options.role;
    this.#events = events;
    this.#transport = transport;
    this.#checkText = !options.skipUtf8Validation;
    this.#autoPong = options.autoPong ?? true;
    this.#codec = options.codec ?? null;
    const context = new FrameContext(
      options.role,
      options.maxPayload || Infinity,
      // RFC 7692 §6: RSV1 has a meaning where the extension was agreed on.
      this.#codec !== null,
      options.maxFragments || Infinity,
    );
    this.#incoming = new Incoming(context, this.#codec, this.#checkText, events, this);
    this.#writer = new FrameWriter(options.role, options.keySource);
  }

  /** Where the closing handshake stands; messages can be sent in `open` and `received`, in no other state. */
  get state(): ClosingState {
    return this.#closing.state;
  }

  /** §7.1.5: the code of the peer's Close, 1005 if it had none, 1006 if no Close has come. */
  get closeCode(): number {
    return this.#closing.code;
  }

  /** §7.1.6: the reason in the peer's Close, UTF-8 bytes. */
  get closeReason(): Buffer {
    return this.#closing.reason;
  }

  /** §7.1.4: both Close frames have passed. */
  get wasClean(): boolean {
    return this.#closing.wasClean;
  }

  /** A large message is being decompressed, and what follows it waits. */
  get isSuspended(): boolean {
    return this.#incoming.isSuspended;
  }

  /** Bytes of output that wait for `flush`. */
  get pendingLength(): number {
    return this.#writer.length;
  }

  // Input

  /**
   * Works through a chunk from the transport, calling the ports as it goes, and writes what it made
   * the connection send in one batch. The chunk is the connection's from here on: it is unmasked in
   * place, and messages may be views of it. With `borrowed` it stays the caller's (though unmasked),
   * and what outlives the call is copied. Never throws for what a peer sent; an exception of a
   * port's goes through, after which the rest of the chunk is lost.
   */
  receive(chunk: Buffer, borrowed = false): void {
    if (this.#incoming.isSuspended) {
      this.#incoming.hold(chunk, borrowed);
      return;
    }
    this.#receiving = true;
    try {
      this.#incoming.read(chunk, borrowed);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.fail(error);
    } finally {
      this.#receiving = false;
      this.#gather();
    }
  }

  /** The transport has ended or broken off: no more input, no more output (§7.1.4). */
  receiveEnd(): void {
    this.#closing.apply('end');
    this.#stop();
  }

  /** The transport cannot take more for now (true), or can again (false). Pongs wait meanwhile. */
  setCongested(congested: boolean): void {
    this.#congested = congested;
    const ping = this.#unansweredPing;
    if (congested || ping === null) return;
    this.#unansweredPing = null;
    this.#writeControl(Opcode.PONG, ping);
  }

  /**
   * Messages wait at the owner's that are not ready to be sent (true), or none do any more (false).
   * §5.5.1: a Close that comes meanwhile is answered when they have been sent. It has been told by then,
   * and the state is `received`; `close` is an answer, too. Whoever says true must set the peer a time.
   */
  setBusy(busy: boolean): void {
    this.#isBusy = busy;
    this.#answer();
  }

  // Output

  /**
   * Sends a message, or with `fin` false a fragment of one; later fragments go on with the type of
   * the first. Text may be given as UTF-8 bytes. It is compressed where that was agreed on and is
   * worthwhile, unless `compress` is false; the first fragment decides for all. Returns the length
   * of the data in bytes, or -1 when the connection is not open and nothing was sent (§6.1). Throws
   * TypeError for bytes that are not UTF-8 where text is to be sent (§5.6); a fragmented message
   * cannot be completed after that. For how long bytes are used see FrameWriter.write.
   */
  send(data: string | Uint8Array, isBinary: boolean, fin = true, compress = true): number {
    if (!this.#closing.maySend) return -1;
    if (this.#checkText) this.#outgoing.check(data, isBinary, fin);
    const codec = this.#codec;
    if (codec !== null && (this.#outgoing.isFragmented ? this.#outgoing.isCompressed : compress)) {
      const bytes = typeof data === 'string' ? Buffer.from(data) : data;
      if (this.#outgoing.isFragmented || codec.isWorthwhile(bytes.length)) {
        this.#sendCompressed(codec.compress(bytes, fin), isBinary, fin);
        return bytes.length;
      }
    }
    return this.#write(this.#outgoing.next(isBinary, fin), data);
  }

  /**
   * Sends a message that was prepared for many; returns as `send` does. Throws Error while a
   * fragmented message of ours has not ended (§5.4).
   */
  sendPrepared(message: PreparedMessage): number {
    if (!this.#closing.maySend) return -1;
    if (this.#outgoing.isFragmented) {
      throw new Error('A prepared message cannot be sent before the last fragment of another one');
    }
    const { first, payload, frame } = message.frameFor(this.#codec);
    // §5.3: each frame of a client's has a key of its own.
    if (this.role === 'client') this.#writer.write(first, payload);
    else this.#writer.append(frame);
    this.#wake();
    return message.length;
  }

  /** Whether `sendLater` is the better choice for a message or fragment of `length` bytes. */
  takesLong(length: number, compress = true): boolean {
    const codec = this.#codec;
    if (codec === null || !this.#closing.maySend) return false;
    return (
      (this.#outgoing.isFragmented ? this.#outgoing.isCompressed : compress) &&
      codec.takesLong(length)
    );
  }

  /**
   * Sends as `send` does, but has the data compressed without waiting for it. Until `done` is called,
   * with what `send` would have returned, no other message may be sent; control frames may, and a Close
   * that comes waits for it (§5.5.1). Only where `takesLong` was true; the bytes must not change meanwhile.
   */
  sendLater(
    data: Uint8Array,
    isBinary: boolean,
    fin: boolean,
    done: (length: number) => void,
  ): void {
    if (this.#checkText) this.#outgoing.check(data, isBinary, fin);
    this.#isCompressing = true;
    // There is one: `takesLong` has said so.
    (this.#codec as ConnectionCodec).compressLater(data, fin, (compressed) => {
      this.#isCompressing = false;
      if (!this.#closing.maySend) {
        done(-1);
        return;
      }
      this.#sendCompressed(compressed, isBinary, fin);
      done(data.length);
      this.#answer();
    });
  }

  /**
   * Sends a frame that was encoded beforehand, for one that is serialised once and sent to many; see
   * `checkEncodedFrame` for what it must be, and for how long its bytes are used FrameWriter. That text in it is
   * UTF-8 is taken on trust. Returns as `send` does. Throws TypeError, also within a fragmented message.
   */
  sendFrame(frame: readonly Uint8Array[]): number {
    const length = checkEncodedFrame(frame, this.role);
    if (!this.#closing.maySend) return -1;
    // §5.4: only control frames may stand between the fragments of a message.
    if (this.#outgoing.isFragmented && !isControl(frame[0][0] & 0x0f)) {
      throw new TypeError('A fragmented message has to be completed before another one is sent');
    }
    this.#writer.writeEncoded(frame);
    this.#wake();
    return length;
  }

  /** Sends a Ping of at most 125 bytes (§5.5.2); returns as `send` does. Throws RangeError. */
  ping(data: string | Uint8Array): number {
    return this.#sendControl(Opcode.PING, data);
  }

  /** Sends an unsolicited Pong of at most 125 bytes (§5.5.3); returns as `send` does. */
  pong(data: string | Uint8Array): number {
    return this.#sendControl(Opcode.PONG, data);
  }

  /**
   * Starts the closing handshake (§7.1.2): sends Close, after which only control frames are sent;
   * messages that the peer sends before its own Close still come. Ends it in state `received`. Does
   * nothing when a Close has been sent. Throws TypeError for a code that may not be sent, RangeError
   * for a reason above 123 bytes.
   */
  close(code?: number, reason?: string | Uint8Array): void {
    const body = encodeClose(code, reason);
    const from = this.#closing.apply('send');
    if (from !== 'open' && from !== 'received') return;
    this.#write(FIN | Opcode.CLOSE, body);
    if (from === 'received') this.#complete();
  }

  /**
   * Fails the connection (§7.1.7): sends Close with the error's code unless a Close has been sent,
   * reads nothing any more, ends the transport.
   */
  fail(error: ProtocolError): void {
    const from = this.#closing.apply('fail');
    if (from !== 'open' && from !== 'sent' && from !== 'received') return;
    if (from !== 'sent') this.#write(FIN | Opcode.CLOSE, encodeClose(error.closeCode));
    this.#stop();
    this.flush();
    this.#transport.end();
    this.#events.onFail(error);
  }

  /** Hands everything that waits to the transport in one write. */
  flush(): void {
    this.#awake = false;
    if (this.#writer.length > 0) this.#transport.write(this.#writer.take());
  }

  /**
   * For a transport that has made sure, in `write`, that nobody will read the batch's small buffers
   * again: their memory is used for the next frames. Larger payloads are not touched.
   */
  reclaim(): void {
    this.#writer.reclaim();
  }

  // IncomingOwner

  onControl(opcode: number, payload: Buffer): void {
    if (opcode === Opcode.CLOSE) {
      this.#receiveClose(payload);
      return;
    }
    if (opcode === Opcode.PONG) {
      this.#events.onPong(payload);
      return;
    }
    if (this.#autoPong) {
      // §5.5.3: to a peer that does not read, answering the newest Ping is enough.
      if (this.#congested) this.#unansweredPing = payload;
      else this.#writeControl(Opcode.PONG, payload);
    }
    this.#events.onPing(payload);
  }

  onSuspend(): void {
    this.#transport.pause?.();
  }

  onContinue(fault: unknown): void {
    try {
      if (fault instanceof ProtocolError) this.fail(fault);
      else if (fault !== null) throw fault;
      for (;;) {
        const chunk = this.#incoming.takeHeld();
        if (chunk === null) return;
        this.receive(chunk);
      }
    } finally {
      if (!this.#incoming.isSuspended) this.#transport.resume?.();
    }
  }

  #receiveClose(payload: Buffer): void {
    const { code, reason } = decodeClose(payload, this.#checkText);
    const from = this.#closing.receive(code, Buffer.from(reason));
    // §5.5.1: everything behind a Close is ignored, and no second one is sent.
    this.#ignoreInput();
    if (from === 'sent') this.#complete();
    else this.#answer();
    this.#events.onClose(code, this.#closing.reason);
  }

  /** §5.5.1: answers the peer's Close, unless something of ours has to go before that. */
  #answer(): void {
    if (this.#closing.state !== 'received' || this.#isBusy || this.#isCompressing) return;
    const { code, reason } = this.#closing;
    // §5.5.1: with the code that came, or without one.
    this.close(code === NO_STATUS_RECEIVED ? undefined : code, reason);
  }

  /** Both Close frames have passed. */
  #complete(): void {
    this.#codec?.close();
    this.flush();
    // §5.5.1, §7.1.1: the server closes the transport at once, the client waits for it.
    if (this.role === 'server') this.#transport.end();
  }

  /** No input counts from here on. */
  #ignoreInput(): void {
    this.#incoming.stop();
    this.#unansweredPing = null;
  }

  /** … and no output follows but what is there already. */
  #stop(): void {
    this.#ignoreInput();
    this.#codec?.close();
  }

  /** RFC 7692 §6: RSV1 is on the first frame of a compressed message, and on no other. */
  #sendCompressed(payload: Uint8Array, isBinary: boolean, fin: boolean): void {
    // The writer keeps what is large, and the codec its buffer.
    const own = payload.length < COPY_BELOW ? payload : Buffer.from(payload);
    const rsv1 = this.#outgoing.isFragmented ? 0 : RSV1;
    this.#outgoing.isCompressed = !fin;
    this.#write(rsv1 | this.#outgoing.next(isBinary, fin), own);
  }

  #sendControl(opcode: Opcode, data: string | Uint8Array): number {
    const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
    // §5.5: control frames carry at most 125 bytes.
    if (length > 125) throw new RangeError('The data size must not be greater than 125 bytes');
    if (!this.#closing.maySend) return -1;
    return this.#writeControl(opcode, data);
  }

  #writeControl(opcode: Opcode, data: string | Uint8Array): number {
    return this.#write(FIN | opcode, data);
  }

  #write(first: number, payload: string | Uint8Array): number {
    const length = this.#writer.write(first, payload);
    this.#wake();
    return length;
  }

  /**
   * Whether the replies to a chunk are better written than left waiting for others: by the end of the turn
   * what is large is out of the processor's cache, and behind the windows of other compressors all is.
   */
  #leavesAtOnce(): boolean {
    return this.#codec !== null || this.#writer.length >= FLUSH_REPLIES_FROM;
  }

  /** A chunk has been worked through. */
  #gather(): void {
    if (this.#transport.gather === undefined || this.#leavesAtOnce()) {
      this.flush();
    } else if (!this.#awake && this.#writer.length > 0) {
      this.#awake = true;
      this.#transport.gather();
    }
  }

  #wake(): void {
    if (this.#receiving || this.#awake) return;
    this.#awake = true;
    this.#transport.wake();
  }
}
