// Requests and replies on every connection at once: echo, one-way upload (one reply for many messages)
// and one-way download (many replies to one message). A closed loop, bounded by the window.

import { createDeflatedSequence, createSequence, formatOffer, type Sequence } from '../messages.ts';
import type { Peer } from '../peer.ts';
import { createAcknowledgement, createPattern } from '../servers/payloads.mjs';
import { type Seen, Window } from '../window.ts';
import type { ExchangeJob, Outcome } from './job.ts';
import { Latencies } from './latencies.ts';
import { defer, open, watch } from './peers.ts';

function create(job: ExchangeJob): Promise<Sequence> | Sequence {
  const { compression, message, inFlight, batch } = job;
  if (compression !== 'none') return createDeflatedSequence(message, compression);
  return createSequence(message, inFlight * batch);
}

/** The first reply, which is compared byte by byte. */
function findExpected(job: ExchangeJob, sequence: Sequence): Uint8Array {
  if (job.answer === 'echo') return sequence.first;
  return job.answer === 'ack' ? createAcknowledgement() : createPattern(job.replySize);
}

/** Runs one until its window has ended and every request has been answered. */
export async function exchange(job: ExchangeJob, fail: (error: Error) => void): Promise<Outcome> {
  const { inFlight, batch, replies } = job;
  const sequence = await create(job);
  const latencies = inFlight === 1 ? new Latencies() : null;
  const events = watch(fail);
  const { promise: drained, resolve: onDrained } = defer();
  let seen: Seen | null = null;
  let window: Window | null = null;
  let requests = 0;
  let received = 0;

  const send = (peer: Peer, count: number): void => {
    requests += count;
    if (latencies !== null) peer.sentAt = performance.now();
    for (const piece of sequence.take(peer.requests * batch, count * batch)) peer.write(piece);
    peer.requests += count;
  };
  events.onMessages = (peer, count) => {
    const before = Math.floor(peer.received / replies);
    peer.received += count;
    received += count;
    const answered = Math.floor(peer.received / replies) - before;
    if (latencies !== null && window?.isOpen) latencies.add(performance.now() - peer.sentAt);
    // What a scenario counts is its direction with more messages.
    window?.tick(Math.max(count, answered * batch));
    if (seen === null && answered > 0) send(peer, answered);
    else if (seen !== null && received === requests * replies) onDrained();
  };
  const offer = formatOffer(job.compression);
  const opening = { port: job.port, count: job.connections, size: job.replySize, offer };
  const peers = await open(opening, events);
  window = new Window(job.pid, job.warmup, job.seconds, (result) => {
    seen = result;
  });
  const expected = findExpected(job, sequence);
  for (const peer of peers) peer.expect(expected);
  for (const peer of peers) send(peer, inFlight);
  await drained;
  events.ended = true;
  for (const peer of peers) peer.destroy();
  const counts = { sent: requests * batch, received, expected: requests * replies };
  return { seen, ...counts, latency: latencies?.summarize() ?? null };
}
