// What a page connects to: handfast's server, which compresses, returns every message and does what a path says.

import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { closeLoopback, listenLoopback } from '../support/loopback.ts';

export interface Ending {
  readonly code: number;
  readonly reason: string;
}

export class Service {
  readonly #http: ReturnType<typeof createServer>;
  readonly #server: WebSocketServer;
  /** `127.0.0.1:port` */
  host = '';
  /** Connections that get no answer. */
  readonly #silent: Duplex[] = [];
  readonly requests: IncomingMessage[] = [];
  /** How connections ended, in order. */
  readonly endings: Ending[] = [];

  private constructor(http: ReturnType<typeof createServer>) {
    this.#http = http;
    // Pages of these tests have other origins, as pages may.
    this.#server = new WebSocketServer({ noServer: true, perMessageDeflate: true });
    http.on('upgrade', (request: IncomingMessage, socket, head) => {
      this.requests.push(request);
      if (request.url === '/refused') {
        socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      } else if (request.url === '/silent') {
        this.#silent.push(socket);
      } else {
        this.#server.handleUpgrade(request, socket, head, (ws) => this.#serve(ws, request));
      }
    });
    this.#server.on('headers', (lines, request) => {
      if (request.url === '/cookies') lines.push('Set-Cookie: a=1', 'Set-Cookie: b=2; HttpOnly');
      if (request.url === '/cookie') lines.push('Set-Cookie: only=1');
    });
  }

  static async start(tls?: { key: Buffer; cert: Buffer }): Promise<Service> {
    const service = new Service(tls === undefined ? createServer() : createTlsServer(tls));
    service.host = `127.0.0.1:${await listenLoopback(service.#http)}`;
    return service;
  }

  get clients(): Set<WebSocket> {
    return this.#server.clients;
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.terminate();
    for (const socket of this.#silent) socket.destroy();
    this.#http.closeAllConnections();
    await closeLoopback(this.#http);
  }

  #serve(socket: WebSocket, request: IncomingMessage): void {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on('close', (code: number, reason: Buffer) => {
      this.endings.push({ code, reason: reason.toString() });
    });
    if (request.url === '/going') socket.close(1001, 'going away');
    // §5.2: an opcode that means nothing.
    if (request.url === '/broken') socket.socket?.write(Buffer.from([0x83, 0]));
  }
}
