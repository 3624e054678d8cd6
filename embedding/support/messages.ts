// What is sent: a thousand texts whose order can be checked, and bytes in which every error shows.

import { expect } from 'vitest';
import { waitFor } from './wait-for.ts';

/** Text number `index`: lengths from 2 to some 600 bytes, so that one- and three-byte headers take turns. */
function textOf(index: number): string {
  return `${index}:${'é'.repeat((index * 7) % 300)}`;
}

/**
 * Sends a thousand texts in one go, and fails unless each comes back once, whole and in order. `listen` is
 * called first, with the function that takes what comes back; `send` may return a promise, which is not waited for.
 */
export async function thousandInOrder(
  send: (text: string, index: number) => unknown,
  listen: (receive: (text: string) => void) => unknown,
  deadline = 15_000,
): Promise<void> {
  const received: string[] = [];
  listen((text) => received.push(text));
  const sent = Array.from({ length: 1000 }, (_, index) => textOf(index));
  const sending = Promise.all(sent.map((text, index) => send(text, index)));
  await waitFor('a thousand messages', () => received.length >= sent.length, deadline);
  await sending;
  expect(received).toEqual(sent);
}

/** Bytes without a period that a cut, a shift or a masking key in the wrong phase would leave unseen. */
export function patternedBytes(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = 1;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** One mebibyte: beyond every length form but the longest, and beyond one read of a socket. */
export const LARGE: number = 1024 * 1024;
