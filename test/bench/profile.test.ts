// A profile made by hand, divided up: whose the time is, what was only waiting, and how it is told.

import { describe, expect, it } from 'vitest';
import { formatProfileTables } from '../../bench/html/profiles.ts';
import { type CallFrame, type CpuProfile, countStacks } from '../../bench/profile/cpu-profile.ts';
import { placeStack } from '../../bench/profile/groups.ts';
import { findMemory } from '../../bench/profile/memory.ts';
import { findMainCost, formatProfiles, type Profile } from '../../bench/profile/report.ts';
import { type Stretch, splitProfile } from '../../bench/profile/split.ts';
import { selectScenarios } from '../../bench/scenarios.ts';
import { createResult, createRound } from './fixtures.ts';

const native = (functionName: string): CallFrame => ({ functionName, url: '' });
const from = (url: string, functionName = 'f'): CallFrame => ({ functionName, url });
const root = native('(root)');
const own = from('file:///x/bench/.dist/connection/connection.js');
const socket = from('node:internal/stream_base_commons');
const server = from('file:///x/bench/servers/emitter.mjs');

describe('placeStack', () => {
  const place = (...stack: CallFrame[]): string => {
    const { part, file } = placeStack([...stack, root]);
    return file === '' ? part : `${part} ${file}`;
  };

  it('tells calls into the system from what calls them', () => {
    expect(place(native('writeBuffer'), socket, own)).toBe('write');
    expect(place(native('writev'), socket)).toBe('write');
    expect(place(native('writeLatin1String'), socket)).toBe('write');
    expect(place(native('readStart'), from('node:net'))).toBe('calls');
    expect(place(native('(garbage collector)'), own)).toBe('gc');
    for (const name of ['(program)', '(idle)', '(root)']) expect(place(native(name))).toBe('loop');
  });

  it('tells files of ours, of ws, of Node and of the application', () => {
    expect(place(own)).toBe('library src/connection/connection.ts');
    expect(place(from('file:///x/bench/node_modules/ws/lib/sender.js'))).toBe(
      'library ws/lib/sender.js',
    );
    expect(place(from('D:\\x\\bench\\.dist\\mask\\mask.js'))).toBe('library src/mask/mask.ts');
    expect(place(from('/tmp/handfast-bench-1/dist/index.js'))).toBe('library index.js');
    expect(place(server)).toBe('application bench/servers/emitter.mjs');
    expect(place(from('node:net'))).toBe('node node:net');
    expect(place(socket)).toBe('node node:net');
    expect(place(from('node:internal/streams/writable'))).toBe('node node:stream');
    expect(place(from('node:_http_server'))).toBe('node node:http');
    expect(place(from('node:internal/process/task_queues'))).toBe('node node: turns');
    expect(place(from('node:internal/util'))).toBe('node node: others');
  });

  it('gives other native code and WebAssembly to whoever called it', () => {
    expect(place(native('hash'), from('node:internal/crypto/hash'), own)).toBe('node node:crypto');
    expect(place(native('unmask'), from('/y/node_modules/ws/lib/receiver.js'))).toContain(
      'receiver',
    );
    expect(place(from('wasm://wasm/4a2b', 'wasm-function[0]'), own)).toContain('src/connection');
    expect(place(native('anonymous'))).toBe('loop');
  });
});

/** Samples 100 µs apart from 1000 on, of stacks that are given from the innermost function out. */
function createProfile(stacks: readonly CallFrame[][]): CpuProfile {
  interface Node {
    id: number;
    callFrame: CallFrame;
    children: number[];
  }
  const nodes: Node[] = [{ id: 1, callFrame: root, children: [] }];
  const samples = stacks.map((stack) => {
    let at = nodes[0];
    for (const callFrame of stack.toReversed()) {
      const known = nodes.find(({ id, callFrame: { functionName, url } }) => {
        const isSame = functionName === callFrame.functionName && url === callFrame.url;
        return isSame && at.children.includes(id);
      });
      const next = known ?? { id: nodes.length + 1, callFrame, children: [] };
      if (known === undefined) {
        nodes.push(next);
        at.children.push(next.id);
      }
      at = next;
    }
    return at.id;
  });
  return { nodes, startTime: 900, samples, timeDeltas: samples.map(() => 100) };
}

const write = [native('writeBuffer'), socket, own];
const idle = [native('(idle)')];

describe('countStacks', () => {
  it('counts what lies in the stretch', () => {
    const profile = createProfile([idle, write, [own], write, idle, idle]);
    const { met, samples } = countStacks(profile, 1050, 1350);
    expect(samples).toBe(3);
    const names = met.map(({ stack, count }) => `${stack[0].functionName} ${count}`);
    expect(names).toEqual(['writeBuffer 2', 'f 1']);
    expect(met[0].stack).toEqual([...write, root]);
  });

  it('has nothing where nothing was sampled', () => {
    expect(countStacks(createProfile([]), 0, 1e9)).toEqual({ met: [], samples: 0 });
    expect(countStacks(createProfile([write]), 5000, 6000)).toEqual({ met: [], samples: 0 });
  });
});

