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

  /**
   * The values at SHARES, null for those that are so rare that none should have been met; null if
   * there are none at all. To be called once, at the end.
   */
  summarize(): (number | null)[] | null {
    if (this.#count === 0) return null;
    const sorted = this.#values.subarray(0, this.#count).sort();
    const isMet = (share: number): boolean => this.#count * (1 - share) >= 1;
    return SHARES.map((share) => (isMet(share) ? percentile(sorted, share) : null));
  }
}
