// The demo's convention for what a browser's API cannot do: a peer that took the subprotocol below
// may ask for a round trip. `demo:echo …` comes back as it is, `demo:ping` makes the server send a
// Ping (§5.5.2) and answer `demo:pong <ms>` when the Pong is there. It must not know the endpoints.

import { randomBytes } from 'node:crypto';
import type { WebSocket } from '../src/index.ts';

const SUBPROTOCOL = 'demo.handfast';
/** Bytes that may wait for a peer before its questions go unanswered: it asks and does not read. */
const HIGH_WATER = 1024 * 1024;

/** Picks the demo's subprotocol when the client offers it, and none otherwise (§4.2.2). */
export function selectProtocol(offered: Set<string>): string | false {
  return offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false;
}

/** What a client asks of the server alone. */
export interface Probe {
  /** Answers a text that belongs to the convention; false when the text is an ordinary message. */
  take(text: string): boolean;
}

/** Watches one connection's Pongs. At most one Ping is under way: asking again meanwhile adds nothing. */
export function createProbe(socket: WebSocket): Probe {
  if (socket.protocol !== SUBPROTOCOL) return { take: () => false };
  let underWay: { payload: Buffer; since: number } | undefined;

  socket.on('pong', (payload: Buffer) => {
    // §5.5.3: a Pong may come unasked, so only the one that carries our payload counts.
    if (underWay === undefined || !underWay.payload.equals(payload)) return;
    const took = performance.now() - underWay.since;
    underWay = undefined;
    socket.send(`demo:pong ${took.toFixed(2)}`);
  });

  return {
    take(text) {
      if (text === 'demo:ping') {
        if (underWay !== undefined) return true;
        underWay = { payload: randomBytes(8), since: performance.now() };
        socket.ping(underWay.payload);
        return true;
      }
      if (!/^demo:echo \d{1,12}$/.test(text)) return false;
      if (socket.bufferedAmount < HIGH_WATER) socket.send(text);
      return true;
    },
  };
}
