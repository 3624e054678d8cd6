// How many runs of zlib may be on the thread pool at once, over all connections. Each holds memory
// while it runs, and more of them than there are threads only wait there.

/** A piece of work; it calls `done` once, when it has left the thread pool. */
export type Job = (done: () => void) => void;

/** Runs jobs in the order in which they came, `limit` of them at a time. */
export class Pool {
  readonly #limit: number;
  readonly #waiting: Job[] = [];
  #running = 0;

  /** 0 and Infinity set no limit. */
  constructor(limit: number) {
    this.#limit = limit || Infinity;
  }

  /** Starts `job` now or when its turn has come. */
  run(job: Job): void {
    if (this.#running >= this.#limit) this.#waiting.push(job);
    else this.#start(job);
  }

  #start(job: Job): void {
    this.#running++;
    let isDone = false;
    job(() => {
      if (isDone) return;
      isDone = true;
      this.#running--;
      const next = this.#waiting.shift();
      if (next !== undefined) this.#start(next);
    });
  }
}

const DEFAULT_LIMIT = 10;
const pools = new Map<number, Pool>();

/** The pool that all who want the same limit share. */
export function poolOf(limit: number = DEFAULT_LIMIT): Pool {
  let pool = pools.get(limit);
  if (pool === undefined) {
    pool = new Pool(limit);
    pools.set(limit, pool);
  }
  return pool;
}
