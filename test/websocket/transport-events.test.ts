// TransportEvents: what a Duplex tells the one whose transport it is, and that it tells nothing more when it
// is over. On a stream in memory.

import { describe, expect, it } from 'vitest';
import {
  catchUp,
  endOutput,
  ignoreInput,
  listenTo,
  type TransportEvents,
} from '../../src/websocket/transport-events.ts';
import { type MemorySocket, memoryPair, open, settle, uncaughtDuring } from './pair.ts';

function recorder(log: string[]): TransportEvents {
  return {
    receive: (chunk) => log.push(`receive ${chunk}`),
    receiveShared: (chunk) => log.push(`shared ${chunk}`),
    drained: () => log.push('drained'),
    ended: () => log.push('ended'),
    finished: () => log.push('finished'),
    closed: () => log.push('closed'),
  };
}

function stage(highWaterMark?: number): { near: MemorySocket; far: MemorySocket; log: string[] } {
  const [near, far] = memoryPair(highWaterMark);
  const log: string[] = [];
  listenTo(near, recorder(log));
  return { near, far, log };
}

describe('a transport', () => {
  it('tells what comes, that it has room again, and each end once', async () => {
    const { near, far, log } = stage(4);
    far.write('a');
    far.write('b');
    await settle();
    near.stalled = true;
    near.write('12345');
    near.stalled = false;
    near.drain();
    await settle();
    endOutput(near);
    await settle();
    expect(log).toEqual(['receive a', 'receive b', 'drained', 'finished']);
    far.end();
    await settle();
    near.destroy();
    await settle();
    expect(log.slice(4)).toEqual(['ended', 'closed']);
  });

  it('tells `finished` only of the end that was begun here', async () => {
    const { near, log } = stage();
    near.end();
    await settle();
    expect(log).toEqual([]);
  });

  it('tells everything but its input when that is ignored', async () => {
    const { near, far, log } = stage();
    ignoreInput(near);
    near.resume();
    far.write('a');
    far.end();
    await settle();
    near.destroy();
    await settle();
    expect(log).toEqual(['ended', 'closed']);
  });

  it('that fails is over, and its late errors are nobody else’s matter', async () => {
    const { near, log } = stage();
    const caught = await uncaughtDuring(async () => {
      near.emit('error', new Error('reset'));
      await settle();
      near.emit('error', new Error('late'));
    });
    expect([caught, log]).toEqual([[], ['closed']]);
  });

  it('that is over before anybody listened tells so when asked, later', async () => {
    const [closed] = memoryPair();
    closed.destroy();
    const [ended, far] = memoryPair();
    far.end();
    ended.resume();
    const [alive] = memoryPair();
    await settle();
    const logs: string[][] = [];
    for (const socket of [closed, ended, alive]) {
      const log: string[] = [];
      listenTo(socket, recorder(log));
      catchUp(socket);
      logs.push(log);
    }
    expect(logs).toEqual([[], [], []]);
    await settle();
    expect(logs).toEqual([['closed'], ['ended'], []]);
  });

  it('has the same listeners as any other', () => {
    const [one, other] = [stage(), stage()].map(({ near }) => near) as [MemorySocket, MemorySocket];
    for (const event of ['data', 'drain', 'end', 'error', 'close']) {
      const listeners = one.listeners(event);
      expect([event, listeners.length > 0]).toEqual([event, true]);
      expect(other.listeners(event)).toEqual(listeners);
    }
  });
});

describe('a socket that has closed', () => {
  it('leaves no listener of its own on the socket but the one that takes late errors', async () => {
    const { ws, near, peer } = open();
    ws.close();
    peer.send({ opcode: 8 });
    await settle();
    peer.socket.end();
    await settle();
    expect(ws.readyState).toBe(3);
    for (const type of ['data', 'drain', 'end', 'close'] as const) {
      expect([
        type,
        near.listeners(type).filter(({ name }) => name.startsWith('onSocket')).length,
      ]).toEqual([type, type === 'close' ? 1 : 0]);
    }
    near.emit('error', new Error('late'));
  });
});
