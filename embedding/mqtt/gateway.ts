// MQTT over WebSocket in front of a broker that speaks TCP only: handfast's server and its sockets as streams.
// What a site runs whose broker knows no WebSocket.

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { pipeline } from 'node:stream';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';

export class Gateway {
  readonly #server: WebSocketServer;
  /** The codes with which clients have closed, in order. */
  readonly closeCodes: number[] = [];
  readonly requests: IncomingMessage[] = [];

  private constructor(server: WebSocketServer, tcpPort: number) {
    this.#server = server;
    server.on('connection', (socket: WebSocket, request) => {
      this.requests.push(request);
      socket.on('close', (code: number) => this.closeCodes.push(code));
      const stream = createWebSocketStream(socket);
      const broker = connect(tcpPort, '127.0.0.1');
      // Either end may go first; the pipelines then take the other down.
      pipeline(stream, broker, () => undefined);
      pipeline(broker, stream, () => undefined);
    });
  }

  static async start(tcpPort: number, perMessageDeflate = false): Promise<Gateway> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate });
    await once(server, 'listening');
    return new Gateway(server, tcpPort);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get clients(): Set<WebSocket> {
    return this.#server.clients;
  }

  async stop(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
