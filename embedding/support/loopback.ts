// Servers on the loopback interface, at a port that the system chooses.

import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';

/** Listens on 127.0.0.1 and resolves with the port. Takes http, https and net servers. */
export async function listenLoopback(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Stops listening and resolves when the last connection has gone; idle HTTP connections are ended. */
export async function closeLoopback(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  if ('closeIdleConnections' in server) (server.closeIdleConnections as () => void)();
  await closed;
}
