// A socket.io server and its clients for one test, and their end.

import { createServer, type Server as HttpServer } from 'node:http';
import { type DefaultEventsMap, Server, type ServerOptions, type Socket } from 'socket.io';
import {
  type Socket as ClientSocket,
  io,
  type ManagerOptions,
  type SocketOptions,
} from 'socket.io-client';
import { WebSocket } from 'ws';
import { closeLoopback, listenLoopback } from '../support/loopback.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';

/** A server's socket; its `data` is what a test puts there. */
export type ServerSocket = Socket<
  DefaultEventsMap,
  DefaultEventsMap,
  DefaultEventsMap,
  Record<string, unknown>
>;

export type ClientOptions = Partial<ManagerOptions & SocketOptions>;

/** One server on the loopback interface and the clients that were made for it. */
export class Stage {
  readonly http: HttpServer = createServer();
  readonly io: Server<
    DefaultEventsMap,
    DefaultEventsMap,
    DefaultEventsMap,
    Record<string, unknown>
  >;
  port = 0;
  #clients: ClientSocket[] = [];

  constructor(options: Partial<ServerOptions> = {}) {
    this.io = new Server(this.http, { maxHttpBufferSize: 4e6, ...options });
  }

  /** Starts to listen. Messages of the main namespace are sent back by whichever event they come. */
  async start(): Promise<this> {
    this.io.on('connection', (socket) => {
      socket.on('echo', (...args: unknown[]) => socket.emit('echo', ...args));
      socket.on('ask', (value: unknown, answer: (value: unknown) => void) => answer(value));
    });
    this.port = await listenLoopback(this.http);
    return this;
  }

  /** A client that connects by WebSocket alone, once, unless told otherwise. It is not waited for. */
  client(options: ClientOptions = {}, namespace = '/'): ClientSocket {
    const client = io(`http://127.0.0.1:${this.port}${namespace}`, {
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** A client and the server's side of it, connected, and by then on a WebSocket. */
  async pair(options: ClientOptions = {}): Promise<[ClientSocket, ServerSocket]> {
    const accepted = nextCall<[ServerSocket]>('connection', (call) =>
      this.io.once('connection', call),
    );
    const client = this.client(options);
    const [socket] = await accepted;
    await waitFor('a WebSocket on both sides', () => {
      const names = [client.io.engine?.transport?.name, socket.conn.transport.name];
      return client.connected && names.every((name) => name === 'websocket');
    });
    return [client, socket];
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    await this.io.close();
    await closeLoopback(this.http);
  }
}

/** The client's WebSocket below socket.io, seen to be handfast's. */
export function webSocketOf(client: ClientSocket): WebSocket {
  const { ws } = client.io.engine.transport as unknown as { ws: unknown };
  if (ws instanceof WebSocket) return ws;
  throw new Error('not a WebSocket of the package that this tree calls ws');
}

/** The server's WebSocket below socket.io, seen to be handfast's. */
export function acceptedOf(socket: ServerSocket): WebSocket {
  const { socket: ws } = socket.conn.transport as unknown as { socket: unknown };
  if (ws instanceof WebSocket) return ws;
  throw new Error('not a WebSocket of the package that this tree calls ws');
}
