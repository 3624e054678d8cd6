// When received messages reach their listeners: at once as a rule; later while nobody has listened yet
// or the socket is paused. Nothing is lost meanwhile, and what is kept is bounded in bytes and time.

import type { Buffer } from 'node:buffer';
import { Inbox } from './inbox.ts';

/** Until somebody listens, messages are kept up to this many bytes; then the peer is paused. */
const HOLD_BYTES = 65_536;
/** … and for this many milliseconds; then they are let go, as nobody seems to want them. */
const HOLD_TIME = 30_000;

/** What a delivery asks of its socket: called with the owner, so that one object serves all of them. */
export interface DeliveryHandlers<Owner> {
  deliver(owner: Owner, data: Buffer, isBinary: boolean): void;
  /** Stop reading from the transport, or read on. */
  pauseInput(owner: Owner): void;
  resumeInput(owner: Owner): void;
}

/** Stands between a connection and the listeners of one socket. */
export class Delivery<Owner> {
  readonly #owner: Owner;
  readonly #handlers: DeliveryHandlers<Owner>;
  /** Messages that wait; null while they pass straight through. */
  #inbox: Inbox | null = null;
  #holdTimer: NodeJS.Timeout | null = null;
  /** Somebody has listened, or has had enough time to. */
  #listening = false;
  #paused = false;
  /** The connection has closed: there is nothing left to pause. */
  #ended = false;

  constructor(owner: Owner, handlers: DeliveryHandlers<Owner>) {
    this.#owner = owner;
    this.#handlers = handlers;
  }

  /** Whether `pause` is in force. */
  get isPaused(): boolean {
    return this.#paused;
  }

  /** Whether messages wait: what happened after them is to be told after them. */
  get isHolding(): boolean {
    return this.#inbox !== null && this.#inbox.length > 0;
  }

  /** A message has been received. */
  receive(data: Buffer, isBinary: boolean): void {
    if (this.#ended || (this.#inbox === null && this.#listening && !this.#paused)) {
      this.#handlers.deliver(this.#owner, data, isBinary);
    } else {
      this.#hold(data, isBinary);
    }
  }

  /** A listener has been added: what waits is delivered when the code that runs now has returned. */
  listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    if (this.#inbox !== null) process.nextTick(() => this.#release());
  }

  /** Delivers nothing until `resume`. */
  pause(): void {
    if (this.#ended) return;
    this.#paused = true;
    this.#handlers.pauseInput(this.#owner);
  }

  /** Delivers what waits, in order, unless paused again meanwhile; then reads on. */
  resume(): void {
    this.#paused = false;
    this.#release();
  }

  /** The connection has closed: what came before the end comes before the `close` event. */
  end(): void {
    this.#clearTimer();
    this.#ended = true;
    const paused = this.#paused;
    this.#paused = false;
    this.#drain();
    this.#paused = paused;
    this.#inbox = null;
  }

  /** Past the bound the peer is paused, so that nothing is lost. */
  #hold(data: Buffer, isBinary: boolean): void {
    this.#inbox ??= new Inbox();
    this.#inbox.push(data, isBinary);
    if (this.#listening) return;
    this.#holdTimer ??= setTimeout(() => this.#letGo(), HOLD_TIME).unref();
    if (this.#inbox.byteLength > HOLD_BYTES) this.#handlers.pauseInput(this.#owner);
  }

  /** Nobody has come for the messages: drops them, and from here on those that nobody listens for. */
  #letGo(): void {
    this.#listening = true;
    this.#inbox = null;
    this.#release();
  }

  #release(): void {
    this.#clearTimer();
    this.#drain();
    if (!this.#paused) this.#handlers.resumeInput(this.#owner);
  }

  #drain(): void {
    while (this.#inbox !== null && this.#listening && !this.#paused) {
      const message = this.#inbox.shift();
      if (message === undefined) this.#inbox = null;
      else this.#handlers.deliver(this.#owner, message.data, message.isBinary);
    }
  }

  #clearTimer(): void {
    if (this.#holdTimer !== null) clearTimeout(this.#holdTimer);
    this.#holdTimer = null;
  }
}
