// What a compressed connection holds while it is idle. In a file of its own: one timer serves all.

import { Buffer } from 'node:buffer';
import { describe, expect, it, vi } from 'vitest';
import { BaseWebSocket } from '../../src/websocket/websocket.ts';
import { memoryPair, Peer, settle } from './pair.ts';

const PARAMETERS = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: true,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

describe('a socket that is idle', () => {
  it('[7692-7.2.1-h] gives its compressor back after a while, and is understood as before', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const [near, far] = memoryPair();
      const ws = new BaseWebSocket('server');
      ws.setSocket(near, Buffer.alloc(0), { deflate: { parameters: PARAMETERS, options: {} } });
      const peer = new Peer(far, 'client');
      const lengths = (): number[] => peer.frames.map(({ payload }) => payload.length);
      ws.send('Hello');
      ws.send('Hello');
      vi.advanceTimersByTime(15_000);
      ws.send('Hello');
      vi.advanceTimersByTime(15_000);
      vi.advanceTimersByTime(15_000);
      ws.send('Hello');
      await settle();
      expect(lengths()).toEqual([7, 5, 4, 7]);
      expect(vi.getTimerCount()).toBe(1);
      ws.terminate();
      await settle();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});
