// What a socket shows of itself: its options, its events, the shapes of its arguments. Types only.

import type { Buffer } from 'node:buffer';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { DeflateParameters } from '../deflate/negotiation.ts';
import type { DeflateOptions } from '../deflate/options.ts';
import type { CloseEvent, ErrorEvent, MessageEvent, WebSocketEvent } from './event.ts';
import type { RawData } from './payload.ts';

/** Where a socket stands (WHATWG §3.1). */
export type ReadyState = 0 | 1 | 2 | 3;

/** Options of a socket on either side. */
export interface SocketOptions {
  /** Longest message to accept, in bytes; 0 for no limit. Default 100 MiB. Beyond it: 1009. */
  readonly maxPayload?: number | undefined;
  /** Most fragments of a message to accept; 0, the default, for no limit: they cost no memory. */
  readonly maxFragments?: number | undefined;
  /** Take text on trust. Default false. */
  readonly skipUTF8Validation?: boolean | undefined;
  /** Answer Pings (§5.5.2). Default true. */
  readonly autoPong?: boolean | undefined;
  /** Milliseconds that a closing handshake may take before the socket is dropped. Default 30 000. */
  readonly closeTimeout?: number | undefined;
  /**
   * Milliseconds between heartbeats: a peer that has been silent for so long gets a Ping, one that
   * stays silent for as long again is dropped (close code 1006). Default 0: none.
   */
  readonly heartbeat?: number | undefined;
  /** Accepted and without effect: chunks are worked through as they come, none is kept. */
  readonly maxBufferedChunks?: number | undefined;
  /** Accepted and without effect: a peer that does not read has one Pong waiting at most. */
  readonly maxPendingAutoPongs?: number | undefined;
  /** Accepted and without effect: events come as soon as their bytes do. */
  readonly allowSynchronousEvents?: boolean | undefined;
  /** Fills its 4-byte argument with a masking key, instead of the system's CSPRNG (§5.3, §10.3). */
  readonly generateMask?: ((mask: Buffer) => void) | undefined;
}

/** What is known of a connection when its opening handshake has been completed. */
export interface Agreement extends SocketOptions {
  /** The subprotocol in use; none if left out. */
  readonly protocol?: string | undefined;
  /** The extensions in use, as they stand in the handshake. */
  readonly extensions?: string | undefined;
  /** What was agreed on of permessage-deflate, and what this end's options for it are. */
  readonly deflate?: DeflateAgreement | null | undefined;
}

/** The outcome of a negotiation (RFC 7692 §5). */
export interface DeflateAgreement {
  readonly parameters: DeflateParameters;
  readonly options: DeflateOptions;
}

/** The emitter's events and what their listeners are called with. */
export interface WebSocketEvents {
  /** The opening handshake is complete: from here on `send` may be called. */
  open: [];
  /** `data` is a Buffer for text (`isBinary` false), and what `binaryType` says for binary. */
  message: [data: RawData, isBinary: boolean];
  /** §5.5.2: up to 125 bytes, which are the listener's. It is answered without it, unless `autoPong` is off. */
  ping: [data: Buffer];
  /** §5.5.3: the same, asked for or not. */
  pong: [data: Buffer];
  /** The transport takes data again after it had been full. */
  drain: [];
  /** §7.1.5, §7.1.6: the peer's code and reason; 1005 for none, 1006 without a Close frame. */
  close: [code: number, reason: Buffer];
  /** Emitted only where somebody listens: a peer cannot end the process. */
  error: [error: Error];
  /** A client's: the server's 101, not checked yet. */
  upgrade: [response: IncomingMessage];
  /** A client's: a redirect is being followed; `request` may still be changed. */
  redirect: [url: string, request: ClientRequest];
  /** A client's: the server answered with another status; with a listener, the rest is its matter. */
  'unexpected-response': [request: ClientRequest, response: IncomingMessage];
}

/** The event objects of `addEventListener` and the `on…` attributes. */
export interface WebSocketEventMap<Target> {
  open: WebSocketEvent<Target>;
  message: MessageEvent<Target, string | RawData>;
  close: CloseEvent<Target>;
  error: ErrorEvent<Target>;
}

/** Options of `send`. */
export interface SendOptions {
  /** Send as binary (true) or text (false). Default: text for strings, else binary. */
  readonly binary?: boolean | undefined;
  /** Whether this is the last fragment of its message. Default true. */
  readonly fin?: boolean | undefined;
  /**
   * Compress, where permessage-deflate is in use. Default true. What an attacker can have sent beside
   * something secret should not be compressed with it (RFC 7692 §8).
   */
  readonly compress?: boolean | undefined;
  /** Has no effect: clients mask, servers do not (§5.1). */
  readonly mask?: boolean | undefined;
}
