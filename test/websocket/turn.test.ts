import { createHook } from 'node:async_hooks';
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { chunkDone, flushSoon } from '../../src/websocket/turn.ts';
import { settle } from './pair.ts';

describe('flushSoon', () => {
  it('flushes when the running code has returned, in the order of the calls, not before', async () => {
    const log: string[] = [];
    flushSoon({ flush: () => log.push('a') });
    flushSoon({ flush: () => log.push('b') });
    expect(log).toEqual([]);
    await settle(1);
    expect(log).toEqual(['a', 'b']);
  });

  it('comes behind what the running code has put off until it returns', async () => {
    const log: string[] = [];
    flushSoon({ flush: () => log.push('flush') });
    process.nextTick(() => log.push('tick'));
    void Promise.resolve().then(() => log.push('microtask'));
    await settle(1);
    expect(log.at(-1)).toBe('flush');
    expect(log).toHaveLength(3);
  });

  it('takes one scheduled call for all', async () => {
    let scheduled = 0;
    const hook = createHook({
      init: (_, type) => {
        if (type === 'Immediate') scheduled++;
      },
    }).enable();
    for (let i = 0; i < 10; i++) flushSoon({ flush: () => {} });
    hook.disable();
    expect(scheduled).toBe(1);
    await settle(1);
  });

  it('gives those who send during a flush a turn of their own', async () => {
    const log: string[] = [];
    flushSoon({
      flush: () => {
        log.push('first');
        flushSoon({ flush: () => log.push('again') });
      },
    });
    flushSoon({ flush: () => log.push('second') });
    await settle(1);
    expect(log).toEqual(['first', 'second']);
    await settle(1);
    expect(log).toEqual(['first', 'second', 'again']);
  });

  it('flushes when the process ends within the turn', () => {
    const module = new URL('../../src/websocket/turn.ts', import.meta.url);
    const script = `
      import { writeSync } from 'node:fs';
      import { flushSoon } from ${JSON.stringify(module.href)};
      for (const name of ['a', 'b']) flushSoon({ flush: () => writeSync(1, name) });
      process.exit(7);`;
    const child = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', script],
      { encoding: 'utf8', timeout: 10_000 },
    );
    expect([child.status, child.stdout]).toEqual([7, 'ab']);
  });
});

describe('chunkDone', () => {
  /** Works through `count` chunks, each of which takes `milliseconds`. */
  function work(count: number, milliseconds: number): void {
    for (let i = 0; i < count; i++) {
      const end = performance.now() + milliseconds;
      while (performance.now() < end);
      chunkDone(100);
    }
  }

  it('lets output wait while chunks are worked through quickly', async () => {
    const log: string[] = [];
    flushSoon({ flush: () => log.push('flush') });
    work(64, 0);
    log.push('worked');
    await settle(1);
    expect(log).toEqual(['worked', 'flush']);
  });

  it('lets nothing wait for many chunks that take long, once in a while', async () => {
    let flushed = 0;
    const target = { flush: () => flushed++ };
    flushSoon(target);
    work(15, 1);
    expect(flushed).toBe(0);
    work(1, 1);
    expect(flushed).toBe(1);
    flushSoon(target);
    work(8, 1);
    expect(flushed).toBe(2);
    await settle(1);
    expect(flushed).toBe(2);
  });

  it('lets nothing wait for more than 64 KiB', async () => {
    let flushed = 0;
    flushSoon({ flush: () => flushed++ });
    chunkDone(65_000);
    expect(flushed).toBe(0);
    chunkDone(536);
    expect(flushed).toBe(1);
    flushSoon({ flush: () => flushed++ });
    chunkDone(65_535);
    expect(flushed).toBe(1);
    await settle(1);
    expect(flushed).toBe(2);
  });

  it('does nothing where no output waits', async () => {
    work(16, 1);
    let flushed = 0;
    flushSoon({ flush: () => flushed++ });
    work(8, 1);
    expect(flushed).toBe(0);
    await settle(1);
    expect(flushed).toBe(1);
  });
});
