// Several WebSocket servers on one HTTP server: each hears every upgrade, one owns it. A request that
// none of them owns is left to the other listeners; only where there are none must one of us answer.

import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Upgrade listeners that belong to servers of ours. */
const ours = new WeakSet<UpgradeListener>();
/** How many of ours have left a request to the others. */
const declined = new WeakMap<IncomingMessage, number>();
/** Requests that one of ours has taken on. */
const claimed = new WeakSet<IncomingMessage>();

/** Marks a listener as one that claims and declines. */
export function register(listener: UpgradeListener): void {
  ours.add(listener);
}

/** Takes a request on; false when another server of ours has it. */
export function claim(request: IncomingMessage): boolean {
  if (claimed.has(request)) return false;
  claimed.add(request);
  return true;
}

/** Leaves a request to the others; true when there is nobody left who could answer it. */
export function decline(request: IncomingMessage, server: HttpServer): boolean {
  const count = (declined.get(request) ?? 0) + 1;
  declined.set(request, count);
  const listeners = server.listeners('upgrade') as UpgradeListener[];
  return count === listeners.length && listeners.every((listener) => ours.has(listener));
}
