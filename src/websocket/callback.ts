// The callbacks of `send` and its like: which argument it is, and how it is told of a failure.

import type { WriteCallback } from './link.ts';
import { throwLater } from './throw-later.ts';

/** Calls back at once, so that what is told keeps its order; what the callback throws is reported. */
export function tell(callback: WriteCallback | undefined, error: Error): void {
  if (callback === undefined) return;
  try {
    callback(error);
  } catch (thrown) {
    throwLater(thrown);
  }
}

/** The callback among two arguments, of which the first may be left out; nothing else is called. */
export function callbackOf(first: unknown, second: unknown): WriteCallback | undefined {
  if (typeof first === 'function') return first as WriteCallback;
  return typeof second === 'function' ? (second as WriteCallback) : undefined;
}
