// `for await (const message of socket)`: messages one at a time, the peer paused while the loop is slow.

import type { EventEmitter } from 'node:events';
import type { RawData } from './payload.ts';

/** What a socket must offer. */
interface Source extends EventEmitter {
  readonly readyState: number;
  readonly CLOSED: number;
  pause(): void;
  resume(): void;
}

/** A string for a text message, else what `binaryType` says. */
export type IteratedMessage = string | RawData;

type Taker = (result: IteratorResult<IteratedMessage, undefined>) => void;

/** With this many messages waiting the socket is paused. */
const HIGH_WATER_MARK = 16;
const DONE: IteratorResult<IteratedMessage, undefined> = { done: true, value: undefined };

/**
 * Iterates over a socket's messages from now on. The loop ends when the connection has ended, however
 * it ended (the `close` event tells), and never throws. Leaving the loop does not close the socket.
 */
export class MessageIterator implements AsyncIterableIterator<IteratedMessage, undefined> {
  readonly #source: Source;
  #messages: IteratedMessage[] = [];
  #takers: Taker[] = [];
  #done = false;
  #paused = false;

  constructor(source: Source) {
    this.#source = source;
    if (source.readyState === source.CLOSED) {
      this.#done = true;
      return;
    }
    source.on('message', this.#onMessage);
    source.on('close', this.#onClose);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<IteratedMessage, undefined>> {
    if (this.#messages.length > 0) {
      const value = this.#messages.shift() as IteratedMessage;
      if (this.#paused && this.#messages.length === 0) this.#resume();
      return Promise.resolve({ done: false, value });
    }
    if (this.#done) return Promise.resolve(DONE);
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  return(): Promise<IteratorResult<IteratedMessage, undefined>> {
    this.#messages = [];
    this.#finish();
    if (this.#paused) this.#resume();
    return Promise.resolve(DONE);
  }

  readonly #onMessage = (data: RawData, isBinary: boolean): void => {
    const message = isBinary ? data : data.toString();
    const taker = this.#takers.shift();
    if (taker !== undefined) {
      taker({ done: false, value: message });
      return;
    }
    if (this.#messages.push(message) >= HIGH_WATER_MARK && !this.#paused) {
      this.#paused = true;
      this.#source.pause();
    }
  };

  readonly #onClose = (): void => this.#finish();

  #resume(): void {
    this.#paused = false;
    this.#source.resume();
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    this.#source.removeListener('message', this.#onMessage);
    this.#source.removeListener('close', this.#onClose);
    for (const taker of this.#takers) taker(DONE);
    this.#takers = [];
  }
}
