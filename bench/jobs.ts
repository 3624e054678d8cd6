// What the load can do: echo, broadcast, handshakes, and holding connections. A closed loop: a message
// goes out for each that has come back. Bounded in count and time, loopback only.

import { randomBytes } from 'node:crypto';
import { BINARY, CLOSE, encodeMasked, encodeMessage, TEXT } from './frames.ts';
import { Peer, type PeerEvents } from './peer.ts';
import { percentile } from './statistics.ts';
import { type Seen, Window } from './window.ts';

/** A message as the load sends it. */
export interface Message {
  readonly type: 'text' | 'binary';
  /** Payload bytes. */
  readonly size: number;
  /** Payload bytes per frame; one frame when absent. */
  readonly fragment?: number;
}

/** The server that a job is for, and how long the job takes; all times in seconds. */
interface Aim {
  readonly port: number;
  readonly pid: number;
  readonly warmup: number;
  readonly seconds: number;
}

/** What the load can be asked to do. */
export type Job =
  | (Aim & { kind: 'echo'; connections: number; inFlight: number; message: Message })
  | (Aim & { kind: 'broadcast'; connections: number; message: Message })
  | (Aim & { kind: 'handshake'; connections: number })
  | { kind: 'open'; port: number; connections: number }
  | { kind: 'drop' };

/** What came of it: the window, and the whole job's counts beside it. */
export interface Outcome {
  readonly seen: Seen | null;
  /** Messages sent over the whole job, warm-up and end included. */
  readonly sent: number;
  /** Messages received over the whole job. */
  readonly received: number;
  /** Milliseconds from send to reply; null unless one message was in flight. */
  readonly latency: { p50: number; p99: number } | null;
}

const OPENING_AT_ONCE = 64;
/** A bound on the connections that a handshake job makes, one after the other. */
const MOST_CONNECTIONS = 200_000;
const MOST_LATENCIES = 1_000_000;

const held: Peer[] = [];

/** Printable ASCII for text, anything for binary. */
function createPayload({ type, size }: Message): Buffer {
  const payload = randomBytes(size);
  if (type === 'text') for (let i = 0; i < size; i++) payload[i] = 0x20 + (payload[i] % 0x5f);
  return payload;
}

/** A promise and what resolves it. */
function defer(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((onResolve) => {
    resolve = onResolve;
  });
  return { promise, resolve };
}

/** Opens connections, a few at a time, and gives them when all are open. */
function open(port: number, count: number, size: number, events: PeerEvents): Promise<Peer[]> {
  const peers: Peer[] = [];
  let opened = 0;
  return new Promise((resolve) => {
    const more = (): void => {
      if (peers.length < count) peers.push(new Peer(port, size, own));
    };
    const own: PeerEvents = {
      onOpen: () => {
        if (++opened === count) resolve(peers);
        else more();
      },
      onMessages: (peer, messages) => events.onMessages(peer, messages),
      onClosed: (peer) => events.onClosed(peer),
      onError: (error) => events.onError(error),
    };
    for (let i = 0; i < OPENING_AT_ONCE; i++) more();
  });
}

class Latencies {
  readonly #values = new Float64Array(MOST_LATENCIES);
  #count = 0;

