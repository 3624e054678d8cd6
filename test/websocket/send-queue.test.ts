import { describe, expect, it, vi } from 'vitest';
import { SendQueue } from '../../src/websocket/send-queue.ts';
import { settle, uncaughtDuring } from './pair.ts';

/** A Blob whose bytes come when told. */
class SlowBlob {
  readonly size: number;
  resolve: (bytes: ArrayBuffer) => void = () => {};
  reject: (error: unknown) => void = () => {};
  reads = 0;

  constructor(size: number) {
    this.size = size;
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    this.reads++;
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

function never(): void {
  throw new Error('dropped');
}

describe('SendQueue', () => {
  it('runs tasks in order, a Blob read only when its turn has come, and says when it is empty', async () => {
    const log: string[] = [];
    const queue = new SendQueue(() => log.push('empty'));
    const [first, second] = [new SlowBlob(3), new SlowBlob(4)];
    queue.addBlob(first, (bytes) => log.push(`first ${bytes?.byteLength}`), never);
    queue.add(2, () => log.push('two'), never);
    queue.addBlob(second, (bytes) => log.push(`second ${bytes?.byteLength}`), never);
    queue.add(0, () => log.push('last'), never);
    expect(queue.length).toBe(9);
    await settle(1);
    expect([log, first.reads, second.reads]).toEqual([[], 1, 0]);
    first.resolve(new ArrayBuffer(3));
    await settle(1);
    expect([log, queue.length]).toEqual([['first 3', 'two'], 4]);
    second.resolve(new ArrayBuffer(4));
    await settle(1);
    expect(log).toEqual(['first 3', 'two', 'second 4', 'last', 'empty']);
    expect(queue.length).toBe(0);
  });

  it('tells why a Blob could not be read, and goes on', async () => {
    const log: string[] = [];
    const queue = new SendQueue(() => log.push('empty'));
    const blob = new SlowBlob(3);
    queue.addBlob(blob, (bytes, error) => log.push(`${bytes} ${error?.message}`), never);
    queue.add(0, () => log.push('next'), never);
    blob.reject('not an Error');
    await settle(1);
    expect(log).toEqual(['null not an Error', 'next', 'empty']);
  });

  it('goes on after a task that throws, which is reported as uncaught', async () => {
    const log: string[] = [];
    const failure = new Error('a callback failed');
    const caught = await uncaughtDuring(async () => {
      const queue = new SendQueue(() => log.push('empty'));
      const blob = new SlowBlob(1);
      queue.addBlob(
        blob,
        () => {
          throw failure;
        },
        never,
      );
      queue.add(0, () => log.push('next'), never);
      blob.resolve(new ArrayBuffer(1));
      await settle(1);
    });
    expect(caught).toEqual([failure]);
    expect(log).toEqual(['next', 'empty']);
  });

  it('does nothing more when a task closes what it sends on', async () => {
    const log: string[] = [];
    const queue = new SendQueue(() => log.push('empty'));
    queue.addBlob(
      new Blob(['x']),
      () => {
        log.push('sent');
        queue.drop();
      },
      () => log.push('the one that runs'),
    );
    queue.add(
      0,
      () => log.push('sent too late'),
      () => log.push('dropped'),
    );
    await vi.waitFor(() => expect(log.length).toBeGreaterThan(0));
    await settle();
    expect(log).toEqual(['sent', 'dropped']);
  });

  it('tells all tasks in order that it is too late, and keeps its length', async () => {
    const log: string[] = [];
    const queue = new SendQueue(() => log.push('empty'));
    const blob = new SlowBlob(3);
    queue.addBlob(
      blob,
      () => log.push('sent'),
      () => log.push('dropped blob'),
    );
    queue.add(
      2,
      () => log.push('sent'),
      () => log.push('dropped'),
    );
    queue.drop();
    queue.drop();
    blob.resolve(new ArrayBuffer(3));
    await settle(1);
    expect(log).toEqual(['dropped blob', 'dropped']);
    expect(queue.length).toBe(5);
  });
});
