// Messages that cannot be delivered yet: nobody listens so far, or the socket is paused in the middle
// of a chunk. Order is kept; how much it may hold is its owner's to decide.

import type { Buffer } from 'node:buffer';

interface Message {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/** A queue of messages. */
export class Inbox {
  #messages: Message[] = [];
  #first = 0;
  #byteLength = 0;

  /** Messages that wait. */
  get length(): number {
    return this.#messages.length - this.#first;
  }

  /** Their bytes. */
  get byteLength(): number {
    return this.#byteLength;
  }

  push(data: Buffer, isBinary: boolean): void {
    this.#messages.push({ data, isBinary });
    this.#byteLength += data.length;
  }

  /** Takes the oldest message out; undefined when there is none. */
  shift(): Message | undefined {
    if (this.#first === this.#messages.length) return undefined;
    const message = this.#messages[this.#first++];
    this.#byteLength -= message.data.length;
    // Taken ones are let go in bulk, so that emptying a long queue stays linear.
    if (this.#first === this.#messages.length || this.#first === 1024) {
      this.#messages.splice(0, this.#first);
      this.#first = 0;
    }
    return message;
  }
}
