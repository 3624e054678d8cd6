// A bar that tells how far a run is and how long it may still take; on a terminal only.

const WIDTH = 24;

/** One line of text for a share done and the seconds that have passed. */
export function formatProgress(
  done: number,
  seconds: number,
  text: string,
  columns: number,
): string {
  const share = Math.min(1, Math.max(0, done));
  const filled = Math.round(share * WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled);
  // Before there is something to go by, any guess would be wrong.
  const left = share < 0.02 ? '' : ` ${formatTime((seconds / share) * (1 - share))} left`;
  const line = `${bar} ${String(Math.round(share * 100)).padStart(3)} %${left}  ${text}`;
  return line.slice(0, Math.max(0, columns - 1));
}

function formatTime(seconds: number): string {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** Counts steps and shows them. */
export class Progress {
  readonly #steps: number;
  readonly #start = performance.now();
  #done = 0;

  constructor(steps: number) {
    this.#steps = steps;
  }

  /** A step begins. */
  step(text: string): void {
    this.note(text);
    this.#done++;
  }

  /** Shows another text for the step that is being done, or for the one that begins. */
  note(text: string): void {
    const { columns = 80, isTTY } = process.stdout;
    if (!isTTY) return;
    const seconds = (performance.now() - this.#start) / 1000;
    const line = formatProgress(this.#done / this.#steps, seconds, text, columns);
    process.stdout.write(`\r\u001b[K${line}`);
  }

  /** `count` steps at once were not needed. */
  skip(count: number): void {
    this.#done += count;
  }

  /** Takes the line away, so that something else can be written. */
  clear(): void {
    if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
  }
}
