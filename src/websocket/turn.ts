// When output leaves: once in each turn of the event loop, for all connections, behind everything that
// came in it. What one connection sends in a turn, in answer to whomever, leaves in one write, and what
// many do costs one scheduled call.

// Not the global one: an application's tests may have put theirs in its place.
import { setImmediate } from 'node:timers';

/** Something with output that waits. */
export interface Flushable {
  /** Writes what waits. Must not throw. */
  flush(): void;
}

/** So many chunks are worked through before anybody looks at the clock … */
const CHUNKS = 8;
/** … and when so many milliseconds have passed since then, output does not wait for the rest. */
const LONGEST_WAIT = 1;

/** Nor does it wait when so many bytes have been read: the next ones are fetched from farther and farther away. */
const MOST_BYTES = 65_536;

let waiting: Flushable[] = [];
let scheduled = false;
let chunks = 0;
let bytes = 0;
let since = 0;
let heedsExit = false;

/** Calls `target.flush()` at the end of the event loop's turn, or when the process ends within it. */
export function flushSoon(target: Flushable): void {
  waiting.push(target);
  if (scheduled) return;
  scheduled = true;
  // Behind all input of the turn: that is where replies to many senders meet.
  setImmediate(endTurn);
  if (heedsExit) return;
  // After process.exit() no turn ends; a socket can still take what it has room for.
  heedsExit = true;
  process.once('exit', flushAll);
}

/** `length` bytes of input have been worked through: output does not wait for much more, nor for long. */
export function chunkDone(length: number): void {
  if (!scheduled) return;
  bytes += length;
  if (bytes >= MOST_BYTES) {
    bytes = 0;
    flushAll();
    return;
  }
  if (++chunks % CHUNKS !== 0) return;
  const now = performance.now();
  if (chunks === CHUNKS) {
    since = now;
  } else if (now - since > LONGEST_WAIT) {
    since = now;
    flushAll();
  }
}

function endTurn(): void {
  scheduled = false;
  chunks = 0;
  bytes = 0;
  flushAll();
}

function flushAll(): void {
  // A flush may make others send: they get a turn of their own.
  const batch = waiting;
  waiting = [];
  for (let i = 0; i < batch.length; i++) batch[i].flush();
}
