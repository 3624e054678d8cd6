import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { Inbox } from '../../src/websocket/inbox.ts';

describe('Inbox', () => {
  it('gives messages back in their order, with their kind', () => {
    const inbox = new Inbox();
    inbox.push(Buffer.from('a'), false);
    inbox.push(Buffer.from('b'), true);
    expect(inbox.shift()).toEqual({ data: Buffer.from('a'), isBinary: false });
    inbox.push(Buffer.from('c'), false);
    expect(inbox.shift()).toEqual({ data: Buffer.from('b'), isBinary: true });
    expect(inbox.shift()).toEqual({ data: Buffer.from('c'), isBinary: false });
    expect(inbox.shift()).toBeUndefined();
  });

  it('counts messages and bytes over thousands of them', () => {
    const inbox = new Inbox();
    const message = (i: number) => Buffer.from(String(i));
    for (let i = 0; i < 3000; i++) inbox.push(message(i), false);
    for (let i = 0; i < 2999; i++) expect(inbox.shift()?.data.toString()).toBe(String(i));
    expect(inbox.length).toBe(1);
    expect(inbox.byteLength).toBe(4);
    inbox.push(message(3000), false);
    expect([inbox.length, inbox.byteLength]).toEqual([2, 8]);
    expect([inbox.shift(), inbox.shift()].map((each) => each?.data.toString())).toEqual([
      '2999',
      '3000',
    ]);
    expect([inbox.length, inbox.byteLength]).toEqual([0, 0]);
  });
});