  add(value: number): void {
    if (this.#count < MOST_LATENCIES) this.#values[this.#count++] = value;
  }

  summarize(): { p50: number; p99: number } | null {
    if (this.#count === 0) return null;
    const sorted = this.#values.subarray(0, this.#count).sort();
    return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
  }
}

/** Calls `onError` for what goes wrong, until `end`. */
function watch(fail: (error: Error) => void): PeerEvents & { ended: boolean } {
  return {
    ended: false,
    onOpen() {},
    onMessages() {},
    onClosed() {
      if (!this.ended) fail(new Error('the server closed a connection'));
    },
    onError(error) {
      if (!this.ended) fail(error);
    },
  };
}

/** Every connection keeps a number of messages in flight. */
export async function echo(
  job: Job & { kind: 'echo' },
  fail: (error: Error) => void,
): Promise<Outcome> {
  const { inFlight, message } = job;
  const payload = createPayload(message);
  const opcode = message.type === 'text' ? TEXT : BINARY;
  const encoded = Array.from({ length: inFlight }, () =>
    encodeMessage(opcode, payload, message.fragment ?? Math.max(1, message.size)),
  );
  const [{ length }] = encoded;
  const burst = Buffer.concat(encoded);
  const latencies = inFlight === 1 ? new Latencies() : null;
  const events = watch(fail);
  const { promise: drained, resolve: onDrained } = defer();
  let seen: Seen | null = null;
  let sent = 0;

  const send = (peer: Peer, count: number): void => {
    sent += count;
    if (latencies !== null) peer.sentAt = performance.now();
    peer.write(count === inFlight ? burst : burst.subarray(0, count * length));
  };
  let window: Window | null = null;
  let received = 0;
  events.onMessages = (peer, count) => {
    received += count;
    if (latencies !== null && window?.isOpen) latencies.add(performance.now() - peer.sentAt);
    window?.tick(count);
    if (seen === null) send(peer, count);
    else if (received === sent) onDrained();
  };
  const peers = await open(job.port, job.connections, message.size, events);
  window = new Window(job.pid, job.warmup, job.seconds, (result) => {
    seen = result;
  });
  for (const peer of peers) peer.expect(payload);
  for (const peer of peers) send(peer, inFlight);
  await drained;
  events.ended = true;
  for (const peer of peers) peer.destroy();
  return { seen, sent, received, latency: latencies?.summarize() ?? null };
}

/** One trigger at a time; the next goes out when the last has reached every connection. */
export async function broadcast(
  job: Job & { kind: 'broadcast' },
  fail: (error: Error) => void,
): Promise<Outcome> {
  const payload = createPayload(job.message);
  const frame = encodeMasked(job.message.type === 'text' ? TEXT : BINARY, true, payload);
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
    if (received < sent * job.connections) return;
    if (window?.isOpen) latencies.add(performance.now() - peers[0].sentAt);
    window?.tick(job.connections);
    if (seen === null) trigger();
    else onDrained();
  };
  peers = await open(job.port, job.connections, job.message.size, events);
  window = new Window(job.pid, job.warmup, job.seconds, (result) => {
    seen = result;
  });
  for (const peer of peers) peer.expect(payload);
  trigger();
  await drained;
  events.ended = true;
  for (const peer of peers) peer.destroy();
  return { seen, sent, received, latency: latencies.summarize() };
}

/** Opens and closes (§4.1, §7.1.2) as often as it can, a given number of connections at a time. */
export async function handshake(
  job: Job & { kind: 'handshake' },
  fail: (error: Error) => void,
): Promise<Outcome> {
  const close = encodeMasked(CLOSE, true, Buffer.from([0x03, 0xe8]));
  const { promise: drained, resolve: onDrained } = defer();
  let seen: Seen | null = null;
  let sent = 0;
  const window = new Window(job.pid, job.warmup, job.seconds, (result) => {
    seen = result;
  });
  const next = (): void => {
    sent++;
    let isOpen = false;
    new Peer(job.port, 0, {
      onOpen(peer) {
        isOpen = true;
        peer.write(close);
      },
      onMessages() {},
      onClosed() {
        if (!isOpen) return fail(new Error('the server closed before it answered'));
        window.tick(1);
        if (seen === null && sent < MOST_CONNECTIONS) next();
        else if (window.count === sent) onDrained();
      },
      onError(error) {
        if (!isOpen) fail(error);
      },
    });
  };
  for (let i = 0; i < job.connections; i++) next();
  await drained;
  if (seen === null) throw new Error(`${MOST_CONNECTIONS} handshakes before the time was over`);
  return { seen, sent, received: window.count, latency: null };
}

/** Connections that are opened, answered once, and then held. */
export async function hold(
  job: Job & { kind: 'open' },
  fail: (error: Error) => void,
): Promise<Outcome> {
  const message: Message = { type: 'text', size: 64 };
  const payload = createPayload(message);
  const frame = encodeMasked(TEXT, true, payload);
  const { promise: answered, resolve: onAnswered } = defer();
  const events = watch(fail);
  let received = 0;
  events.onMessages = (_, count) => {
    received += count;
    if (received === job.connections) onAnswered();
  };
  const peers = await open(job.port, job.connections, message.size, events);
  held.push(...peers);
  for (const peer of peers) peer.expect(payload);
  for (const peer of peers) peer.write(frame);
  await answered;
  events.ended = true;
  return { seen: null, sent: peers.length, received, latency: null };
}

/** Ends all that `hold` has opened. */
export function drop(): Outcome {
  for (const peer of held.splice(0)) peer.destroy();
  return { seen: null, sent: 0, received: 0, latency: null };
}
