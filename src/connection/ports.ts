// The ports of a connection: what it tells the application above, what it asks of the transport below,
// and who compresses for it. Interfaces only; every call upward and downward is made while one of the
// connection's own methods runs, or when a codec that took its time has finished.

import type { Buffer } from 'node:buffer';
import type { ProtocolError } from '../errors.ts';

/** Upward: what the peer did. A call may use the connection; it looks at its state again after each. */
export interface ConnectionEvents {
  /**
   * A whole message. `data` is the listener's from here on: UTF-8 bytes, already validated, when
   * `isBinary` is false. It may be a view of the chunk given to `receive`.
   */
  onMessage(data: Buffer, isBinary: boolean): void;
  /** A Ping; it has been answered already (§5.5.2). */
  onPing(data: Buffer): void;
  /** A Pong, asked for or not (§5.5.3). */
  onPong(data: Buffer): void;
  /**
   * The peer's Close frame; it has been answered already (§5.5.1), unless something of ours goes
   * first. Code 1005 stands for none given. Nothing that follows it is read.
   */
  onClose(code: number, reason: Buffer): void;
  /** The peer broke a rule: a Close frame with `error.closeCode` has been sent (§7.1.7). */
  onFail(error: ProtocolError): void;
}

/** Downward: what leaves. */
export interface ConnectionTransport {
  /** One batch of output, in order, to be written at once. The buffers are the transport's. */
  write(chunks: Buffer[]): void;
  /** Output waits that no `receive` will flush: call `flush()` before the event loop's turn ends. */
  wake(): void;
  /**
   * A chunk has been worked through, and what it made the connection send waits: call `flush()` as
   * after `wake`. A transport without this method gets it written at once.
   */
  gather?(): void;
  /** Everything has been written: close our direction of the transport (§7.1.1). */
  end(): void;
  /**
   * A large message is being decompressed: hand over no input until `resume`. What comes all the
   * same is kept, so that a transport without these two loses nothing but its bound on memory.
   */
  pause?(): void;
  /** Go on handing over input. */
  resume?(): void;
}

/** Takes what a decompressor makes. Either call may throw, which the decompressor passes on. */
export interface DecompressedSink {
  /**
   * A piece of a message, `last` when the message is complete. The bytes are valid during the call.
   * The first call for a piece may come before or after `decompress` has returned.
   */
  onDecompressed(piece: Buffer, last: boolean): void;
  /** What `decompress` had left for later is done; `fault` is what was thrown over it, or null. */
  onDecompressEnd(fault: unknown): void;
}

/** Decompresses the messages of one peer, in order (RFC 7692 §7.2.2). */
export interface Decompressor {
  /**
   * Decompresses a piece of a message, `last` if it is its end, into at most `limit` bytes for the
   * whole message. The piece is not used after the call. Returns true when it is done, or false
   * when that will be later: then `onDecompressEnd` follows, and no other piece may be
   * given before that. Throws ProtocolError 1007 and 1009, and whatever the sink throws.
   */
  decompress(piece: Buffer, last: boolean, limit: number, sink: DecompressedSink): boolean;
  /** Gives all memory back; calls the sink no more. */
  close(): void;
}

/** Compression as two ends have agreed on it (RFC 7692), for one connection and both directions. */
export interface ConnectionCodec extends Decompressor {
  /** Whether a message whose first frame has so many bytes should be compressed. */
  isWorthwhile(length: number): boolean;
  /**
   * Compresses a whole message (`fin`), the last fragment of one, or another fragment
   * (RFC 7692 §7.2.1). The result is valid until the next call.
   */
  compress(payload: Uint8Array, fin: boolean): Uint8Array;
  /** Whether `compress` would take so long for so many bytes that `compressLater` is better. */
  takesLong(length: number): boolean;
  /**
   * The same without waiting for it: nothing else may be compressed until `done` has been called,
   * which does not happen before this returns. The payload must not change meanwhile.
   */
  compressLater(payload: Uint8Array, fin: boolean, done: (compressed: Uint8Array) => void): void;
  /** Codecs with the same key make the same of a message in `compressAlone`. */
  readonly aloneKey: string;
  /** Compresses a whole message without referring to those before it, for any codec with this key. */
  compressAlone(payload: Uint8Array): Uint8Array;
  /** Called from time to time: gives back the memory of what has not been used since the last call. */
  rest(): void;
  /** Something compressed was sent that did not come from `compress` or `compressLater`. */
  forget(): void;
}
