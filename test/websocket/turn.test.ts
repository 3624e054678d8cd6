import { spawnSync } from 'node:child_process';
import { describe, expect, it, vi } from 'vitest';
import { flushSoon } from '../../src/websocket/turn.ts';
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

  it('takes one scheduled call for all', async () => {
    const scheduled = vi.spyOn(process, 'nextTick');
    try {
      for (let i = 0; i < 10; i++) flushSoon({ flush: () => {} });
      expect(scheduled).toHaveBeenCalledTimes(1);
    } finally {
      scheduled.mockRestore();
    }
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
