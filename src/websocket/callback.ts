// The callbacks of `send` and its like: which argument it is, and how it is told.

import { throwLater } from './throw-later.ts';

/** Tells its sender that a frame has been written, or why not. */
export type WriteCallback = (error?: Error) => void;

/** Calls back at once, so that what is told keeps its order; what the callback throws is reported. */
export function tell(callback: WriteCallback | undefined, error: Error | undefined): void {
  if (callback === undefined) return;
  try {
    callback(error);
  } catch (thrown) {
    throwLater(thrown);
  }
}

/** What a callback throws stops neither the others nor the stream below, which called. */
export function tellAll(callbacks: readonly WriteCallback[], error: Error | undefined): void {
  for (const callback of callbacks) tell(callback, error);
}

/** The callback among two arguments, of which the first may be left out; nothing else is called. */
export function callbackOf(first: unknown, second: unknown): WriteCallback | undefined {
  if (typeof first === 'function') return first as WriteCallback;
  return typeof second === 'function' ? (second as WriteCallback) : undefined;
}
