// The whole way once, very short: build, start our server, load it, and compare what both counted.

import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endChildren, Load } from '../../bench/children.ts';
import { findFloors } from '../../bench/floors.ts';
import { SHARES } from '../../bench/jobs/job.ts';
import { measure } from '../../bench/measure.ts';
import { profileScenario } from '../../bench/profile/command.ts';
import type { Part } from '../../bench/profile/groups.ts';
import { build, createContestant, FLOORS } from '../../bench/rivals.ts';
import type { Round } from '../../bench/round.ts';
import { type Scenario, selectScenarios } from '../../bench/scenarios.ts';

let load: Load;

/** A scenario as it is in the list, with fewer connections. */
async function run(name: string, change: Partial<Scenario> = {}): Promise<Round> {
  const scenario = { ...selectScenarios('full', [name])[0], ...change };
  const plan = { rounds: 1, seconds: 0.3, cores: null, load, onProgress: () => {} };
  const contestants = [createContestant('handfast')];
  const [{ rounds, failure, declined, version }] = await measure(scenario, contestants, plan);
  expect(failure).toBeNull();
  expect(declined).toBeNull();
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
    const round = await run('pipeline-64', { connections: 4, inFlight: 4 });
    expect(round.sent).toBe(round.received);
    expect(round.counted).toBe(round.sent);
    expect(round.count).toBeGreaterThan(100);
    expect(round.count).toBeLessThan(round.sent);
    expect(round.seconds).toBeGreaterThanOrEqual(0.29);
    expect(round.rate).toBeCloseTo((round.count as number) / (round.seconds as number), 3);
    expect(round.latency).toBeNull();
    expect(round.gcShare).not.toBeNull();
  });

  it('measures latency with one message in flight, and fragments', async () => {
    const message = { type: 'binary', size: 1000, fragment: 64 } as const;
    const round = await run('echo-64', { connections: 2, message });
    expect(round.counted).toBe(round.sent);
    expect(round.latency).toHaveLength(SHARES.length);
    const latency = round.latency?.filter((value) => value !== null) ?? [];
    expect(latency.length).toBeGreaterThan(3);
    expect(latency[0]).toBeGreaterThan(0);
    expect(latency).toEqual([...latency].sort((a, b) => a - b));
  });

  it('delivers every broadcast to every connection, several times in a burst', async () => {
    const once = await run('broadcast-100', { connections: 20 });
    expect(once.received).toBe(once.sent * 20);
    expect(once.counted).toBe(once.sent);
    const often = await run('burst', { connections: 10 });
    expect(often.received).toBe(often.sent * 200);
    const compressed = await run('prepared-deflate', { connections: 10 });
    expect(compressed.received).toBe(compressed.sent * 10);
  });

  it.each(['chat', 'chat-prepared'])('has everybody hear everybody: %s', async (name) => {
    const round = await run(name, { connections: 5 });
    expect(round.received).toBe(round.sent * 5);
    expect(round.counted).toBe(round.sent);
    expect(round.latency?.[2]).toBeGreaterThan(0);
  });

  it('has an upload answered once for each batch, and asks for a download in batches', async () => {
    const upload = await run('upload-64', { connections: 2 });
    expect(upload.received).toBe(upload.sent / 64);
    expect(upload.counted).toBe(upload.sent);
    const download = await run('download-64', { connections: 2 });
    expect(download.received).toBe(download.sent * 16);
    expect(download.count).toBeGreaterThan(download.sent);
  });

  it.each(['deflate-takeover', 'deflate-reset'])('compresses both ways: %s', async (name) => {
    const round = await run(name, { connections: 3 });
    // More than go round once.
    expect(round.sent).toBeGreaterThan(360);
    expect(round.counted).toBe(round.sent);
  });

  it('opens and closes, with and without others that stay', async () => {
    const bare = await run('handshake', { inFlight: 5 });
    expect(bare.count).toBeGreaterThan(10);
    expect(bare.counted).toBe(0);
    const churn = await run('churn', { connections: 20, inFlight: 5 });
    expect(churn.count).toBeGreaterThan(10);
    expect(churn.counted).toBe(churn.received);
    expect(churn.received % 5).toBe(0);
  });

  it('holds idle connections, fresh or used', async () => {
    const fresh = await run('idle', { connections: 40 });
    expect([fresh.sent, fresh.counted]).toEqual([0, 0]);
    const used = await run('idle-used', { connections: 40, repeat: 2 });
    // A hundred are open before the first reading.
    expect([used.sent, used.counted]).toEqual([280, 280]);
    if (!existsSync('/proc/self/status')) return;
    expect(used.peak).toBeGreaterThan(1000);
    expect(used.growth?.map(({ connections }) => connections)).toEqual([10, 20, 30, 40]);
  });
});

