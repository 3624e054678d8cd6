// One wake-up for everything that was sent in a turn of the event loop, whoever sent it: what many
// connections write in one turn leaves in one write each, and costs one scheduled call for all.

/** Something with output that waits. */
export interface Flushable {
  /** Writes what waits. Must not throw. */
  flush(): void;
}

let waiting: Flushable[] = [];

/** Calls `target.flush()` when the code that is running now has returned. */
export function flushSoon(target: Flushable): void {
  if (waiting.push(target) === 1) process.nextTick(flushAll);
}

function flushAll(): void {
  // A flush may make others send: they get a turn of their own.
  const batch = waiting;
  waiting = [];
  for (let i = 0; i < batch.length; i++) batch[i].flush();
}
