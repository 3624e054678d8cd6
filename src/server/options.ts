// What a server can be told and what it tells: options, hooks, events. Types only.

import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { TlsOptions } from 'node:tls';
import type { ClientOptions, WebSocket } from '../client/websocket.ts';
import type { DeflateOptions } from '../deflate/options.ts';
import type { SocketOptions } from '../websocket/surface.ts';
import type { OriginPattern } from './origin.ts';
import type { AnswerHeaders } from './refusal.ts';

/** What `verifyClient` is told. */
export interface ClientInfo<Request extends IncomingMessage = IncomingMessage> {
  /** The Origin field; not to be trusted outside browsers (§10.1). */
  readonly origin: string | undefined;
  /** The request came over TLS. */
  readonly secure: boolean;
  readonly req: Request;
}

/** The answer of an asynchronous `verifyClient`; the last three say how to refuse. */
export type VerifyCallback = (
  verified: boolean,
  code?: number,
  message?: string,
  headers?: AnswerHeaders,
) => void;

/**
 * Decides on a request by its return value, by a promise, or, where it takes two parameters, by the
 * callback. One signature for all three, so that the parameters of a function written in place are typed.
 */
export type VerifyClient<Request extends IncomingMessage = IncomingMessage> = (
  info: ClientInfo<Request>,
  callback: VerifyCallback,
  // biome-ignore lint/suspicious/noConfusingVoidType: the return type of those that use the callback
) => boolean | Promise<boolean> | void;

/** Options of a server. Exactly one of `port`, `server` and `noServer` must be given. */
export interface ServerOptions<Socket extends WebSocket = WebSocket> extends SocketOptions {
  /** Listen on this port; 0 for any. */
  port?: number | null | undefined;
  /** Listen on this address only. */
  host?: string | null | undefined;
  /** Length of the queue of connections that wait to be accepted. */
  backlog?: number | null | undefined;
  /** With `port`: speak TLS, with these options of `tls.createServer`. */
  tls?: TlsOptions | undefined;
  /** With `port`: milliseconds that a client has to send its request. Default 10 000. */
  handshakeTimeout?: number | undefined;
  /** With `port`: longest request head to accept, in bytes. Default 16 KiB. */
  maxHeaderSize?: number | undefined;
  /** Take the upgrades of this HTTP server; several WebSocket servers may share one. */
  server?: HttpServer | HttpsServer | null | undefined;
  /** Take only what the application gives to `handleUpgrade`. */
  noServer?: boolean | undefined;
  /** Accept only requests for this path; the query does not count. */
  path?: string | null | undefined;
  /**
   * Origins from which scripts may connect (§10.2). Without this, without `verifyClient` and not in
   * `noServer` mode, only pages from the host that the request is for. Requests without an Origin
   * do not come from browsers and are accepted.
   */
  origins?: OriginPattern | readonly OriginPattern[] | null | undefined;
  /** Decides whether to accept a client (401 if not). Switches the default Origin check off. */
  verifyClient?: VerifyClient | null | undefined;
  /** Picks one of the client's subprotocols, or none. Default: the client's first. */
  handleProtocols?:
    | ((protocols: Set<string>, request: IncomingMessage) => string | false | null | undefined)
    | null
    | undefined;
  /** Keep `clients`. Default true. */
  clientTracking?: boolean | undefined;
  /** Compress messages with clients that offer it (RFC 7692). Default false. Read for each handshake. */
  perMessageDeflate?: boolean | DeflateOptions | null | undefined;
  /** The class of the sockets. Default WebSocket. */
  WebSocket?:
    | (new (
        address: null,
        protocols: undefined,
        options?: ClientOptions,
      ) => Socket)
    | undefined;
}

/** The server's events and what their listeners are called with. */
export interface ServerEvents<Socket extends WebSocket = WebSocket> {
  /** A socket is open; `request` is what it was asked for with. */
  connection: [socket: Socket, request: IncomingMessage];
  /** The lines of the 101, before they are sent: more may be pushed. */
  headers: [lines: string[], request: IncomingMessage];
  /** With `port` or `server`: the listening socket listens. */
  listening: [];
  /** The listening socket's, or what a hook of the application's threw over a handshake (answered with 500). */
  error: [error: Error];
  /** The server takes no connections any more, and those that it knew of have ended. */
  close: [];
  /** A request that is no valid opening handshake; with a listener, answering it is its matter. */
  wsClientError: [error: Error, socket: Duplex, request: IncomingMessage];
  /** With `port`: a request that is no upgrade, which gets 426 unless somebody listens. */
  request: [request: IncomingMessage, response: ServerResponse];
}

/** How `shutdown` says goodbye. */
export interface ShutdownOptions {
  /** Status code. Default 1001: going away. */
  readonly code?: number | undefined;
  /** At most 123 bytes of UTF-8 (§5.5). Default: none. */
  readonly reason?: string | undefined;
  /** Milliseconds until the connections that are still open are dropped. Default 10 000. */
  readonly timeout?: number | undefined;
}
