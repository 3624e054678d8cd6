// The whole way once, very short: build, start our server, load it, and compare what both counted.

import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endChildren, Load } from '../../bench/children.ts';
import { measure, type Round } from '../../bench/measure.ts';
import { build } from '../../bench/rivals.ts';
import type { Scenario } from '../../bench/scenarios.ts';

const base = { name: 'x', title: 'x', message: { type: 'text', size: 64 } } as const;
let load: Load;

async function run(scenario: Scenario): Promise<Round> {
  const plan = { rounds: 1, seconds: 0.3, cores: null, load, onProgress: () => {} };
  const [{ rounds, failure, version }] = await measure(scenario, ['handfast'], plan);
  expect(failure).toBeNull();
  expect(version).toContain('handfast');
  expect(rounds).toHaveLength(1);
  return rounds[0];
}

beforeAll(async () => {
  expect(await build()).toBe(0);
  load = new Load(null);
}, 60_000);

afterAll(async () => {
  await load.end();
  endChildren();
});

describe('a run with handfast alone', () => {
  it('counts as many messages in the load as in the server', async () => {
    const round = await run({ ...base, group: 'echo', connections: 4, inFlight: 4 });
    expect(round.sent).toBe(round.received);
    expect(round.counted).toBe(round.sent);
    expect(round.count).toBeGreaterThan(100);
    expect(round.count).toBeLessThan(round.sent);
    expect(round.seconds).toBeGreaterThanOrEqual(0.29);
    expect(round.rate).toBeCloseTo((round.count as number) / (round.seconds as number), 3);
    expect(round.p50).toBeNull();
  });

  it('measures latency with one message in flight, and fragments', async () => {
    const message = { type: 'binary', size: 1000, fragment: 64 } as const;
    const round = await run({ ...base, message, group: 'echo', connections: 2, inFlight: 1 });
    expect(round.counted).toBe(round.sent);
    expect(round.p50).toBeGreaterThan(0);
    expect(round.p99).toBeGreaterThanOrEqual(round.p50 as number);
  });

  it('delivers every broadcast to every connection', async () => {
    const round = await run({ ...base, group: 'broadcast', connections: 20, inFlight: 1 });
    expect(round.received).toBe(round.sent * 20);
    expect(round.counted).toBe(round.sent);
  });

  it('opens and closes', async () => {
    const message = { type: 'text', size: 0 } as const;
    const round = await run({ ...base, message, group: 'handshake', connections: 5, inFlight: 0 });
    expect(round.received).toBe(round.sent);
    expect(round.count).toBeGreaterThan(10);
  });

  it('holds idle connections, each of which was answered once', async () => {
    const round = await run({ ...base, group: 'idle', connections: 50, inFlight: 0 });
    expect([round.sent, round.received, round.counted]).toEqual([50, 50, 50]);
    if (existsSync('/proc/self/status')) expect(round.peak).toBeGreaterThan(1000);
  });
});

describe('what goes wrong', () => {
  it('is told, and the next run is not touched by it', async () => {
    const job = { kind: 'open', port: 1, connections: 1 } as const;
    await expect(load.perform(job)).rejects.toThrow('ECONNREFUSED');
    const round = await run({ ...base, group: 'echo', connections: 1, inFlight: 1 });
    expect(round.counted).toBe(round.sent);
  });
});
