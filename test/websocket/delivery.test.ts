import { Buffer } from 'node:buffer';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Delivery, type DeliveryHandlers } from '../../src/websocket/delivery.ts';
import { settle } from './pair.ts';

class Target {
  readonly log: string[] = [];
  onDeliver: (text: string) => void = () => {};

  deliver(data: Buffer, isBinary: boolean): void {
    this.log.push(`${isBinary ? 'binary' : 'text'}:${data}`);
    this.onDeliver(data.toString());
  }

  pauseInput(): void {
    this.log.push('pause');
  }

  resumeInput(): void {
    this.log.push('resume');
  }
}

const HANDLERS: DeliveryHandlers<Target> = {
  deliver: (target, data, isBinary) => target.deliver(data, isBinary),
  pauseInput: (target) => target.pauseInput(),
  resumeInput: (target) => target.resumeInput(),
};

function start(): { target: Target; delivery: Delivery<Target> } {
  const target = new Target();
  return { target, delivery: new Delivery(target, HANDLERS) };
}

const text = Buffer.from;

describe('Delivery', () => {
  afterEach(() => void vi.useRealTimers());

  it('delivers at once to those who listen', () => {
    const { target, delivery } = start();
    delivery.listen();
    delivery.receive(text('a'), false);
    delivery.receive(text('b'), true);
    expect(target.log).toEqual(['text:a', 'binary:b']);
  });

  it('keeps what comes before the first listener and delivers it in order after the running code', async () => {
    const { target, delivery } = start();
    delivery.receive(text('a'), false);
    delivery.receive(text('b'), true);
    delivery.listen();
    expect(target.log).toEqual([]);
    // What comes between is not to overtake.
    delivery.receive(text('c'), false);
    await settle(1);
    delivery.receive(text('d'), false);
    expect(target.log).toEqual(['text:a', 'binary:b', 'text:c', 'resume', 'text:d']);
  });

  it('pauses the peer when more is kept than the bound, and not before', async () => {
    const { target, delivery } = start();
    delivery.receive(Buffer.alloc(65_536), true);
    expect(target.log).toEqual([]);
    delivery.receive(text('x'), false);
    expect(target.log).toEqual(['pause']);
    delivery.listen();
    await settle(1);
    expect(target.log.slice(2)).toEqual(['text:x', 'resume']);
  });

  it('lets go after 30 seconds without a listener, and reads on', () => {
    vi.useFakeTimers();
    const { target, delivery } = start();
    delivery.receive(Buffer.alloc(65_537), true);
    vi.advanceTimersByTime(29_999);
    expect(target.log).toEqual(['pause']);
    vi.advanceTimersByTime(1);
    expect(target.log).toEqual(['pause', 'resume']);
    delivery.listen();
    delivery.receive(text('later'), false);
    expect(target.log).toEqual(['pause', 'resume', 'text:later']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('keeps what comes while paused, also when paused by a listener in the middle', () => {
    const { target, delivery } = start();
    delivery.listen();
    target.onDeliver = (message) => {
      if (message === 'a' || message === 'b') delivery.pause();
    };
    for (const each of ['a', 'b', 'c']) delivery.receive(text(each), false);
    expect(target.log).toEqual(['text:a', 'pause']);
    expect(delivery.isPaused).toBe(true);
    delivery.resume();
    expect(target.log).toEqual(['text:a', 'pause', 'text:b', 'pause']);
    delivery.resume();
    expect(target.log.slice(4)).toEqual(['text:c', 'resume']);
    expect(delivery.isPaused).toBe(false);
  });

  it('delivers what waits at the end, however it is paused, before the end', () => {
    const { target, delivery } = start();
    delivery.listen();
    delivery.pause();
    for (const each of ['a', 'b', 'c']) delivery.receive(text(each), false);
    // A reader with back-pressure of its own pauses at each message.
    target.onDeliver = () => delivery.pause();
    delivery.end();
    expect(target.log.filter((each) => each.startsWith('text'))).toEqual([
      'text:a',
      'text:b',
      'text:c',
    ]);
  });

  it('remembers at the end whether it was paused', () => {
    for (const paused of [true, false]) {
      const { delivery } = start();
      delivery.listen();
      if (paused) delivery.pause();
      delivery.end();
      expect(delivery.isPaused).toBe(paused);
    }
  });

  it('leaves no timer at the end', () => {
    vi.useFakeTimers();
    const { delivery } = start();
    delivery.receive(text('nobody listens'), false);
    expect(vi.getTimerCount()).toBe(1);
    delivery.end();
    expect(vi.getTimerCount()).toBe(0);
  });
});
