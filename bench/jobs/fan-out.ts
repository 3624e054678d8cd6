// One message in, many out: broadcast to all connections, once or several times in one tick.

import { encodeMasked, TEXT } from '../frames.ts';
import { createJson, createPayload, formatOffer, type Message } from '../messages.ts';
import type { Peer } from '../peer.ts';
import { type Seen, Window } from '../window.ts';
import type { FanOutJob, Outcome } from './job.ts';
import { Latencies } from './latencies.ts';
import { defer, open, watch } from './peers.ts';

/** Records of JSON differ from each other, as those who compress would find it too easy otherwise. */
function createPayloads(message: Message): Buffer[] {
  if (message.type !== 'json') return [createPayload(message)];
  return Array.from({ length: 64 }, (_, index) => createJson(message.size, index));
}

/** One trigger at a time; the next goes out when the last has reached every connection. */
export async function fanOut(job: FanOutJob, fail: (error: Error) => void): Promise<Outcome> {
  const payloads = createPayloads(job.message);
  const frames = payloads.map((payload) => encodeMasked(TEXT, true, payload));
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
    peers[0].sentAt = performance.now();
    peers[0].write(frames[sent++ % frames.length]);
  };
  events.onMessages = (_, count) => {
    received += count;
    if (received < sent * deliveries) return;
    if (window?.isOpen) latencies.add(performance.now() - peers[0].sentAt);
    window?.tick(deliveries);
    if (seen === null) trigger();
    else onDrained();
  };
  const offer = formatOffer(job.compression);
  const opening = { port: job.port, count: job.connections, size: job.message.size, offer };
  peers = await open(opening, events);
  window = new Window(job.pid, job.warmup, job.seconds, (result) => {
    seen = result;
  });
  for (const peer of peers) peer.expect(payloads[0]);
  trigger();
  await drained;
  events.ended = true;
  for (const peer of peers) peer.destroy();
  const expected = sent * deliveries;
  return { seen, sent, received, expected, latency: latencies.summarize() };
}
