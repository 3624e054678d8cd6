// A relay in front of a browser's debugging port: handfast on both of its sides. It notes who asks, refuses and
// redirects by path, and says things of its own.

import { createServer, type IncomingMessage } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { closeLoopback, listenLoopback } from '../support/loopback.ts';

export class Relay {
  readonly #http = createServer();
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: 0 });
  readonly requests: IncomingMessage[] = [];
  readonly closes: { code: number; reason: string }[] = [];
  #port = 0;

  /** Relays to `endpoint`, a browser's WebSocket address. */
  static async start(endpoint: string): Promise<Relay> {
    const relay = new Relay();
    relay.#http.on('upgrade', (request: IncomingMessage, socket, head) => {
      relay.requests.push(request);
      const answer = relay.#refusal(request.url);
      if (answer !== undefined) {
        socket.end(`HTTP/1.1 ${answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
        return;
      }
      relay.#server.handleUpgrade(request, socket, head, (client) => relay.#join(client, endpoint));
    });
    relay.#port = await listenLoopback(relay.#http);
    return relay;
  }

  url(path: string): string {
    return `ws://127.0.0.1:${this.#port}${path}`;
  }

  get clients(): Set<WebSocket> {
    return this.#server.clients;
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.terminate();
    await closeLoopback(this.#http);
  }

  #refusal(path: string | undefined): string | undefined {
    if (path === '/refused') return '403 Forbidden';
    if (path === '/moved') return `302 Found\r\nLocation: ${this.url('/browser')}`;
    return undefined;
  }

  #join(client: WebSocket, endpoint: string): void {
    const browser = new WebSocket(endpoint, { perMessageDeflate: false, maxPayload: 0 });
    client.pause();
    browser.on('open', () => client.resume());
    browser.on('message', (data, isBinary) => client.send(data, { binary: isBinary }));
    client.on('message', (data, isBinary) => browser.send(data, { binary: isBinary }));
    browser.on('error', () => client.terminate());
    browser.on('close', () => client.close());
    client.on('close', (code: number, reason: Buffer) => {
      this.closes.push({ code, reason: reason.toString() });
      browser.close();
    });
  }
}
