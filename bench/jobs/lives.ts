// Whole lives of connections (§4.1, §7.1.2): opening handshake, a few messages, Close, end of TCP; with
// others that stay open meanwhile, or none. What is counted is connections that have ended.

import { CLOSE, encodeMasked, encodeMessage, TEXT } from '../frames.ts';
import { createPayload } from '../messages.ts';
import { Peer } from '../peer.ts';
import { type Seen, Window } from '../window.ts';
import type { LivesJob, Outcome } from './job.ts';
import { defer } from './peers.ts';

/** A bound on the connections that a job makes. */
const MOST_CONNECTIONS = 200_000;

/** Opens and closes as often as it can, the oldest of the standing ones first. */
export async function lives(job: LivesJob, fail: (error: Error) => void): Promise<Outcome> {
  const run = new Run(job, fail);
  await run.drained;
  if (run.seen === null)
    throw new Error(`${MOST_CONNECTIONS} connections before the time was over`);
  const { seen, opened, received } = run;
  const sent = job.messages * opened;
  return { seen, sent, received, expected: sent, latency: null };
}

class Run {
  seen: Seen | null = null;
  opened = 0;
  received = 0;
  readonly drained: Promise<void>;
  readonly #onDrained: () => void;
  readonly #job: LivesJob;
  readonly #fail: (error: Error) => void;
  readonly #payload: Buffer;
  readonly #frame: Buffer;
  readonly #close = encodeMasked(CLOSE, true, Buffer.from([0x03, 0xe8]));
  /** Those that have sent their messages, the oldest first. */
  readonly #standing: Peer[] = [];
  readonly #window: Window;
  #ended = 0;

  constructor(job: LivesJob, fail: (error: Error) => void) {
    this.#job = job;
    this.#fail = fail;
    this.#payload = createPayload(job.message);
    this.#frame = encodeMessage(TEXT, this.#payload, Math.max(1, job.message.size));
    const { promise, resolve } = defer();
    this.drained = promise;
    this.#onDrained = resolve;
    this.#window = new Window(job.pid, job.warmup, job.seconds, (seen) => {
      this.seen = seen;
    });
    for (let i = 0; i < job.atOnce; i++) this.#next();
  }

  #next(): void {
    this.opened++;
    let stage: 'opening' | 'open' = 'opening';
    const { messages, message, port } = this.#job;
    new Peer(port, message.size, null, {
      onOpen: (peer) => {
        stage = 'open';
        if (messages === 0) return this.#settle(peer);
        peer.expect(this.#payload);
        peer.write(this.#frame);
      },
      onMessages: (peer, count) => {
        peer.received += count;
        this.received += count;
        if (peer.received < messages) peer.write(this.#frame);
        else this.#settle(peer);
      },
      onClosed: () => {
        if (stage === 'opening')
          return this.#fail(new Error('the server closed before it answered'));
        this.#ended++;
        this.#window.tick(1);
        this.#goOn();
      },
      onError: (error) => {
        if (stage === 'opening') this.#fail(error);
      },
    });
  }

  /** A connection has done its work: it stands until enough others do, then the oldest goes. */
  #settle(peer: Peer): void {
    this.#standing.push(peer);
    if (this.#standing.length > this.#job.standing) {
      (this.#standing.shift() as Peer).write(this.#close);
    } else {
      this.#goOn();
    }
  }

  #goOn(): void {
    if (this.seen === null && this.opened < MOST_CONNECTIONS) {
      this.#next();
      return;
    }
    // The last ones end what stands.
    for (const peer of this.#standing.splice(0)) peer.write(this.#close);
    if (this.#ended === this.opened) this.#onDrained();
  }
}
