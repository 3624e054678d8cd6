// A socket of either implementation with a raw peer at its other end, over TCP: for what depends on a real
// transport. What is opened here is closed after each test.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';
import { type ServerOptions, WebSocket, WebSocketServer } from '../../src/index.ts';
import { known } from '../support/known.ts';
import { formatSwitching, RawClient, type RawPeer, RawServer } from '../support/wire.ts';

/** What both implementations export. */
export interface Package {
  readonly Socket: typeof WebSocket;
  readonly Server: typeof WebSocketServer;
}

export const ours: Package = { Socket: WebSocket, Server: WebSocketServer };
export const theirs = {
  Socket: known,
  Server: (known as never as Package).Server,
} as never as Package;

/** How the two ends are to be connected. */
export interface Connecting {
  /** With permessage-deflate, each message by itself. */
  readonly deflate?: boolean;
  readonly options?: ServerOptions;
}

const EXTENSION = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Has these called after the test, the last one first. */
export function cleanUpWith(...each: (() => unknown)[]): void {
  cleanups.push(...each);
}

/** A socket of a package's in this role, and the raw peer at its other end. */
export async function connect(
  { Socket, Server }: Package,
  role: 'server' | 'client',
  { deflate = false, options = {} }: Connecting,
): Promise<[WebSocket, RawPeer]> {
  if (role === 'server') {
    const server = new Server({
      ...options,
      host: '127.0.0.1',
      port: 0,
      perMessageDeflate: deflate,
    });
    await once(server, 'listening');
    const connected = once(server, 'connection');
    const headers: Record<string, string> = deflate
      ? { 'Sec-WebSocket-Extensions': EXTENSION }
      : {};
    const peer = await RawClient.connect((server.address() as AddressInfo).port, { headers });
    cleanUpWith(
      () => server.close(),
      () => peer.destroy(),
    );
    return [(await connected)[0] as WebSocket, peer];
  }
  const fields = deflate ? [`Sec-WebSocket-Extensions: ${EXTENSION}`] : [];
  const server = await RawServer.listen(({ key }) => formatSwitching(key, fields));
  cleanUpWith(() => server.close());
  const socket = new Socket(server.url, { ...options, perMessageDeflate: deflate });
  await once(socket, 'open');
  return [socket, await server.accept()];
}
