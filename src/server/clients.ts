// Which connections are open. The application gets them as a Set; until it asks, those that have come
// last are kept apart, so that a connection which is soon over never enters the Set. Knows no sockets.

/** Of the newest, this many are kept apart. */
const NEWEST = 64;

/**
 * The open connections of a server. A Set that many values pass through is copied again and again by
 * V8, and each dead copy keeps the values that it held, with the sockets behind them, until the next
 * full garbage collection: for handshakes in quick succession that is a tenth of their whole cost.
 */
export class Clients<Client> {
  readonly #set: Set<Client>;
  /** The newest, not in the set; always empty once `set` has been handed out. */
  readonly #newest: Client[] = [];
  #isShared: boolean;

  /** With `set`: one that the application has made, and knows. */
  constructor(set?: Set<Client>) {
    this.#set = set ?? new Set();
    this.#isShared = set !== undefined;
  }

  /** All of them; stays up to date, as the same object, from the first call on. */
  get set(): Set<Client> {
    if (!this.#isShared) {
      this.#isShared = true;
      this.#settle();
    }
    return this.#set;
  }

  /** How many there are. */
  get size(): number {
    return this.#set.size + this.#newest.length;
  }

  /** Takes note of a connection that has opened. */
  add(client: Client): void {
    if (this.#isShared) {
      this.#set.add(client);
      return;
    }
    if (this.#newest.length === NEWEST) this.#settle();
    this.#newest.push(client);
  }

  /** Forgets a connection that has closed. */
  delete(client: Client): void {
    const index = this.#newest.indexOf(client);
    if (index === -1) this.#set.delete(client);
    else this.#newest.splice(index, 1);
  }

  #settle(): void {
    for (const client of this.#newest) this.#set.add(client);
    this.#newest.length = 0;
  }
}
