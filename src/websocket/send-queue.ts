// Sends in their order (§6.1) when one of them has to wait, as a Blob whose bytes come later or a large
// message that is being compressed: what is sent after it waits behind it. Exists only meanwhile.

import { throwLater } from './throw-later.ts';

/** Something that can be read like a Blob. */
interface ReadableBlob {
  readonly size: number;
  arrayBuffer(): Promise<ArrayBuffer>;
}

interface Task {
  /** Payload bytes that this task will send. */
  readonly length: number;
  /** Null for a task that is ready to run. */
  readonly blob: ReadableBlob | null;
  /** A promise that it returns is waited for. */
  run(bytes: ArrayBuffer | null, error: Error | null): unknown;
  /** Called instead of `run` when it is too late for that. */
  onDrop(error: Error): void;
}

/** A queue of things to do with a connection, run one after the other. */
export class SendQueue {
  readonly #tasks: Task[] = [];
  readonly #onEmpty: () => void;
  #length = 0;
  #dropped = false;
  #working = false;
  /** What was last waited for was a Blob. */
  #isReading = false;

  /** `onEmpty` is called when the last task has run. */
  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty;
  }

  /** Payload bytes that wait. */
  get length(): number {
    return this.#length;
  }

  /** Reads `blob` when its turn has come, then calls `run` with its bytes or with why not. */
  addBlob(
    blob: ReadableBlob,
    run: (bytes: ArrayBuffer | null, error: Error | null) => unknown,
    onDrop: (error: Error) => void,
  ): void {
    this.#add({ length: blob.size, blob, run, onDrop });
  }

  /**
   * Calls `run` when its turn has come; it will send `length` bytes of payload, at once or when its
   * promise is fulfilled.
   */
  add(length: number, run: () => unknown, onDrop: (error: Error) => void): void {
    this.#add({ length, blob: null, run, onDrop });
  }

  /** Runs nothing any more: calls `onDrop` of all tasks that wait, in order. `length` stays. */
  drop(): void {
    this.#dropped = true;
    const error = this.lostError;
    for (const task of this.#tasks.splice(0)) task.onDrop(error);
  }

  /** Why something was not sent when the connection is gone: it waited, in the words of ws. */
  get lostError(): Error {
    const work = this.#isReading ? 'the blob was being read' : 'data was being compressed';
    return new Error(`The socket was closed while ${work}`);
  }

  #add(task: Task): void {
    this.#length += task.length;
    this.#tasks.push(task);
    if (!this.#working) void this.#work();
  }

  async #work(): Promise<void> {
    this.#working = true;
    for (let task = this.#tasks[0]; task !== undefined; task = this.#tasks[0]) {
      let bytes: ArrayBuffer | null = null;
      let failure: Error | null = null;
      if (task.blob !== null) {
        this.#isReading = true;
        try {
          bytes = await task.blob.arrayBuffer();
        } catch (error) {
          failure = error instanceof Error ? error : new Error(String(error));
        }
      }
      if (this.#dropped) return;
      // Out of the queue before it runs: it may end the connection, which drops what waits.
      this.#tasks.shift();
      try {
        const running = task.run(bytes, failure);
        if (running instanceof Promise) {
          this.#isReading = false;
          await running;
        }
      } catch (error) {
        throwLater(error);
      }
      this.#length -= task.length;
    }
    this.#working = false;
    if (!this.#dropped) this.#onEmpty();
  }
}
