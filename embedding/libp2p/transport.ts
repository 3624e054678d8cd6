// libp2p's WebSocket transport by itself: what it dials and what it accepts comes out as the raw connection, since the
// upgrader, which would negotiate encryption and streams, lets everything pass.

import { defaultLogger } from '@libp2p/logger';
import { type WebSocketsInit, webSockets } from '@libp2p/websockets';
import { multiaddr } from '@multiformats/multiaddr';
import { nextCall } from '../support/wait-for.ts';

/** The part of a MultiaddrConnection that the tests use. */
export interface Connection extends EventTarget {
  readonly status: string;
  send(data: Uint8Array): boolean;
  close(): Promise<void>;
  abort(error: Error): void;
  onDrain(): Promise<void>;
}

interface Listener {
  listen(address: unknown): Promise<void>;
  getAddrs(): { toString(): string }[];
  close(): Promise<void>;
}

/** A transport with its listeners and the connections that came in. */
export class Transport {
  readonly #transport: ReturnType<ReturnType<typeof webSockets>>;
  readonly #listeners: Listener[] = [];
  readonly inbound: Connection[] = [];

  constructor(init: WebSocketsInit = {}) {
    const components = { logger: defaultLogger(), events: new EventTarget() };
    this.#transport = webSockets(init)(components as never);
  }

  async dial(port: number): Promise<Connection> {
    const upgrader = { upgradeOutbound: async (connection: Connection) => connection };
    const address = multiaddr(`/ip4/127.0.0.1/tcp/${port}/ws`);
    const connection = await this.#transport.dial(address, { upgrader } as never);
    return connection as unknown as Connection;
  }

  /** Listens on loopback and resolves with the port. */
  async listen(suffix: 'ws' | 'tls/ws'): Promise<number> {
    const upgrader = {
      upgradeInbound: async (connection: Connection) => void this.inbound.push(connection),
    };
    const listener = this.#transport.createListener({ upgrader } as never) as unknown as Listener;
    await listener.listen(multiaddr(`/ip4/127.0.0.1/tcp/0/${suffix}`));
    this.#listeners.push(listener);
    return Number(/\/tcp\/(\d+)/.exec(String(listener.getAddrs()[0]))?.[1]);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()));
  }
}

/** Collects what a connection receives; the bytes of one message may be in several chunks. */
export function collect(connection: Connection): { bytes: () => Buffer; length: () => number } {
  const chunks: Buffer[] = [];
  connection.addEventListener('message', (event) => {
    const { data } = event as unknown as { data: { subarray(): Uint8Array } };
    chunks.push(Buffer.from(data.subarray()));
  });
  const length = () => chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return { bytes: () => Buffer.concat(chunks), length };
}

/** How a connection ends: with an error, or without one. */
export async function closeOf(connection: Connection): Promise<{ error?: Error; local?: boolean }> {
  const [event] = await nextCall<[Event]>('close', (call) =>
    connection.addEventListener('close', call),
  );
  return event as { error?: Error; local?: boolean };
}
