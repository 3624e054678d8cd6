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
  run(bytes: ArrayBuffer | null, error: Error | null): Running;
  /** Called when it is too late to run, or to hear how that which runs ends. */
  onDrop(error: Error): void;
}

/** A promise is waited for, and what it brings is called unless the queue has been dropped by then. */
export type Running = Promise<(() => void) | undefined> | undefined;

/** A queue of things to do with a connection, run one after the other. */
export class SendQueue {
  readonly #tasks: Task[] = [];
  readonly #onEmpty: () => void;
  #length = 0;
  #dropped = false;
  #working = false;
  /** The first task's Blob is being read. */
  #isReading = false;
  /** The task whose promise is waited for; it is in `#tasks` no more. */
  #running: Task | null = null;
  /** What was last waited for was a Blob; why it could not be read. */
  #hasRead = false;
  #failure: Error | null = null;

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
    run: (bytes: ArrayBuffer | null, error: Error | null) => Running,
    onDrop: (error: Error) => void,
  ): void {
    this.#add({ length: blob.size, blob, run, onDrop });
  }

  /**
   * Calls `run` when its turn has come; it will send `length` bytes of payload, at once or when its
   * promise is fulfilled.
   */
  add(length: number, run: () => Running, onDrop: (error: Error) => void): void {
    this.#add({ length, blob: null, run, onDrop });
  }

  /**
   * Runs nothing any more: calls `onDrop` of all tasks that have not ended, in order. While a Blob is
   * read that is later, as its own failure is the better reason. `length` stays.
   */
  drop(): void {
    if (this.#dropped) return;
    this.#dropped = true;
    if (this.#isReading) return;
    const running = this.#running;
    this.#running = null;
    running?.onDrop(this.lostError);
    this.#dropWaiting();
  }

  /** Why something was not sent when the connection is gone: what it waited for, in the words of ws. */
  get lostError(): Error {
    if (this.#failure !== null) return this.#failure;
    const work = this.#hasRead ? 'the blob was being read' : 'data was being compressed';
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
      const bytes = task.blob === null ? null : await this.#read(task.blob);
      if (this.#dropped) {
        this.#dropWaiting();
        return;
      }
      // Out of the queue before it runs: it may end the connection, which drops what waits.
      this.#tasks.shift();
      try {
        const running = task.run(bytes, this.#failure);
        if (running !== undefined && !(await this.#end(task, running))) return;
      } catch (error) {
        throwLater(error);
      }
      this.#length -= task.length;
    }
    this.#working = false;
    if (!this.#dropped) this.#onEmpty();
  }

  /** Null when it could not be read, which `#failure` has the reason for. */
  async #read(blob: ReadableBlob): Promise<ArrayBuffer | null> {
    this.#isReading = true;
    this.#hasRead = true;
    this.#failure = null;
    try {
      return await blob.arrayBuffer();
    } catch (error) {
      // As it is, whatever it is; but nothing would be taken for success.
      this.#failure = (error || new Error('The blob could not be read')) as Error;
      return null;
    } finally {
      this.#isReading = false;
    }
  }

  /** Waits for what runs; false if `onDrop` has been called for it meanwhile. */
  async #end(task: Task, running: NonNullable<Running>): Promise<boolean> {
    this.#hasRead = false;
    this.#failure = null;
    this.#running = task;
    const end = await running;
    if (this.#running === null) return false;
    this.#running = null;
    end?.();
    return true;
  }

  #dropWaiting(): void {
    for (const task of this.#tasks.splice(0)) task.onDrop(this.lostError);
  }
}
