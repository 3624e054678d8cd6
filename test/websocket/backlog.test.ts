import { describe, expect, it } from 'vitest';
import { Backlog } from '../../src/websocket/backlog.ts';

describe('Backlog', () => {
  it('counts the payload of a batch until the transport has written the batch whole', () => {
    const backlog = new Backlog();
    backlog.add(12, 10, 12);
    expect(backlog.payload).toBe(10);
    backlog.update(1);
    expect(backlog.payload).toBe(10);
    backlog.update(0);
    expect(backlog.payload).toBe(0);
  });

  it('counts nothing for a batch that was written at once', () => {
    const backlog = new Backlog();
    backlog.add(12, 10, 0);
    expect(backlog.payload).toBe(0);
  });

  it('lets batches go in their order', () => {
    const backlog = new Backlog();
    backlog.add(102, 100, 102);
    backlog.add(22, 20, 124);
    backlog.add(5, 3, 129);
    expect(backlog.payload).toBe(123);
    backlog.update(27);
    expect(backlog.payload).toBe(23);
    backlog.update(5);
    expect(backlog.payload).toBe(3);
    backlog.add(9, 7, 9);
    expect(backlog.payload).toBe(7);
  });

  it('counts no framing: headers, keys and control frames add nothing of their own', () => {
    const backlog = new Backlog();
    backlog.add(2, 0, 2);
    expect(backlog.payload).toBe(0);
    backlog.add(8 + 65_536, 65_536, 10 + 65_536);
    expect(backlog.payload).toBe(65_536);
  });

  it('never forgets what was lost', () => {
    const backlog = new Backlog();
    backlog.lose(7);
    backlog.add(10, 8, 10);
    backlog.lose(2);
    expect(backlog.payload).toBe(17);
    backlog.update(0);
    expect(backlog.payload).toBe(9);
  });
});
