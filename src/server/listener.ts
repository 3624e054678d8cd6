// The standalone listener: reads opening requests straight from raw sockets with our own head parser,
// no HTTP server between. Bounded in bytes, fields and time. Knows no frames and no policy.

import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { createServer, type Server as NetServer, type ServerOpts, type Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import type { HandshakeError } from '../errors.ts';
import { hasToken } from '../handshake/grammar.ts';
import { HeadParser, type RequestHead } from '../handshake/head.ts';
import { abandon, refuse } from './refusal.ts';

// Not imported: an import reads everything that a module of Node's exports, whereupon node:http loads Node's
// own WebSocket from Node 22 on, and TLS with it. That takes longer than to load all of this package.
const http = process.getBuiltinModule('node:http');

/** Limits of the request's head. */
export interface ListenerOptions {
  /** Milliseconds until the head must be complete. */
  readonly handshakeTimeout: number;
  /** Bytes of the head. */
  readonly maxHeaderSize: number;
  /** Speak TLS, with these options of `tls.createServer`. */
  readonly tls?: TlsOptions | undefined;
}

/** What becomes of a request. */
export interface ListenerEvents {
  /** A request to upgrade. `head` holds the bytes behind it; the socket is paused unless `isImmediate`. */
  onUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void;
  /** Whether `onUpgrade` has answered when it returns, without anyone else having had the socket. */
  isImmediate(): boolean;
  /** The HTTP server that answers other requests; null where they get 426. */
  httpServer(): HttpServer | null;
}

/** §4.4, RFC 9110 §15.5.22: what a 426 says. */
const UPGRADE_REQUIRED = {
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  // RFC 9110 §7.8: Upgrade is named in Connection.
  Connection: 'Upgrade, close',
};

/** A listening socket for WebSocket clients. */
export class Listener {
  readonly server: NetServer;
  readonly #options: ListenerOptions;
  readonly #events: ListenerEvents;
  /** Sockets whose request is not complete. */
  readonly #reading = new Map<Socket, NodeJS.Timeout>();

  /** Sockets in their TLS handshake, by peer: the TLS socket that comes of one does not name it. */
  readonly #securing = new Map<string, Socket>();

  constructor(options: ListenerOptions, events: ListenerEvents) {
    this.#options = options;
    this.#events = events;
    // Half-open: a peer's FIN must not cut off our answer; every path below ends our side itself.
    const serverOptions = { allowHalfOpen: true, noDelay: true };
    const accept = (socket: Socket): void => this.#accept(socket);
    this.server =
      options.tls === undefined
        ? createServer(serverOptions, accept)
        : this.#createTlsServer(options.tls, serverOptions, accept);
  }

  /** Drops the sockets that have not completed a request, or not even their TLS handshake. */
  dropReading(): void {
    for (const socket of this.#securing.values()) socket.destroy();
    for (const socket of this.#reading.keys()) socket.destroy();
  }

  #createTlsServer(
    options: TlsOptions,
    serverOptions: ServerOpts,
    accept: (socket: Socket) => void,
  ): NetServer {
    const { handshakeTimeout } = this.#options;
    // Loaded for those who ask for it.
    const tls = process.getBuiltinModule('node:tls');
    const server = tls.createServer({ handshakeTimeout, ...options, ...serverOptions }, accept);
    server.on('connection', (socket: Socket) => {
      const peer = peerOf(socket);
      this.#securing.set(peer, socket);
      socket.once('close', () => {
        if (this.#securing.get(peer) === socket) this.#securing.delete(peer);
      });
    });
    server.on('secureConnection', (socket) => this.#securing.delete(peerOf(socket)));
    // A failed TLS handshake closes its socket; it is nobody else's matter.
    server.on('tlsClientError', (_, socket) => socket.destroy());
    return server;
  }

  #accept(socket: Socket): void {
    const parser = new HeadParser('request', { maxBytes: this.#options.maxHeaderSize });
    const stop = (): void => {
      clearTimeout(this.#reading.get(socket));
      this.#reading.delete(socket);
      socket.removeListener('data', onData);
      socket.removeListener('end', onEnd);
      socket.removeListener('close', stop);
    };
    const onData = (chunk: Buffer): void => {
      let head: RequestHead | null;
      try {
        head = parser.parse(chunk);
      } catch (error) {
        stop();
        const { status, message, headers } = error as HandshakeError;
        refuse(socket, status, message, headers);
        return;
      }
      if (head === null) return;
      stop();
      this.#dispatch(head, socket, chunk);
    };
    const onEnd = (): void => {
      socket.destroy();
    };
    const timeout = setTimeout(() => {
      stop();
      refuse(socket, 408, 'The request took too long');
    }, this.#options.handshakeTimeout);
    this.#reading.set(socket, timeout);
    socket.on('error', abandon);
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('close', stop);
  }

  #dispatch(head: RequestHead, socket: Socket, chunk: Buffer): void {
    const { connection, upgrade } = head.headers;
    if (upgrade !== undefined && hasToken(String(connection ?? ''), 'upgrade')) {
      // Pausing and resuming costs a turn, and nothing can come before this one ends.
      const isImmediate = head.rest.length === 0 && this.#events.isImmediate();
      if (!isImmediate) socket.pause();
      this.#events.onUpgrade(toIncomingMessage(head, socket), socket, head.rest);
      // Accepted, and not read: by a class whose sockets take theirs over later.
      if (isImmediate && socket.listenerCount('data') === 0 && !socket.writableEnded)
        socket.pause();
      return;
    }
    const server = this.#events.httpServer();
    if (server === null) {
      refuse(socket, 426, '', UPGRADE_REQUIRED);
      return;
    }
    socket.pause();
    socket.removeListener('error', abandon);
    socket.unshift(format(head, chunk));
    server.emit('connection', socket);
    socket.resume();
  }
}

/** An HTTP server that listens on nothing: it is handed sockets, and gives upgrades back. */
export function createAnsweringServer(
  maxHeaderSize: number,
  onUpgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => void,
): HttpServer {
  const server = http.createServer({ maxHeaderSize });
  // Node watches over connections, for its timeouts and for closing them, from `listening` on.
  server.emit('listening');
  server.on('upgrade', (request, socket, head) => onUpgrade(request, socket as Socket, head));
  return server;
}

/** An upgrade has no body. Its stream says so when it is read, which is next to never. */
class BodilessMessage extends http.IncomingMessage {
  override _read(): void {
    this.push(null);
  }
}

function toIncomingMessage(head: RequestHead, socket: Socket): IncomingMessage {
  const request = new BodilessMessage(socket);
  request.method = head.method;
  request.url = head.url;
  request.httpVersion = head.httpVersion;
  request.httpVersionMajor = head.httpVersionMajor;
  request.httpVersionMinor = head.httpVersionMinor;
  request.rawHeaders = head.rawHeaders;
  request.headers = head.headers;
  request.complete = true;
  return request;
}

/** The request as it came, or as good as: for a parser that has to read it again. */
function format(head: RequestHead, chunk: Buffer): Buffer {
  let text = `${head.method} ${head.url} HTTP/${head.httpVersion}\r\n`;
  for (let i = 0; i < head.rawHeaders.length; i += 2) {
    text += `${head.rawHeaders[i]}: ${head.rawHeaders[i + 1]}\r\n`;
  }
  return Buffer.concat([
    Buffer.from(`${text}\r\n`, 'latin1'),
    chunk.subarray(chunk.length - head.rest.length),
  ]);
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
