import { describe, expect, it } from 'vitest';
import { callbackOf, drop, refuse } from '../../src/websocket/callback.ts';
import { settle, uncaughtDuring } from './pair.ts';

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
  it('is called after the running code when refused, at once when dropped', async () => {
    const log: unknown[] = [];
    refuse((error) => log.push(error?.message));
    const failure = new Error('why');
    refuse((error) => log.push(error), failure);
    refuse(undefined);
    expect(log).toEqual([]);
    const lost = new Error('lost');
    drop((error) => log.push(error), lost);
    drop(undefined, lost);
    expect(log).toEqual([lost]);
    await settle(1);
    expect(log.slice(1)).toEqual([
      'The connection was closed before the data was written',
      failure,
    ]);
  });

  it('stops nobody by throwing', async () => {
    const failure = new Error('callback');
    const caught = await uncaughtDuring(() => {
      drop(() => {
        throw failure;
      }, new Error('lost'));
    });
    expect(caught).toEqual([failure]);
  });
});
