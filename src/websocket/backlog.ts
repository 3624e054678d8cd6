// How much payload is still on its way (WHATWG §3.1 bufferedAmount). A transport counts the bytes that
// it holds, framing included; this turns that number back into payload, batch by batch.

interface Batch {
  /** Bytes handed to the transport up to the end of this batch, from the beginning. */
  readonly end: number;
  readonly payload: number;
}

/** The batches that a transport has not written yet. */
export class Backlog {
  #batches: Batch[] = [];
  #handed = 0;
  #payload = 0;
  /** Payload that will never be written: the transport was closed already. */
  #lost = 0;

  /**
   * Payload bytes of all that is not written whole. Does not fall when the transport closes, as
   * nothing is written after that.
   */
  get payload(): number {
    return this.#payload + this.#lost;
  }

  /** `length` bytes with `payload` bytes of content were handed over; the transport holds `held`. */
  add(length: number, payload: number, held: number): void {
    this.#handed += length;
    if (held > 0) {
      this.#batches.push({ end: this.#handed, payload });
      this.#payload += payload;
    }
    this.update(held);
  }

  /** `payload` bytes were given up. */
  lose(payload: number): void {
    this.#lost += payload;
  }

  /** The transport, still open, holds `held` bytes now. */
  update(held: number): void {
    const batches = this.#batches;
    if (batches.length === 0) return;
    const written = this.#handed - held;
    let done = 0;
    while (done < batches.length && batches[done].end <= written) {
      this.#payload -= batches[done++].payload;
    }
    if (done > 0) batches.splice(0, done);
  }
}
