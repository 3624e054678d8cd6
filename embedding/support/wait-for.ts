// Waiting that ends: with what was waited for, or with an error that says what never came.

import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Resolves with the first truthy answer of `ask`, which is asked at once and then every 5 ms. Rejects, with
 * `what` in the message, when there was none within `deadline` milliseconds.
 */
export async function waitFor<T>(
  what: string,
  ask: () => T | Promise<T>,
  deadline = 5000,
): Promise<NonNullable<T>> {
  const end = performance.now() + deadline;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`${what}: not within ${deadline} ms`);
    await sleep(5);
  }
}

/**
 * Resolves with the arguments of one call: `subscribe` hands the function it is given to whoever will call it, as in
 * `nextCall('open', (call) => socket.once('open', call))`. Rejects after `deadline` milliseconds.
 */
export function nextCall<Arguments extends unknown[]>(
  what: string,
  subscribe: (call: (...args: Arguments) => void) => unknown,
  deadline = 5000,
): Promise<Arguments> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`${what}: not within ${deadline} ms`));
    const timer = setTimeout(late, deadline);
    subscribe((...args) => {
      clearTimeout(timer);
      resolve(args);
    });
  });
}
