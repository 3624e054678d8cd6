// A node of an imaginary chain: JSON-RPC over handfast's server, as far as a provider asks for it. Blocks are
// made by `mine()`; answers can be slow, wrong or in binary frames.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

const hash = (value: number) => `0x${value.toString(16).padStart(64, '0')}`;
const quantity = (value: number) => `0x${value.toString(16)}`;

export class ChainNode {
  readonly #server: WebSocketServer;
  readonly #subscriptions = new Map<string, { socket: WebSocket; kind: string }>();
  #block = 100;
  /** The methods called, in order. */
  readonly methods: string[] = [];
  readonly closeCodes: number[] = [];
  /** Answers go as binary messages instead of text. */
  isBinary = false;
  /** What `eth_call` returns, as hex digits. */
  callResult = '0x';

  private constructor(perMessageDeflate: boolean) {
    this.#server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate });
  }

  static async start(perMessageDeflate = false): Promise<ChainNode> {
    const node = new ChainNode(perMessageDeflate);
    node.#server.on('connection', (socket) => {
      socket.on('message', (data) => node.#answer(socket, JSON.parse(data.toString()) as Call));
      socket.on('close', (code: number) => node.closeCodes.push(code));
    });
    await once(node.#server, 'listening');
    return node;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get clients(): Set<WebSocket> {
    return this.#server.clients;
  }

  /** Makes a block and tells those who have subscribed; one log entry comes with each. */
  mine(): number {
    this.#block++;
    for (const [id, { socket, kind }] of this.#subscriptions) {
      const result = kind === 'logs' ? this.#log() : { number: quantity(this.#block) };
      const params = { subscription: id, result };
      this.#send(socket, { jsonrpc: '2.0', method: 'eth_subscription', params });
    }
    return this.#block;
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #send(socket: WebSocket, message: object): void {
    socket.send(JSON.stringify(message), { binary: this.isBinary });
  }

  #answer(socket: WebSocket, { id, method, params }: Call): void {
    this.methods.push(method);
    if (method === 'eth_sendRawTransaction') {
      const error = { code: -32000, message: 'nonce too low' };
      this.#send(socket, { jsonrpc: '2.0', id, error });
      return;
    }
    this.#send(socket, { jsonrpc: '2.0', id, result: this.#result(socket, method, params) });
  }

  #result(socket: WebSocket, method: string, params: readonly unknown[]): unknown {
    switch (method) {
      case 'eth_chainId':
        return quantity(1337);
      case 'eth_blockNumber':
        return quantity(this.#block);
      case 'eth_call':
        return this.callResult;
      case 'eth_subscribe': {
        const id = quantity(this.#subscriptions.size + 1);
        this.#subscriptions.set(id, { socket, kind: String(params[0]) });
        return id;
      }
      case 'eth_unsubscribe':
        return this.#subscriptions.delete(String(params[0]));
      case 'echo':
        return params[0];
      default:
        throw new Error(`nobody asked for ${method} so far`);
    }
  }

  #log(): object {
    return {
      address: `0x${'12'.repeat(20)}`,
      blockHash: hash(this.#block),
      blockNumber: quantity(this.#block),
      data: '0x',
      logIndex: '0x0',
      removed: false,
      topics: [hash(7)],
      transactionHash: hash(1),
      transactionIndex: '0x0',
    };
  }
}
