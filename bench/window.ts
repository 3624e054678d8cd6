// The stretch of a run that is measured: it begins with the first reply after the warm-up and ends
// with the first reply after the given time, so that whole replies lie in it. Knows no sockets.

import {
  readCpu,
  readFaults,
  readMainCpu,
  readMainQueued,
  readSystemCpu,
} from './process-figures.ts';

/** What was seen within the window. */
export interface Seen {
  /** Length of the window in seconds. */
  readonly seconds: number;
  /** Replies, deliveries or handshakes. */
  readonly count: number;
  /** CPU time of the server in µs, null where it cannot be read. */
  readonly serverCpu: number | null;
  /** The part of it that its main thread used, and the part that was spent in the kernel. */
  readonly mainCpu: number | null;
  readonly systemCpu: number | null;
  /** How long its main thread had to wait for a core, in µs. */
  readonly mainQueued: number | null;
  /** Pages of memory that the server had to be given. */
  readonly faults: number | null;
  /** When it began and ended, in µs of the clock that all processes of a machine share. */
  readonly from: number;
  readonly to: number;
  /** CPU time of the load itself as a share of the window: near 1 it was the bottleneck. */
  readonly loadShare: number;
}

/** The server is warm when it has used this share of the warm-up's time; on a busy machine it takes longer. */
const WARM = 0.6;
/** But no more than so many times as long. */
const MOST_WARMUPS = 4;

interface Mark {
  readonly time: number;
  readonly count: number;
  readonly serverCpu: number | null;
  readonly mainCpu: number | null;
  readonly systemCpu: number | null;
  readonly mainQueued: number | null;
  readonly faults: number | null;
  readonly loadCpu: number;
}

function subtract(after: number | null, before: number | null): number | null {
  return after === null || before === null ? null : after - before;
}

/** Microseconds of the monotonic clock. */
function readClock(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Counts replies and keeps the time. */
export class Window {
  /** All replies since the beginning, those outside of the window too. */
  count = 0;
  /** Between the two marks. */
  isOpen = false;
  readonly #pid: number;
  readonly #seconds: number;
  readonly #onEnd: (seen: Seen) => void;
  #due = false;
  #start: Mark | null = null;
  #timer: NodeJS.Timeout;

  /** @param pid the server, whose CPU time is read at both marks */
  constructor(pid: number, warmup: number, seconds: number, onEnd: (seen: Seen) => void) {
    this.#pid = pid;
    this.#seconds = seconds;
    this.#onEnd = onEnd;
    this.#timer = this.#warmUp(warmup, readCpu(pid), 1);
  }

  /** A compiler needs work, not time: what a busy machine has not let the server do is waited for. */
  #warmUp(seconds: number, start: number | null, times: number): NodeJS.Timeout {
    return setTimeout(() => {
      const used = (readCpu(this.#pid) ?? 0) - (start ?? 0);
      const isWarm = start === null || used >= seconds * WARM * 1e6;
      if (isWarm || times >= MOST_WARMUPS) this.#due = true;
      else this.#timer = this.#warmUp(seconds, start, times + 1);
    }, seconds * 1000);
  }

  /** Counts replies; sets a mark when one is due. */
  tick(replies: number): void {
    this.count += replies;
    if (this.#due) this.#turn();
  }

  /** Stops the clock; `onEnd` will not be called. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#due = false;
  }

  #schedule(seconds: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#due = true;
    }, seconds * 1000);
  }

  #mark(): Mark {
    const { user, system } = process.cpuUsage();
    return {
      time: readClock(),
      count: this.count,
      serverCpu: readCpu(this.#pid),
      mainCpu: readMainCpu(this.#pid),
      systemCpu: readSystemCpu(this.#pid),
      mainQueued: readMainQueued(this.#pid),
      faults: readFaults(this.#pid),
      loadCpu: user + system,
    };
  }

  #turn(): void {
    this.#due = false;
    const now = this.#mark();
    if (this.#start === null) {
      this.#start = now;
      this.isOpen = true;
      this.#timer = this.#schedule(this.#seconds);
      return;
    }
    this.isOpen = false;
    const start = this.#start;
    const seconds = (now.time - start.time) / 1e6;
    this.#onEnd({
      seconds,
      count: now.count - start.count,
      serverCpu: subtract(now.serverCpu, start.serverCpu),
      mainCpu: subtract(now.mainCpu, start.mainCpu),
      systemCpu: subtract(now.systemCpu, start.systemCpu),
      mainQueued: subtract(now.mainQueued, start.mainQueued),
      faults: subtract(now.faults, start.faults),
      from: start.time,
      to: now.time,
      loadShare: (now.loadCpu - start.loadCpu) / 1e6 / seconds,
    });
  }
}
