// What is measured: the list of scenarios in both profiles. Data only.

import type { Message } from './jobs.ts';

/** One line of the report. */
export interface Scenario {
  /** What `--only` selects by, together with the group. */
  readonly name: string;
  readonly group: 'echo' | 'broadcast' | 'handshake' | 'idle';
  readonly title: string;
  readonly connections: number;
  /** Messages in flight on each connection. */
  readonly inFlight: number;
  readonly message: Message;
}

export type Profile = 'quick' | 'full';

function createEcho(
  name: string,
  title: string,
  load: readonly [connections: number, inFlight: number],
  message: Message,
): Scenario {
  const [connections, inFlight] = load;
  return { name, group: 'echo', title, connections, inFlight, message };
}

function createBroadcast(connections: number): Scenario {
  return {
    name: `broadcast-${connections}`,
    group: 'broadcast',
    title: `broadcast 128 B text to ${connections}`,
    connections,
    inFlight: 1,
    message: { type: 'text', size: 128 },
  };
}

function createIdle(connections: number): Scenario {
  return {
    name: `idle-${connections}`,
    group: 'idle',
    title: `memory per idle connection, ${connections} of them`,
    connections,
    inFlight: 0,
    message: { type: 'text', size: 64 },
  };
}

const text = (size: number): Message => ({ type: 'text', size });
const binary = (size: number, fragment = size): Message => ({ type: 'binary', size, fragment });
const MIB = 1024 * 1024;

const quick: readonly Scenario[] = [
  createEcho('echo-64', 'echo 64 B text, 50 connections, 1 in flight', [50, 1], text(64)),
  createEcho('echo-64x16', 'echo 64 B text, 50 connections, 16 in flight', [50, 16], text(64)),
  createEcho('echo-1k', 'echo 1 KiB text, 50 connections, 16 in flight', [50, 16], text(1024)),
  createEcho('echo-16k', 'echo 16 KiB binary, 50 connections, 4 in flight', [50, 4], binary(16384)),
  createEcho('echo-1m', 'echo 1 MiB binary, 10 connections, 1 in flight', [10, 1], binary(MIB)),
  createEcho(
    'echo-fragments',
    'echo 4 MiB binary in fragments of 64 B, 1 connection, 1 in flight',
    [1, 1],
    binary(4 * MIB, 64),
  ),
  createBroadcast(500),
  {
    name: 'handshake',
    group: 'handshake',
    title: 'open and close, 20 connections at a time',
    connections: 20,
    inFlight: 0,
    message: text(0),
  },
  createIdle(2000),
];

const more: readonly Scenario[] = [
  createEcho('echo-64-one', 'echo 64 B text, 1 connection, 1 in flight', [1, 1], text(64)),
  createEcho('echo-64-1000', 'echo 64 B text, 1000 connections, 1 in flight', [1000, 1], text(64)),
  createEcho('echo-1k-binary', 'echo 1 KiB binary, 50 connections, 16 in flight', [50, 16], {
    type: 'binary',
    size: 1024,
  }),
  createBroadcast(2000),
  createIdle(5000),
];

/** The scenarios of a profile; `only` keeps those of which a name or group is listed. */
export function selectScenarios(profile: Profile, only: readonly string[] | null): Scenario[] {
  const all = profile === 'full' ? [...quick, ...more] : [...quick];
  if (only === null) return all;
  return all.filter(({ name, group }) => only.includes(name) || only.includes(group));
}

/** Everything that `--only` may name. */
export function listSelectors(): string[] {
  const all = [...quick, ...more];
  return [...new Set([...all.map(({ group }) => group), ...all.map(({ name }) => name)])];
}
