// What is measured: the list of scenarios, and which of them the quick profile holds. Data only.

import type { Compression, Message } from './messages.ts';

export const GROUPS = [
  'echo',
  'pipeline',
  'fragments',
  'broadcast',
  'prepared',
  'burst',
  'chat',
  'upload',
  'download',
  'deflate',
  'handshake',
  'churn',
  'idle',
] as const;
export type Group = (typeof GROUPS)[number];

/** One line of the report. */
export interface Scenario {
  /** What `--only` selects by, together with the group. */
  readonly name: string;
  readonly group: Group;
  readonly title: string;
  readonly connections: number;
  /** Requests in flight on each connection; in `handshake` and `churn` connections in the making. */
  readonly inFlight: number;
  readonly message: Message;
  /**
   * Messages in a request (`upload`), to it (`download`), to each connection (`burst`), or of
   * each connection (`churn`, `idle`). 1 elsewhere.
   */
  readonly repeat: number;
  readonly compression: Compression;
  /** What goes to many is serialised once. */
  readonly prepared: boolean;
  readonly quick: boolean;
}

type Optional = 'inFlight' | 'repeat' | 'compression' | 'prepared' | 'quick';

function define(scenario: Omit<Scenario, Optional> & Partial<Scenario>): Scenario {
  const prepared = scenario.group === 'prepared';
  return { inFlight: 1, repeat: 1, compression: 'none', prepared, quick: false, ...scenario };
}

const text = (size: number): Message => ({ type: 'text', size });
const binary = (size: number): Message => ({ type: 'binary', size });
const KIB = 1024;
const MIB = 1024 * 1024;

function formatSize({ size }: Message): [short: string, long: string] {
  if (size >= MIB) return [`${size / MIB}m`, `${size / MIB} MiB`];
  return size >= KIB ? [`${size / KIB}k`, `${size / KIB} KiB`] : [`${size}`, `${size} B`];
}

function echo(message: Message, connections: number, quick = false): Scenario {
  const [short, long] = formatSize(message);
  const title = `echo ${long} ${message.type}, ${connections} connections, 1 in flight`;
  return define({ name: `echo-${short}`, group: 'echo', title, connections, message, quick });
}

function pipeline(message: Message, inFlight: number, quick: boolean): Scenario {
  const [short, long] = formatSize(message);
  const title = `echo ${long} ${message.type}, 50 connections, ${inFlight} in flight`;
  const name = `pipeline-${short}`;
  return define({ name, group: 'pipeline', title, connections: 50, message, inFlight, quick });
}

function broadcast(group: 'broadcast' | 'prepared', connections: number, quick: boolean): Scenario {
  const how = group === 'broadcast' ? 'a loop over send' : 'serialised once';
  const title = `broadcast 128 B text to ${connections}, ${how}`;
  return define({
    name: `${group}-${connections}`,
    group,
    title,
    connections,
    message: text(128),
    quick,
  });
}

/** Everybody speaks as soon as everybody has heard everybody. */
function chat(name: string, prepared: boolean): Scenario {
  const how = prepared ? 'serialised once' : 'a loop over send';
  return define({
    name,
    group: 'chat',
    title: `a room of 32, each says 128 B of text and all hear it, ${how}`,
    connections: 32,
    message: text(128),
    prepared,
    quick: !prepared,
  });
}

function oneWay(group: 'upload' | 'download', message: Message, quick: boolean): Scenario {
  const [short, long] = formatSize(message);
  const [repeat, inFlight] = group === 'upload' ? [64, 4] : [16, 4];
  const how = group === 'upload' ? 'an answer for every 64' : 'asked for 16 at a time';
  const title = `${group} ${long} binary, 10 connections, ${how}`;
  const name = `${group}-${short}`;
  return define({ name, group, title, connections: 10, inFlight, message, repeat, quick });
}

