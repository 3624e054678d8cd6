// Writes a link's batches to its transport, calls back for what they carried, and knows how much of it is
// still on its way (WHATWG §3.1 bufferedAmount). Made when something is first sent. Knows no frames.

import type { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { Backlog } from './backlog.ts';
import { tellAll, type WriteCallback } from './callback.ts';

/** The way out of one link. */
export class BatchWriter {
  readonly #socket: Duplex;
  /** Payload bytes and callbacks of the batch that is still being gathered. */
  #pending = 0;
  #callbacks: WriteCallback[] | null = null;
  /** Something in that batch was compressed. */
  isCompressed = false;
  /** What `bufferedAmount` may not fall below while the code that sends runs; 0 when nothing was written. */
  #floor = 0;
  /** Made when the transport first holds something back. */
  #backlog: Backlog | null = null;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  /**
   * Payload bytes that have been sent and not yet been given to the operating system. What is sent
   * counts at least until the code that runs has returned (WHATWG §3.1).
   */
  get bufferedAmount(): number {
    this.measure();
    return Math.max(this.#floor, this.#pending + (this.#backlog?.payload ?? 0));
  }

  /** A frame with `length` bytes of payload is in the batch; `callback` is told when it is written. */
  add(length: number, callback: WriteCallback | undefined): void {
    this.#pending += length;
    if (this.#floor > 0) this.#floor += length;
    if (callback !== undefined) this.#keep(callback);
  }

  /** Counts bytes as lost that were to be sent when it was too late (WHATWG §3.1 send). */
  lose(length: number): void {
    if (this.#floor > 0) this.#floor += length;
    this.#backlog ??= new Backlog();
    this.#backlog.lose(length);
  }

  /** Writes the batch. The buffers are the transport's. False when that has had enough for now. */
  write(chunks: Buffer[]): boolean {
    const socket = this.#socket;
    const payload = this.#takePayload();
    const callback = this.#takeCallback(this.#takeFault());
    const last = chunks.length - 1;
    let length = chunks[last].length;
    if (last > 0) socket.cork();
    for (let i = 0; i < last; i++) {
      length += chunks[i].length;
      socket.write(chunks[i]);
    }
    const room = socket.write(chunks[last], callback as (error?: Error | null) => void);
    if (last > 0) socket.uncork();
    const held = socket.writableLength;
    if (held > 0) this.#backlog ??= new Backlog();
    this.#backlog?.add(length, payload, held);
    return room;
  }

  /** The batch cannot be written: it is lost, and its callbacks are told. */
  giveUp(): void {
    this.#backlog ??= new Backlog();
    this.#backlog.lose(this.#takePayload());
    const fault = this.#takeFault();
    const callback = this.#takeCallback(fault);
    if (callback !== undefined) process.nextTick(callback, fault());
  }

  /** What counts now goes on to count until the code that runs has returned, also if it is written. */
  holdAmount(): void {
    const amount = this.bufferedAmount;
    if (this.#floor === 0) {
      process.nextTick(() => {
        this.#floor = 0;
      });
    }
    this.#floor = amount;
  }

  /** Looks how much the transport holds. One that is closed tells nothing: then the last count stands. */
  measure(): void {
    if (!this.#socket.destroyed) this.#backlog?.update(this.#socket.writableLength);
  }

  #keep(callback: WriteCallback): void {
    if (this.#callbacks === null) this.#callbacks = [callback];
    else this.#callbacks.push(callback);
  }

  #takePayload(): number {
    const payload = this.#pending;
    this.#pending = 0;
    return payload;
  }

  /** What makes the batch's error if it is not written. */
  #takeFault(): () => Error {
    const fault = this.isCompressed ? compressedError : closedError;
    this.isCompressed = false;
    return fault;
  }

  /** One function for all callbacks of a batch; `fault` makes their error if it is cut off. */
  #takeCallback(fault: () => Error): WriteCallback | undefined {
    const callbacks = this.#callbacks;
    if (callbacks === null) return undefined;
    this.#callbacks = null;
    const socket = this.#socket;
    return (error) => {
      // A write that is cut off by destroy() ends without an error of its own.
      tellAll(callbacks, error ?? (socket.destroyed ? fault() : undefined));
    };
  }
}

/** For callbacks of what came too late. */
function closedError(): Error {
  return new Error('The connection was closed before the data was written');
}

/** The same where something was compressed, in the words of ws, which would still be at it. */
function compressedError(): Error {
  return new Error('The socket was closed while data was being compressed');
}
