import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { closeBody, open, settle } from './pair.ts';

describe('for await over a socket', () => {
  it('gives text as strings and binary by binaryType, and ends with a clean close', async () => {
    const { ws, peer } = open();
    ws.binaryType = 'arraybuffer';
    const seen: unknown[] = [];
    const loop = (async () => {
      for await (const message of ws) seen.push(message);
    })();
    peer.text('a', 'b');
    peer.send({ opcode: 2, payload: Buffer.from([1, 2]) });
    await settle();
    peer.send({ opcode: 8, payload: closeBody(1000) });
    peer.socket.end();
    await loop;
    expect(seen.slice(0, 2)).toEqual(['a', 'b']);
    expect([...new Uint8Array(seen[2] as ArrayBuffer)]).toEqual([1, 2]);
    expect(ws.wasClean).toBe(true);
  });

  it('ends after an unclean close as well, what had come before given first', async () => {
    const { ws, peer } = open();
    const seen: unknown[] = [];
    const loop = (async () => {
      for await (const message of ws) seen.push(message);
    })();
    peer.text('a', 'b', 'c');
    peer.socket.end();
    await loop;
    expect(seen).toEqual(['a', 'b', 'c']);
    expect([ws.wasClean, ws.readyState]).toEqual([false, 3]);
    // And one that begins later has nothing to give.
    for await (const _ of ws) expect.fail('a message of a closed socket');
  });

  it('pauses the peer while the loop is slow, and loses nothing', async () => {
    const { ws, near, peer } = open();
    const iterator = ws[Symbol.asyncIterator]();
    const messages = Array.from({ length: 100 }, (_, i) => `message ${i}`);
    for (const each of messages) peer.text(each);
    await settle();
    expect([ws.isPaused, near.isPaused()]).toEqual([true, true]);
    const seen: unknown[] = [];
    for (let i = 0; i < 100; i++) seen.push((await iterator.next()).value);
    expect(seen).toEqual(messages);
    await settle();
    expect([ws.isPaused, near.isPaused()]).toEqual([false, false]);
  });

  it('gives all of one chunk that ends with Close, however slow the loop', async () => {
    const { ws, peer } = open();
    const iterator = ws[Symbol.asyncIterator]();
    const messages = Array.from({ length: 60 }, (_, i) => `message ${i}`);
    peer.send(...messages.map((payload) => ({ opcode: 1, payload })), { opcode: 8 });
    peer.socket.end();
    await settle();
    expect(ws.readyState).toBe(3);
    const seen: unknown[] = [];
    for await (const message of iterator) seen.push(message);
    expect(seen).toEqual(messages);
  });

  it('loses nothing when it begins on a socket that is paused and closes', async () => {
    const { ws, near, peer } = open();
    ws.pause();
    const iterator = ws[Symbol.asyncIterator]();
    const messages = Array.from({ length: 60 }, (_, i) => `message ${i}`);
    ws.resume();
    ws.once('message', () => ws.pause());
    peer.text(...messages);
    await settle();
    near.destroy();
    await settle();
    const seen: unknown[] = [];
    for await (const message of iterator) seen.push(message);
    expect(seen).toEqual(messages);
  });

  it('lets the socket go on after break', async () => {
    const { ws, peer } = open();
    peer.text(...Array.from({ length: 40 }, (_, i) => `${i}`));
    for await (const message of ws) {
      if (message === '2') break;
    }
    expect([ws.readyState, ws.isPaused]).toEqual([1, false]);
    expect(ws.listenerCount('message')).toBe(0);
    expect(ws.listenerCount('close')).toBe(0);
    const seen: string[] = [];
    ws.on('message', (data) => seen.push(String(data)));
    peer.text('after');
    await settle();
    expect(seen).toEqual(['after']);
  });

  it('answers several calls of next in order, and all of them at the end', async () => {
    const { ws, peer } = open();
    const iterator = ws[Symbol.asyncIterator]();
    const calls = [iterator.next(), iterator.next(), iterator.next()];
    peer.text('a', 'b');
    await settle();
    ws.terminate();
    expect(await Promise.all(calls)).toEqual([
      { done: false, value: 'a' },
      { done: false, value: 'b' },
      { done: true, value: undefined },
    ]);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });
});