function deflate(compression: 'takeover' | 'reset', quick: boolean): Scenario {
  const how = compression === 'takeover' ? 'context kept' : 'no context takeover';
  const title = `permessage-deflate echo, 350 B JSON, 50 connections, ${how}`;
  const message: Message = { type: 'json', size: 350 };
  const name = `deflate-${compression}`;
  return define({ name, group: 'deflate', title, connections: 50, message, compression, quick });
}

function idle(name: string, title: string, rest: Partial<Scenario>): Scenario {
  return define({
    name,
    group: 'idle',
    title,
    connections: 2000,
    message: text(64),
    repeat: 0,
    ...rest,
  });
}

/** All scenarios, in the order of the report. */
export const SCENARIOS: readonly Scenario[] = [
  echo(text(20), 50),
  echo(text(64), 50, true),
  echo(text(KIB), 50, true),
  echo(binary(16 * KIB), 50, true),
  echo(binary(64 * KIB), 50),
  echo(binary(MIB), 10, true),
  pipeline(text(64), 16, true),
  pipeline(text(KIB), 16, false),
  pipeline(binary(16 * KIB), 4, true),
  define({
    name: 'fragments',
    group: 'fragments',
    title: 'echo 4 MiB binary in fragments of 64 B, 1 connection, 1 in flight',
    connections: 1,
    message: { type: 'binary', size: 4 * MIB, fragment: 64 },
    quick: true,
  }),
  broadcast('broadcast', 100, false),
  broadcast('broadcast', 500, true),
  broadcast('broadcast', 1000, false),
  broadcast('prepared', 100, false),
  broadcast('prepared', 500, true),
  broadcast('prepared', 1000, false),
  define({
    name: 'burst',
    group: 'burst',
    title: '20 messages of 128 B text in one tick to each of 100',
    connections: 100,
    message: text(128),
    repeat: 20,
    quick: true,
  }),
  chat('chat', false),
  chat('chat-prepared', true),
  oneWay('upload', binary(64), false),
  oneWay('upload', binary(16 * KIB), false),
  oneWay('download', binary(64), false),
  oneWay('download', binary(16 * KIB), false),
  deflate('takeover', true),
  deflate('reset', false),
  define({
    name: 'prepared-deflate',
    group: 'prepared',
    title: 'broadcast 350 B JSON to 100, compressed, serialised once where that can be done',
    connections: 100,
    message: { type: 'json', size: 350 },
    compression: 'takeover',
  }),
  define({
    name: 'handshake',
    group: 'handshake',
    title: 'open and close, 20 connections at a time',
    connections: 0,
    inFlight: 20,
    message: text(0),
    repeat: 0,
    quick: true,
  }),
  define({
    name: 'churn',
    group: 'churn',
    title: 'churn: open, 5 messages of 64 B, close, with 500 connections standing',
    connections: 500,
    inFlight: 20,
    message: text(64),
    repeat: 5,
  }),
  idle('idle', 'memory per idle connection, up to 2\u202f000 fresh ones', { quick: true }),
  idle('idle-5k', 'memory per idle connection, up to 5\u202f000 fresh ones', {
    connections: 5000,
  }),
  idle('idle-used', 'memory per idle connection, each after 20 echoes of 1 KiB', {
    message: text(KIB),
    repeat: 20,
  }),
  idle(
    'idle-deflate',
    'memory per idle connection, each after 20 compressed echoes, context kept',
    {
      connections: 500,
      message: { type: 'json', size: 350 },
      repeat: 20,
      compression: 'takeover',
    },
  ),
];

export type Profile = 'quick' | 'full';

/** The scenarios of a profile; with `only` those of which a name or group is listed, of either. */
export function selectScenarios(profile: Profile, only: readonly string[] | null): Scenario[] {
  if (only === null) return SCENARIOS.filter(({ quick }) => quick || profile === 'full');
  return SCENARIOS.filter(({ name, group }) => only.includes(name) || only.includes(group));
}

/** Everything that `--only` may name. */
export function listSelectors(): string[] {
  return [...new Set([...GROUPS, ...SCENARIOS.map(({ name }) => name)])];
}
