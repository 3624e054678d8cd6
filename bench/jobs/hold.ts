// Connections that are opened, perhaps used, and then held, for a look at the server's memory.

import { createDeflatedSequence, createSequence, formatOffer } from '../messages.ts';
import type { Peer } from '../peer.ts';
import type { HoldJob, Outcome } from './job.ts';
import { defer, open, watch } from './peers.ts';

const held: Peer[] = [];

/** Gives when all are open and every message has come back. */
export async function hold(job: HoldJob, fail: (error: Error) => void): Promise<Outcome> {
  const { message, messages, compression, port, connections } = job;
  const sequence =
    compression === 'none'
      ? createSequence(message, 1)
      : await createDeflatedSequence(message, compression);
  const { promise: answered, resolve: onAnswered } = defer();
  const events = watch(fail);
  const expected = connections * messages;
  let received = 0;
  const send = (peer: Peer): void => {
    for (const piece of sequence.take(peer.requests++, 1)) peer.write(piece);
  };
  events.onMessages = (peer, count) => {
    received += count;
    if (peer.requests < messages) send(peer);
    else if (received === expected) onAnswered();
  };
  const offer = formatOffer(compression);
  const peers = await open({ port, count: connections, size: message.size, offer }, events);
  held.push(...peers);
  if (messages > 0) {
    for (const peer of peers) peer.expect(sequence.first);
    for (const peer of peers) send(peer);
    await answered;
  }
  events.ended = true;
  return { seen: null, sent: expected, received, expected, latency: null };
}

/** Ends all that `hold` has opened. */
export function drop(): Outcome {
  for (const peer of held.splice(0)) peer.destroy();
  return { seen: null, sent: 0, received: 0, expected: 0, latency: null };
}
