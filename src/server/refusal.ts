// The end of a handshake that is not accepted (§4.2.2): one complete HTTP answer, then the socket ends.

import type { Duplex } from 'node:stream';
import { formatReason } from '../handshake/reason.ts';
import { formatRefusal } from '../handshake/response.ts';

/** Header fields of an answer. */
export type AnswerHeaders = Readonly<Record<string, string | number | readonly string[]>>;

/** A peer that does not close after our answer is dropped after this many milliseconds. */
const LINGER = 2000;

/**
 * Answers and ends the socket. `body` defaults to the status' reason phrase. What the peer still
 * sends is read and thrown away, so that no reset overtakes the answer; once both sides have ended,
 * the stream destroys itself. Throws like formatRefusal, and then has done nothing.
 */
export function refuse(socket: Duplex, status: number, body = '', headers?: AnswerHeaders): void {
  if (socket.destroyed) return;
  socket.end(formatRefusal(status, body || formatReason(status), headers));
  const timer = setTimeout(() => socket.destroy(), LINGER);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
}

/** Listens to a socket's errors for as long as no WebSocket does: such a socket is given up. */
export function abandon(this: Duplex): void {
  this.destroy();
}
