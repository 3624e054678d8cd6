import { describe, expect, it } from 'vitest';
import { callbackOf, tell } from '../../src/websocket/callback.ts';
import { uncaughtDuring } from './pair.ts';

describe('the callback among the arguments', () => {
  it('is the first function, and nothing else is one', () => {
    const first = (): void => {};
    const second = (): void => {};
    expect(callbackOf(first, second)).toBe(first);
    expect(callbackOf({}, second)).toBe(second);
    for (const none of [undefined, null, {}, 'callback', 7]) {
      expect(callbackOf(none, none)).toBe(undefined);
    }
  });
});

describe('a callback that is told of a failure', () => {
  it('is called at once', () => {
    const log: unknown[] = [];
    const lost = new Error('lost');
    tell((error) => log.push(error), lost);
    tell(undefined, lost);
    expect(log).toEqual([lost]);
  });

  it('stops nobody by throwing', async () => {
    const failure = new Error('callback');
    const caught = await uncaughtDuring(() => {
      tell(() => {
        throw failure;
      }, new Error('lost'));
    });
    expect(caught).toEqual([failure]);
  });
});
