// Exceptions of the application's listeners: reported as uncaught, but not through the middle of a
// chunk, whose other messages would be lost.

/** Throws `error` where nobody but the process' own handlers can catch it. */
export function throwLater(error: unknown): void {
  process.nextTick(rethrow, error);
}

function rethrow(error: unknown): never {
  throw error;
}
