import { describe, expect, it } from 'vitest';
import { throwLater } from '../../src/websocket/throw-later.ts';
import { uncaughtDuring } from './pair.ts';

describe('throwLater', () => {
  it('throws the same value where only the process can catch it, after the running code', async () => {
    const error = new Error('a listener failed');
    let went = false;
    const caught = await uncaughtDuring(() => {
      throwLater(error);
      throwLater('a string');
      went = true;
    });
    expect(went).toBe(true);
    expect(caught).toEqual([error, 'a string']);
    expect(caught[0]).toBe(error);
  });
});
