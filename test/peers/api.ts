// Api: as much of the ws package's interface as the suites use. The ws package and the subject
// both have it, so that one client and one service serve for either.

import type { Server as HttpServer, IncomingMessage, RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { TlsOptions } from 'node:tls';
import type { PreparedMessage } from '../../src/index.ts';

export interface SendOptions {
  readonly fin?: boolean;
  readonly binary?: boolean;
  readonly compress?: boolean;
}

/** What an end wants of permessage-deflate; windows are in bits. */
export interface DeflateWishes {
  readonly serverNoContextTakeover?: boolean;
  readonly clientNoContextTakeover?: boolean;
  readonly serverMaxWindowBits?: number;
  readonly clientMaxWindowBits?: number | false;
  readonly threshold?: number;
}

export interface ApiSocket {
  readonly protocol: string;
  readonly extensions: string;
  on(event: 'open', listener: () => void): unknown;
  on(event: 'upgrade', listener: (response: IncomingMessage) => void): unknown;
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): unknown;
  on(event: 'pong', listener: (data: Buffer) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'close', listener: (code: number, reason: Buffer) => void): unknown;
  once(event: 'pong', listener: (data: Buffer) => void): unknown;
  addEventListener(
    event: 'close',
    listener: (event: { code: number; reason: string; wasClean: boolean }) => void,
  ): void;
  send(
    data: string | Buffer | PreparedMessage,
    options?: SendOptions,
    done?: (error?: Error | null) => void,
  ): void;
  ping(data: Buffer): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
}

export interface ApiServer {
  on(event: 'connection', listener: (socket: ApiSocket, request: IncomingMessage) => void): unknown;
  on(event: 'listening', listener: () => void): unknown;
  on(event: 'request', listener: RequestListener): unknown;
  shouldHandle: (request: IncomingMessage) => boolean;
  address(): AddressInfo | string | null;
  close(done?: () => void): void;
  readonly clients: Set<ApiSocket>;
}

/** What `verifyClient` answers with: accepted, or the status and headers of the refusal. */
export type Verdict = (
  accepted: boolean,
  status?: number,
  message?: string,
  headers?: Record<string, string>,
) => void;

export interface ServerOptions {
  readonly server?: HttpServer;
  readonly port?: number;
  readonly host?: string;
  /** The subject's own: with `port`, speak TLS. */
  readonly tls?: TlsOptions;
  readonly path?: string;
  /** The subject's own: the origins that are welcome, instead of that of the host itself. */
  readonly origins?: readonly string[];
  readonly perMessageDeflate?: boolean | DeflateWishes;
  readonly handleProtocols?: (offered: Set<string>) => string | false;
  readonly verifyClient?: (info: { readonly req: IncomingMessage }, answer: Verdict) => void;
}

export interface ClientOptions {
  readonly perMessageDeflate?: boolean | DeflateWishes;
  readonly origin?: string;
  readonly headers?: Record<string, string>;
  readonly ca?: Buffer;
}

export interface Api {
  /** Its servers check Origins by themselves, and may share an HTTP server. */
  readonly guards: boolean;
  readonly WebSocket: new (url: string, protocols: string[], options: ClientOptions) => ApiSocket;
  readonly WebSocketServer: new (options: ServerOptions) => ApiServer;
  /** The subject's own: messages that are encoded once, for many. */
  readonly PreparedMessage?: typeof PreparedMessage;
}

// The package has no types of its own; this file says what is used of it.
const { WebSocket, WebSocketServer } = createRequire(import.meta.url)('ws') as Omit<Api, 'guards'>;

export const ws: Api = { WebSocket, WebSocketServer, guards: false };
