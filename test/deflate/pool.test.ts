// The queue before the thread pool: order, the limit, and that it is one for all who want the same.

import { describe, expect, it } from 'vitest';
import { Pool, poolOf } from '../../src/deflate/pool.ts';

describe('a pool', () => {
  it('starts as many jobs as its limit allows, and the rest in order as they leave', () => {
    const pool = new Pool(2);
    const started: number[] = [];
    const leave: (() => void)[] = [];
    for (let i = 0; i < 5; i++) {
      pool.run((done) => {
        started.push(i);
        leave.push(done);
      });
    }
    expect(started).toEqual([0, 1]);
    leave[1]?.();
    expect(started).toEqual([0, 1, 2]);
    // Leaving twice makes no room.
    leave[1]?.();
    expect(started).toEqual([0, 1, 2]);
    leave[0]?.();
    leave[2]?.();
    expect(started).toEqual([0, 1, 2, 3, 4]);
    leave[3]?.();
    leave[4]?.();
    pool.run(() => started.push(5));
    expect(started).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('goes on when a job ends while it starts', () => {
    const pool = new Pool(1);
    let count = 0;
    for (let i = 0; i < 3; i++) {
      pool.run((done) => {
        count++;
        done();
      });
    }
    expect(count).toBe(3);
  });

  it.each([0, Infinity])('has no limit with %d', (limit) => {
    const pool = new Pool(limit);
    let count = 0;
    for (let i = 0; i < 100; i++) pool.run(() => count++);
    expect(count).toBe(100);
  });

  it('is shared by all who want the same limit; without one that is 10', () => {
    expect(poolOf(3)).toBe(poolOf(3));
    expect(poolOf(3)).not.toBe(poolOf(4));
    expect(poolOf()).toBe(poolOf(10));
  });
});