describe('splitProfile', () => {
  // Four samples of writing, one of ours, one of garbage, four in the loop: 1000 µs.
  const stacks = [write, write, write, write, [own], [native('(garbage collector)')]];
  const profile = createProfile([...stacks, idle, idle, idle, idle]);
  const unknown = { from: 1000, to: 2000, ran: null, queued: null, busy: null };
  const shares = (stretch: Partial<Stretch>): Record<string, number> => {
    const { parts } = splitProfile(profile, { ...unknown, ...stretch });
    return Object.fromEntries(parts.map(({ part, share }) => [part, share]));
  };

  it('takes off the loop what the thread has waited for events', () => {
    expect(shares({})).toMatchObject({ write: 0.4, loop: 0.4 });
    // It ran for 800 of 1000 µs, which are eight samples.
    const half = { write: 0.5, library: 0.125, gc: 0.125, loop: 0.25 };
    expect(shares({ ran: 800 })).toMatchObject(half);
    // The same when it had to wait for its core for as long again: no samples come of that.
    expect(shares({ ran: 400, queued: 500 })).toMatchObject(half);
    expect(shares({ ran: 1200 }).loop).toBeCloseTo(0.4, 9);
  });

  it('does not take the price of sampling for work', () => {
    // Each of ten samples cost 20 µs: 80 µs of each are left, the 200 not run are 2.6 samples.
    const { loop, write: writing } = shares({ ran: 800, busy: 600 });
    expect(loop).toBeCloseTo(1.5 / 7.5, 9);
    expect(writing).toBeCloseTo(4 / 7.5, 9);
    expect(shares({ ran: 800, busy: 900 }).loop).toBeCloseTo(0.25, 9);
  });

  it('never takes off more than the loop has', () => {
    expect(shares({ ran: 100 })).toMatchObject({ loop: 0, write: 4 / 6 });
    expect(shares({ ran: 10, queued: 2000 }).loop).toBeCloseTo(0.4, 9);
  });

  it('names files, the longest first', () => {
    const more = createProfile([[own], [server], [server], [from('node:net')], idle]);
    const stretch = { from: 1000, to: 1500, ran: 400, queued: 0, busy: 400 };
    const { files, samples } = splitProfile(more, stretch);
    expect(samples).toBe(5);
    expect(files.map(({ file, share }) => [file, share])).toEqual([
      ['bench/servers/emitter.mjs', 0.5],
      ['src/connection/connection.ts', 0.25],
      ['node:net', 0.25],
    ]);
    const { parts } = splitProfile(more, { ...stretch, from: 5000, to: 6000 });
    expect(parts.every(({ share }) => share === 0)).toBe(true);
  });
});

describe('what is told of a profile', () => {
  const [scenario] = selectScenarios('full', ['echo-64']);
  const stretch = { from: 1000, to: 1600, ran: 400, queued: 0, busy: 400 };
  const split = splitProfile(createProfile([write, write, [own], write, idle, idle]), stretch);
  const profile: Profile = {
    ...{ rival: 'handfast', title: 'handfast', cost: 5, profiledCost: 6, faults: 0.25, split },
    ...{ systemShare: 0.6, helperShare: 0.2 },
  };

  it('is time per message: shares of what the main thread takes of the cost', () => {
    expect(findMainCost(profile)).toBe(4);
    const text = formatProfiles({
      scenario,
      profiles: [profile],
      memory: [],
      absent: ['ws, left out: no'],
    });
    expect(text).toMatch(/all of it +5\.00 +100\s%/);
    expect(text).toMatch(/writing: \S+ writev +3\.00 +60\s%/);
    expect(text).toMatch(/the library +1\.00 +20\s%/);
    expect(text).toMatch(/other threads +1\.00 +20\s%/);
    expect(text).toMatch(/in the kernel, of all +3\.00 +60\s%/);
    expect(text).toMatch(/src\/connection\/connection\.ts +1\.00 +20\s%/);
    expect(text).toMatch(/6 samples, at 120\s% of the cost, 0\.250 page faults/);
    expect(text).toMatch(/\n {2}ws, left out: no\n$/);
  });

  it('does not claim what was not measured', () => {
    const unknown = { ...profile, systemShare: null, helperShare: null, profiledCost: null };
    const text = formatProfiles({
      scenario,
      profiles: [{ ...unknown, faults: null }],
      memory: [],
      absent: [],
    });
    expect(text).toMatch(/in the kernel, of all +–\n/);
    expect(text).toMatch(/handfast: 6 samples\n/);
    expect(formatProfiles({ scenario, profiles: [], memory: [], absent: [] })).toMatch(
      /1 in flight\n$/,
    );
  });

  it('is on the page as well', () => {
    const page = formatProfileTables([{ scenario, profiles: [profile], memory: [], absent: [] }]);
    expect(page).toMatch(/<th scope="row">the library<\/th><td>1\.00<\/td><td>20\s%<\/td>/);
    expect(page).toMatch(/src\/connection\/connection\.ts<\/th><td>1\.00/);
    expect(formatProfileTables([{ scenario, profiles: [], memory: [], absent: ['x'] }])).toBe('');
  });

  it('is memory where connections are idle', () => {
    const [idle] = selectScenarios('full', ['idle']);
    const rounds = [createRound({ perConnection: 6, heapPerConnection: 1.5 })];
    const results = [
      createResult('handfast', [], { rounds }),
      createResult('bun', [], { rounds: [createRound({ perConnection: 2 })] }),
      createResult('ws', [], { failure: 'broke' }),
    ];
    const memory = findMemory(results);
    expect(memory.map(({ title }) => title)).toEqual(['handfast', 'bun']);
    const report = { scenario: idle, profiles: [], memory, absent: ['ws, left out: broke'] };
    const text = formatProfiles(report);
    expect(text).toMatch(/^\nWhere the memory goes: /);
    expect(text).toMatch(/objects +1\.50 +25\s% +–/);
    expect(text).toMatch(/pages +4\.50 +75\s% +–/);
    expect(formatProfileTables([report])).toMatch(/objects<\/th><td>1\.50<\/td><td>25\s%<\/td>/);
  });
});
