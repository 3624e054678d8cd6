// What the load can be asked to do, and what comes of it. Everything here crosses a process border, so
// it is data only; times are in seconds unless the name says otherwise.

import type { Compression, Message } from '../messages.ts';
import type { Seen } from '../window.ts';

/** The server that a job is for, and how long the job takes. */
export interface Aim {
  readonly port: number;
  readonly pid: number;
  readonly warmup: number;
  readonly seconds: number;
}

/** Every connection keeps requests in flight and sends one for each that has been answered. */
export interface ExchangeJob extends Aim {
  readonly kind: 'exchange';
  readonly connections: number;
  /** Requests in flight on each connection. */
  readonly inFlight: number;
  /** Messages that make up a request, all alike. */
  readonly batch: number;
  readonly message: Message;
  readonly compression: Compression;
  /** Messages that answer a request, and the bytes of each. */
  readonly replies: number;
  readonly replySize: number;
  /** Where the load's first message does not come back: what the first reply is. */
  readonly answer: 'echo' | 'ack' | 'stream';
}

/** One connection's message makes the server send to all; the next one follows when all have it. */
export interface FanOutJob extends Aim {
  readonly kind: 'fan-out';
  readonly connections: number;
  readonly message: Message;
  /** Messages that each connection gets. */
  readonly repeat: number;
  /** How the server compresses; the trigger itself is not compressed. */
  readonly compression: Compression;
}

/** Connections come and go, while a number of them stays open. */
export interface LivesJob extends Aim {
  readonly kind: 'lives';
  /** Open besides those in the making. */
  readonly standing: number;
  /** In the making at a time. */
  readonly atOnce: number;
  /** Messages that each connection sends, one after the other, and gets back. */
  readonly messages: number;
  readonly message: Message;
}

/** Connections are opened on top of those that are held already, used, and held. */
export interface HoldJob {
  readonly kind: 'hold';
  readonly port: number;
  readonly connections: number;
  /** Messages that each connection sends and gets back. */
  readonly messages: number;
  readonly message: Message;
  readonly compression: Compression;
}

export type Job = ExchangeJob | FanOutJob | LivesJob | HoldJob | { readonly kind: 'drop' };

/** The shares of all messages whose latencies are told. */
export const SHARES = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999] as const;

/** What came of it: the window, and the whole job's counts beside it. */
export interface Outcome {
  readonly seen: Seen | null;
  /** Messages sent over the whole job, warm-up and end included. */
  readonly sent: number;
  /** Messages received over the whole job. */
  readonly received: number;
  /** Messages that should have been received for those sent. */
  readonly expected: number;
  /** Milliseconds from request to last reply, at each of SHARES; null where it was not measured. */
  readonly latency: readonly (number | null)[] | null;
}
