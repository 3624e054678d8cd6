// The callbacks of `send` and its like: which argument it is, and how it is told that nothing was sent.

import { closedError, type WriteCallback } from './link.ts';
import { throwLater } from './throw-later.ts';

/** Tells a callback, after the running code, that its data was not written. */
export function refuse(callback: WriteCallback | undefined, error: Error = closedError()): void {
  if (callback !== undefined) process.nextTick(callback, error);
}

/** The same at once: the connection has closed, and its callbacks come before its `close` event. */
export function drop(callback: WriteCallback | undefined, error: Error): void {
  if (callback === undefined) return;
  try {
    callback(error);
  } catch (error) {
    throwLater(error);
  }
}

/** The callback among two arguments, of which the first may be left out; nothing else is called. */
export function callbackOf(first: unknown, second: unknown): WriteCallback | undefined {
  if (typeof first === 'function') return first as WriteCallback;
  return typeof second === 'function' ? (second as WriteCallback) : undefined;
}
