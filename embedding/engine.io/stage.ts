// An engine.io server and clients of both protocol generations for one test, and their end.

import { createServer, type Server as HttpServer } from 'node:http';
import { createRequire } from 'node:module';
import { Server, type ServerOptions, type Socket } from 'engine.io';
import { Socket as ClientV4, type SocketOptions } from 'engine.io-client';
import { WebSocket } from 'ws';
import { closeLoopback, listenLoopback } from '../support/loopback.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';

export type ClientOptions = Partial<SocketOptions> & { forceNode?: boolean };
export type ClientSocket = ClientV4;
export type Client = new (url: string, options: ClientOptions) => ClientSocket;
export type { Socket } from 'engine.io';

/** engine.io-client 3 speaks revision 3 of the protocol and has no types; what is used here is called the same. */
const ClientV3 = createRequire(import.meta.url)('engine.io-client-v3') as Client;

/** Both generations, by their names in test titles. */
export const CLIENTS: readonly { name: string; Client: Client; revision: number }[] = [
  { name: 'engine.io-client 6', Client: ClientV4, revision: 4 },
  { name: 'engine.io-client 3', Client: ClientV3, revision: 3 },
];

/** One engine.io server on the loopback interface that sends every message back. */
export class Stage {
  readonly http: HttpServer = createServer();
  readonly engine: Server;
  port = 0;
  #clients: ClientSocket[] = [];

  constructor(options: ServerOptions = {}) {
    this.engine = new Server({ allowEIO3: true, maxHttpBufferSize: 4e6, ...options });
    this.engine.attach(this.http);
    this.engine.on('connection', (socket: Socket) => {
      socket.on('message', (data) => socket.send(data));
    });
  }

  async start(): Promise<this> {
    this.port = await listenLoopback(this.http);
    return this;
  }

  /** A client by WebSocket alone unless told otherwise. It is not waited for. */
  client(Client: Client, options: ClientOptions = {}): ClientSocket {
    const client = new Client(`http://127.0.0.1:${this.port}`, {
      transports: ['websocket'],
      // Generation 3 would take Node's own WebSocket where there is one.
      forceNode: true,
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** A client and the server's side of it, open, and by then on a WebSocket. */
  async pair(Client: Client, options: ClientOptions = {}): Promise<[ClientSocket, Socket]> {
    const accepted = nextCall<[Socket]>('connection', (call) =>
      this.engine.once('connection', call),
    );
    const client = this.client(Client, options);
    const [socket] = await accepted;
    await waitFor('a WebSocket on both sides', () => {
      const names = [client.transport.name, socket.transport.name];
      return client.readyState === 'open' && names.every((name) => name === 'websocket');
    });
    return [client, socket];
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    this.engine.close();
    await closeLoopback(this.http);
  }
}

/** The WebSocket below a client, seen to be handfast's. */
export function webSocketOf(client: ClientSocket): WebSocket {
  const { ws } = client.transport as unknown as { ws: unknown };
  if (ws instanceof WebSocket) return ws;
  throw new Error('not a WebSocket of the package that this tree calls ws');
}

/** The WebSocket below a server's socket, seen to be handfast's. */
export function acceptedOf(socket: Socket): WebSocket {
  const { socket: ws } = socket.transport as unknown as { socket: unknown };
  if (ws instanceof WebSocket) return ws;
  throw new Error('not a WebSocket of the package that this tree calls ws');
}

/** The bytes of a message, whichever of its forms a client hands it out in. */
export function bytesOf(data: unknown): Buffer {
  if (Buffer.isBuffer(data)) return data;
  if (data instanceof ArrayBuffer) return Buffer.from(data);
  throw new TypeError(`not binary: ${typeof data}`);
}