describe('what goes wrong', () => {
  it('is told, and the next run is not touched by it', async () => {
    const message = { type: 'text', size: 1 } as const;
    const job = { kind: 'hold', port: 1, connections: 1, messages: 0, message } as const;
    await expect(load.perform({ ...job, compression: 'none' })).rejects.toThrow('ECONNREFUSED');
    const round = await run('echo-64', { connections: 1 });
    expect(round.counted).toBe(round.sent);
  });

  it('is no failure when a server does not offer what is asked for', async () => {
    const [scenario] = selectScenarios('full', ['deflate-reset']);
    const plan = { rounds: 1, seconds: 0.1, cores: null, load, onProgress: () => {} };
    const [result] = await measure(scenario, [createContestant('net')], plan);
    expect(result).toMatchObject({ declined: 'it does not compress', failure: null, rounds: [] });
  });
});

describe('the floors', () => {
  const plan = (seconds: number) => ({
    ...{ rounds: 1, seconds, cores: null, load, onProgress: () => {} },
  });

  it.each(FLOORS)(
    '%s answers as a server does, wherever no frame has to be read',
    async (floor) => {
      for (const name of [
        'echo-64',
        'echo-1m',
        'burst',
        'chat',
        'upload-64',
        'download-16k',
        'handshake',
      ]) {
        const [scenario] = selectScenarios('full', [name]);
        const change = { connections: Math.min(scenario.connections, 3), inFlight: 2 };
        const contestants = [createContestant(floor)];
        const [result] = await measure({ ...scenario, ...change }, contestants, plan(0.1));
        expect(result).toMatchObject({ failure: null, declined: null });
        const [{ count, sent, received, counted }] = result.rounds;
        expect(count).toBeGreaterThan(0);
        // Every reply that was due has come, or the round would have been refused.
        expect(counted).toBeNull();
        if (name === 'upload-64') expect(received).toBe(sent / 64);
        if (name === 'download-16k') expect(received).toBe(sent * 16);
      }
    },
  );

  it('are profiled beside us, and all of the time has a place', async () => {
    const [scenario] = selectScenarios('full', ['echo-64']);
    const contestants = [createContestant('handfast'), createContestant('net')];
    const { report, profiled } = await profileScenario(scenario, contestants, plan(0.8));
    expect(profiled.absent).toEqual([]);
    const [own, bare] = profiled.profiles;
    const shareOf = ({ split }: typeof own, name: Part) =>
      split.parts.find(({ part }) => part === name)?.share ?? 0;
    for (const { split, cost } of [own, bare]) {
      expect(cost).toBeGreaterThan(0);
      expect(split.samples).toBeGreaterThan(100);
      expect(split.parts.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6);
    }
    expect(shareOf(own, 'write')).toBeGreaterThan(0.05);
    expect(shareOf(own, 'library')).toBeGreaterThan(0);
    expect(shareOf(bare, 'library')).toBe(0);
    expect(findFloors([report]).map(({ floor }) => floor)).toEqual(['net']);
    // So many that what else a heap gains or loses meanwhile, some 200 KiB, is little beside them.
    const idle = { ...selectScenarios('full', ['idle'])[0], connections: 800 };
    const told = await profileScenario(idle, [createContestant('handfast')], plan(0.1));
    expect(told.profiled.profiles).toEqual([]);
    expect(told.profiled.absent).toEqual([]);
    if (!existsSync('/proc/self/status')) return;
    expect(told.profiled.memory).toMatchObject([{ title: 'handfast' }]);
    expect(told.profiled.memory[0].heap).toBeGreaterThan(0.5);
  });
});
