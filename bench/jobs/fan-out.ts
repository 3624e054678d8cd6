// One message in, many out: broadcast to all connections, once or several times in one tick.

import { encodeMasked, TEXT } from '../frames.ts';
import { createPayload } from '../messages.ts';
import type { Peer } from '../peer.ts';
import { type Seen, Window } from '../window.ts';
import type { FanOutJob, Outcome } from './job.ts';
import { Latencies } from './latencies.ts';
import { defer, open, watch } from './peers.ts';

/** One trigger at a time; the next goes out when the last has reached every connection. */
export async function fanOut(job: FanOutJob, fail: (error: Error) => void): Promise<Outcome> {
  const payload = createPayload(job.message);
  const frame = encodeMasked(TEXT, true, payload);
  const deliveries = job.connections * job.repeat;
  const latencies = new Latencies();
  const events = watch(fail);
  const { promise: drained, resolve: onDrained } = defer();
  let seen: Seen | null = null;
  let window: Window | null = null;
  let sent = 0;
  let received = 0;
  let peers: Peer[] = [];
  const trigger = (): void => {
    sent++;
    peers[0].sentAt = performance.now();
    peers[0].write(frame);
  };
  events.onMessages = (_, count) => {
    received += count;
    if (received < sent * deliveries) return;
    if (window?.isOpen) latencies.add(performance.now() - peers[0].sentAt);
    window?.tick(deliveries);
    if (seen === null) trigger();
    else onDrained();
  };
  const opening = { port: job.port, count: job.connections, size: job.message.size, offer: null };
  peers = await open(opening, events);
  window = new Window(job.pid, job.warmup, job.seconds, (result) => {
    seen = result;
  });
  for (const peer of peers) peer.expect(payload);
  trigger();
  await drained;
  events.ended = true;
  for (const peer of peers) peer.destroy();
  const expected = sent * deliveries;
  return { seen, sent, received, expected, latency: latencies.summarize() };
}
