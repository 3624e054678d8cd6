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
    queue.addBlob(first, (bytes) => void log.push(`first ${bytes?.byteLength}`), never);
    queue.add(2, () => void log.push('two'), never);
    queue.addBlob(second, (bytes) => void log.push(`second ${bytes?.byteLength}`), never);
    queue.add(0, () => void log.push('last'), never);
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
    queue.addBlob(blob, (bytes, error) => void log.push(`${bytes} ${error}`), never);
    queue.add(0, () => void log.push('next'), never);
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
      queue.add(0, () => void log.push('next'), never);
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
      () => void log.push('sent too late'),
      () => void log.push('dropped'),
    );
    await vi.waitFor(() => expect(log.length).toBeGreaterThan(0), 10_000);
    await settle();
    expect(log).toEqual(['sent', 'dropped']);
  });

  it('hands on the very thing that reading a Blob was rejected with', async () => {
    const failures: unknown[] = [];
    const given = [new DOMException('gone', 'NotReadableError'), 'no Error', undefined];
    for (const each of given) {
      const queue = new SendQueue(() => {});
      const blob = new SlowBlob(3);
      queue.addBlob(blob, (_, error) => void failures.push(error), never);
      queue.add(0, () => void failures.push(queue.lostError), never);
      blob.reject(each);
      await settle(1);
    }
    const missing = new Error('The blob could not be read');
    expect(failures).toEqual([given[0], given[0], given[1], given[1], missing, missing]);
    expect(failures[0]).toBe(given[0]);
  });

  it('tells what runs and what waits that it is too late, in order, once and at once', async () => {
    const log: string[] = [];
    const queue = new SendQueue(() => log.push('empty'));
    let end: (value: () => void) => void = () => {};
    const running = new Promise<() => void>((resolve) => {
      end = resolve;
    });
    const onDrop = (name: string) => (error: Error) => void log.push(`${name}: ${error.message}`);
    queue.add(5, () => running, onDrop('first'));
    queue.add(2, () => void log.push('sent'), onDrop('second'));
    queue.drop();
    const lost = 'The socket was closed while data was being compressed';
    expect(log).toEqual([`first: ${lost}`, `second: ${lost}`]);
    end(() => log.push('ended'));
    queue.drop();
    await settle(1);
    expect(log).toHaveLength(2);
    expect(queue.length).toBe(7);
  });

  it('calls what a promise brings, before the next task runs', async () => {
    const log: string[] = [];
    const queue = new SendQueue(() => log.push('empty'));
    queue.add(1, () => Promise.resolve(() => void log.push('ended')), never);
    queue.add(1, () => Promise.resolve(undefined), never);
    queue.add(1, () => void log.push('next'), never);
    await settle(1);
    expect(log).toEqual(['ended', 'next', 'empty']);
    expect(queue.length).toBe(0);
  });

  it.each(['read', 'rejected'])('while a Blob is read, tells why when it is %s', async (how) => {
    const log: string[] = [];
    const queue = new SendQueue(() => log.push('empty'));
    const blob = new SlowBlob(3);
    const onDrop = (error: Error) => void log.push(error.message);
    queue.addBlob(blob, () => void log.push('sent'), onDrop);
    queue.add(2, () => void log.push('sent'), onDrop);
    queue.drop();
    expect(log).toEqual([]);
    if (how === 'read') blob.resolve(new ArrayBuffer(3));
    else blob.reject(new Error('gone'));
    await settle(1);
    const why = how === 'read' ? 'The socket was closed while the blob was being read' : 'gone';
    expect(log).toEqual([why, why]);
    expect(queue.length).toBe(5);
  });

  it('tells all tasks in order that it is too late, and keeps its length', async () => {
    const log: string[] = [];
    const queue = new SendQueue(() => log.push('empty'));
    const blob = new SlowBlob(3);
    queue.addBlob(
      blob,
      () => void log.push('sent'),
      () => void log.push('dropped blob'),
    );
    queue.add(
      2,
      () => void log.push('sent'),
      () => void log.push('dropped'),
    );
    queue.drop();
    queue.drop();
    blob.resolve(new ArrayBuffer(3));
    await settle(1);
    expect(log).toEqual(['dropped blob', 'dropped']);
    expect(queue.length).toBe(5);
  });
});
