// Sends in their order (§6.1) when one of them is a Blob, whose bytes come later: what is sent after it
// waits behind it. Exists only while a Blob is being read.

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
  run(bytes: ArrayBuffer | null, error: Error | null): void;
}

/** A queue of things to do with a connection, run one after the other. */
export class SendQueue {
  readonly #tasks: Task[] = [];
  readonly #onEmpty: () => void;
  #length = 0;
  #dropped = false;

  /** `onEmpty` is called when the last task has run. */
  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty;
  }

  /** Payload bytes that wait. */
  get length(): number {
    return this.#length;
  }

  /** Reads `blob` when its turn has come, then calls `run` with its bytes or with why not. */
  addBlob(blob: ReadableBlob, run: (bytes: ArrayBuffer | null, error: Error | null) => void): void {
    this.#add({ length: blob.size, blob, run });
  }

  /** Calls `run` when its turn has come; it will send `length` bytes of payload. */
  add(length: number, run: () => void): void {
    this.#add({ length, blob: null, run });
  }

  /** Forgets all tasks. */
  drop(): void {
    this.#dropped = true;
    this.#tasks.length = 0;
  }

  #add(task: Task): void {
    this.#length += task.length;
    if (this.#tasks.push(task) === 1) void this.#work();
  }

  async #work(): Promise<void> {
    for (let task = this.#tasks[0]; task !== undefined; task = this.#tasks[0]) {
      let bytes: ArrayBuffer | null = null;
      let failure: Error | null = null;
      if (task.blob !== null) {
        try {
          bytes = await task.blob.arrayBuffer();
        } catch (error) {
          failure = error instanceof Error ? error : new Error(String(error));
        }
      }
      if (this.#dropped) return;
      this.#length -= task.length;
      task.run(bytes, failure);
      this.#tasks.shift();
    }
    this.#onEmpty();
  }
}
