// The two ports of a connection: what it tells the application above, what it asks of the transport
// below. Interfaces only; every call is made while one of the connection's own methods runs.

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
   * The peer's Close frame; it has been answered already (§5.5.1). Code 1005 stands for none given.
   * Nothing that follows it is read.
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
  /** Everything has been written: close our direction of the transport (§7.1.1). */
  end(): void;
}
