// A chat gateway as Discord documents it, on loopback: REST for finding it and handfast's server for the rest.
// Hello, Identify, Heartbeat, Resume and dispatches with sequence numbers; sessions outlive connections.

import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { constants, createDeflate, type Deflate } from 'node:zlib';
import { type WebSocket, WebSocketServer } from 'ws';
import { closeLoopback } from '../support/loopback.ts';

/** Opcodes of the gateway, by their documented names. */
export const Op = {
  Dispatch: 0,
  Heartbeat: 1,
  Identify: 2,
  PresenceUpdate: 3,
  Resume: 6,
  Reconnect: 7,
  InvalidSession: 9,
  Hello: 10,
  HeartbeatAck: 11,
} as const;

export interface Payload {
  readonly op: number;
  readonly d: Record<string, unknown>;
}

/** One connection, with the compressed stream that it may have asked for. */
class Connection {
  readonly socket: WebSocket;
  readonly #deflate: Deflate | null;

  constructor(socket: WebSocket, isCompressed: boolean) {
    this.socket = socket;
    this.#deflate = isCompressed ? createDeflate({ flush: constants.Z_SYNC_FLUSH }) : null;
    // Each piece that zlib gives out is a message; a payload ends with the marker of the flush.
    this.#deflate?.on('data', (piece: Buffer) => socket.send(piece));
  }

  send(payload: object): void {
    const text = JSON.stringify(payload);
    if (this.#deflate === null) this.socket.send(text);
    else this.#deflate.write(text);
  }
}

export class Gateway {
  readonly #http = createServer();
  readonly #server: WebSocketServer;
  readonly #silent: Duplex[] = [];
  #connections: Connection[] = [];
  #sequence = 0;
  readonly requests: IncomingMessage[] = [];
  readonly received: Payload[] = [];
  readonly closes: { code: number; reason: string }[] = [];
  heartbeatInterval = 10_000;
  acknowledges = true;
  /** What becomes of the next requests: refused with a status, left without an answer, or (0) accepted. */
  refuseWith: number | 'silence' = 0;

  private constructor(perMessageDeflate: boolean) {
    this.#server = new WebSocketServer({ noServer: true, perMessageDeflate });
  }

  static async start(perMessageDeflate = false): Promise<Gateway> {
    const gateway = new Gateway(perMessageDeflate);
    gateway.#http.on('request', (_, response) => {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(gateway.#information()));
    });
    gateway.#http.on('upgrade', (...args) => gateway.#upgrade(...args));
    gateway.#http.listen(0, '127.0.0.1');
    await once(gateway.#http, 'listening');
    return gateway;
  }

  get host(): string {
    return `127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  get sockets(): WebSocket[] {
    return this.#connections.map(({ socket }) => socket);
  }

  /** Payloads that came with an opcode. */
  receivedOf(op: number): Payload[] {
    return this.received.filter((payload) => payload.op === op);
  }

  /** Sends an event to everybody who is connected. */
  dispatch(name: string, data: unknown): void {
    this.#sequence++;
    this.#broadcast({ op: Op.Dispatch, t: name, s: this.#sequence, d: data });
  }

  /** Sends a payload other than a dispatch. */
  tell(op: number, data: unknown): void {
    this.#broadcast({ op, d: data, s: null, t: null });
  }

  async stop(): Promise<void> {
    for (const socket of this.#silent) socket.destroy();
    for (const client of this.#server.clients) client.terminate();
    this.#http.closeAllConnections();
    await closeLoopback(this.#http);
  }

  #broadcast(payload: object): void {
    for (const connection of this.#connections) connection.send(payload);
  }

  #information(): object {
    const limit = { total: 1000, remaining: 1000, reset_after: 60_000, max_concurrency: 16 };
    return { url: `ws://${this.host}`, shards: 1, session_start_limit: limit };
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.requests.push(request);
    if (this.refuseWith === 'silence') {
      this.#silent.push(socket);
    } else if (this.refuseWith !== 0) {
      socket.end(
        `HTTP/1.1 ${this.refuseWith} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      );
    } else {
      this.#server.handleUpgrade(request, socket, head, (ws) => this.#serve(ws, request));
    }
  }

  #serve(socket: WebSocket, request: IncomingMessage): void {
    const query = new URL(request.url as string, 'ws://localhost').searchParams;
    const connection = new Connection(socket, query.get('compress') === 'zlib-stream');
    this.#connections.push(connection);
    socket.on('message', (data) => this.#receive(connection, JSON.parse(data.toString())));
    socket.on('close', (code: number, reason: Buffer) => {
      this.closes.push({ code, reason: reason.toString() });
      this.#connections = this.#connections.filter((other) => other !== connection);
    });
    connection.send({ op: Op.Hello, d: { heartbeat_interval: this.heartbeatInterval } });
  }

  #receive(connection: Connection, payload: Payload): void {
    this.received.push(payload);
    if (payload.op === Op.Heartbeat && this.acknowledges) {
      connection.send({ op: Op.HeartbeatAck });
    }
    if (payload.op === Op.Identify) {
      if (payload.d.token !== 'token') connection.socket.close(4004, 'Authentication failed.');
      const ready = { session_id: 'session', resume_gateway_url: `ws://${this.host}/resume` };
      this.#sequence = 1;
      connection.send({ op: Op.Dispatch, t: 'READY', s: 1, d: ready });
    }
    if (payload.op === Op.Resume) {
      this.#sequence++;
      connection.send({ op: Op.Dispatch, t: 'RESUMED', s: this.#sequence, d: {} });
    }
  }
}
