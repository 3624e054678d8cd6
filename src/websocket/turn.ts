// One wake-up for everything that was sent in a turn of the event loop, whoever sent it: what many
// connections write in one turn leaves in one write each, and costs one scheduled call for all.

/** Something with output that waits. */
export interface Flushable {
  /** Writes what waits. Must not throw. */
  flush(): void;
}

let waiting: Flushable[] = [];
let heedsExit = false;

/** Calls `target.flush()` when the code that is running now has returned, or ends the process. */
export function flushSoon(target: Flushable): void {
  if (waiting.push(target) !== 1) return;
  process.nextTick(flushAll);
  if (heedsExit) return;
  // After process.exit() there is no next tick; a socket can still take what it has room for.
  heedsExit = true;
  process.once('exit', flushAll);
}

function flushAll(): void {
  // A flush may make others send: they get a turn of their own.
  const batch = waiting;
  waiting = [];
  for (let i = 0; i < batch.length; i++) batch[i].flush();
}
