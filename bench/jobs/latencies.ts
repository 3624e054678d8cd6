// Times from request to reply, collected without making garbage. Knows nothing of what took them.

import { percentile } from '../statistics.ts';
import { SHARES } from './job.ts';

const MOST = 1_000_000;

/** Collects up to a million values; those after that are not kept. */
export class Latencies {
  readonly #values = new Float64Array(MOST);
  #count = 0;

  add(value: number): void {
    if (this.#count < MOST) this.#values[this.#count++] = value;
  }

  /** The values at SHARES; null if there are none. To be called once, at the end. */
  summarize(): number[] | null {
    if (this.#count === 0) return null;
    const sorted = this.#values.subarray(0, this.#count).sort();
    return SHARES.map((share) => percentile(sorted, share));
  }
}
