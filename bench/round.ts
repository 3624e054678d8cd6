// One round of one scenario with one server: has the load do its job, turns what was seen into figures,
// and refuses figures whose counts do not agree.

import type { Load, Server } from './children.ts';
import type { Aim, Job, Outcome } from './jobs/job.ts';
import { readMemory } from './process-figures.ts';
import type { Scenario } from './scenarios.ts';
import type { Seen } from './window.ts';

/** What one round gave. Null: cannot be measured here or makes no sense there. */
export interface Round {
  readonly round: number;
  /** Server CPU per message, delivery or connection, in µs. */
  readonly cpu: number | null;
  /** Messages, deliveries or connections per second. */
  readonly rate: number | null;
  /** Milliseconds from request to last reply, at each of SHARES. */
  readonly latency: readonly (number | null)[] | null;
  /** Highest resident memory of the server so far, in KiB. */
  readonly peak: number | null;
  /** Resident memory per idle connection, in KiB. */
  readonly perConnection: number | null;
  /** The part of it that is JavaScript's objects; in old results it is absent. */
  readonly heapPerConnection?: number | null;
  /** Growth of resident memory in KiB by number of connections. */
  readonly growth: readonly { connections: number; kib: number }[] | null;
  /** Time in garbage collections as a share of the time that the whole job took. */
  readonly gcShare: number | null;
  /** The load's own CPU time as a share of the window. */
  readonly loadShare: number | null;
  /** The server's CPU time as a share of the window; above 1 with helper threads on other cores. */
  readonly serverShare: number | null;
  /** The part of the server's CPU time that was spent in the kernel; in old results it is absent. */
  readonly systemShare?: number | null;
  /** The part that helper threads used: garbage collector, compiler, thread pool. */
  readonly helperShare?: number | null;
  /** Pages of memory that the server had to be given for each message. */
  readonly faults?: number | null;
  /** Length of the window in seconds, and what was counted in it. */
  readonly seconds: number | null;
  readonly count: number | null;
  /** Over the whole job: sent and received by the load, received by the server. */
  readonly sent: number;
  readonly received: number;
  readonly counted: number | null;
}

// Each connection runs much code few times, so that compilers take longer to settle on it.
const FIRST_WARMUP = { handshake: 1.2, churn: 1.2 } as const;
const WARMUP = 0.1;
/** Connections that are open before memory is read for the first time. */
const IDLE_BEFORE = 100;
/** Memory is read after each of these shares of the connections has been opened. */
const IDLE_STEPS = [0.25, 0.5, 0.75, 1] as const;
const SETTLING_MS = 60;

/** What the server has to do, for servers/control.mjs. */
export function createService(scenario: Scenario): string {
  const { group, message, repeat, compression, prepared } = scenario;
  const fanOut = prepared || group === 'broadcast' || group === 'burst' || group === 'chat';
  const other = fanOut ? 'fan-out' : 'echo';
  const answer = group === 'upload' ? 'ack' : group === 'download' ? 'stream' : other;
  return JSON.stringify({ answer, prepared, repeat, size: message.size, compression });
}

/** The load's side of a scenario that has a window. */
export function createJob(scenario: Scenario, aim: Aim): Job {
  const { group, connections, inFlight, message, repeat, compression } = scenario;
  const exchange = { ...aim, kind: 'exchange', connections, inFlight, compression } as const;
  switch (group) {
    case 'broadcast':
    case 'prepared':
    case 'burst':
      return { ...aim, kind: 'fan-out', connections, message, repeat, compression };
    case 'handshake':
    case 'churn': {
      const [standing, atOnce, messages] = [connections, inFlight, repeat];
      return { ...aim, kind: 'lives', standing, atOnce, messages, message };
    }
    case 'chat':
      // A request is answered when all that was said in its round has come.
      return {
        ...exchange,
        message,
        batch: 1,
        replies: connections,
        replySize: message.size,
        answer: 'echo',
      };
    case 'upload':
      return { ...exchange, message, batch: repeat, replies: 1, replySize: 1, answer: 'ack' };
    case 'download': {
      const request = { type: 'binary', size: 1 } as const;
      const reply = { replies: repeat, replySize: message.size, answer: 'stream' } as const;
      return { ...exchange, message: request, batch: 1, ...reply };
    }
    default:
      return {
        ...exchange,
        message,
        batch: 1,
        replies: 1,
        replySize: message.size,
        answer: 'echo',
      };
  }
}

/** Throws unless load and server agree on how many messages there were. */
export function checkCounts(
  { sent, received, expected }: Pick<Outcome, 'sent' | 'received' | 'expected'>,
  counted: number | null,
): void {
  if (received !== expected) throw new Error(`${received} replies came instead of ${expected}`);
  if (counted === null || counted === sent) return;
  throw new Error(`the server counted ${counted} messages, the load sent ${sent}`);
}

/** A window that was measured, and what was counted around it. */
export interface Measured {
  readonly outcome: Outcome;
  readonly seen: Seen;
  /** Messages that the server received in the whole job. */
  readonly counted: number | null;
  /** Time in garbage collections as a share of the whole job's time. */
  readonly gcShare: number | null;
}

/** Has the load do its job; refuses what does not add up. `seconds` is the window's length. */
export async function runTraffic(
  server: Server,
  scenario: Scenario,
  load: Load,
  round: number,
  seconds: number,
): Promise<Measured> {
  const { group } = scenario;
  const patient = group === 'handshake' || group === 'churn' ? FIRST_WARMUP[group] : 0.35;
  const warmup = round === 0 ? patient : WARMUP;
  const start = performance.now();
  const before = await server.readStats();
  const aim = { port: server.port, pid: server.pid, warmup, seconds };
  const outcome = await load.perform(createJob(scenario, aim));
  const after = await server.readStats();
  const elapsed = performance.now() - start;
  const counted = subtract(after.messages, before.messages);
  checkCounts(outcome, counted);
  const { seen } = outcome;
  if (seen === null) throw new Error('nothing was measured');
  const gcMs = subtract(after.gcMs, before.gcMs);
  return { outcome, seen, counted, gcShare: gcMs === null ? null : gcMs / elapsed };
}

function shareOf(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole <= 0 ? null : Math.min(1, part / whole);
}

/** A round with a window. `seconds` is its length. */
export async function measureTraffic(
  server: Server,
  scenario: Scenario,
  load: Load,
  round: number,
  seconds: number,
): Promise<Round> {
  const { outcome, seen, counted, gcShare } = await runTraffic(
    server,
    scenario,
    load,
    round,
    seconds,
  );
  const { serverCpu, mainCpu, systemCpu, faults, count } = seen;
  const { sent, received, latency } = outcome;
  return {
    round,
    cpu: serverCpu === null ? null : serverCpu / count,
    rate: count / seen.seconds,
    latency,
    peak: readMemory(server.pid)?.peak ?? null,
    perConnection: null,
    growth: null,
    gcShare,
    loadShare: seen.loadShare,
    serverShare: serverCpu === null ? null : serverCpu / 1e6 / seen.seconds,
    systemShare: shareOf(systemCpu, serverCpu),
    helperShare: shareOf(subtract(serverCpu, mainCpu), serverCpu),
    faults: faults === null ? null : faults / count,
    ...{ seconds: seen.seconds, count, sent, received, counted },
  };
}

function subtract(after: number | null, before: number | null): number | null {
  return after === null || before === null ? null : after - before;
}

async function readSettledMemory(server: Server): Promise<number | null> {
  // Twice: what the first run finds unreachable may hold more through finalizers.
  await server.collect();
  await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
  await server.collect();
  return readMemory(server.pid)?.rss ?? null;
}

/** A round without traffic: connections are opened step by step, and memory is read after each. */
export async function measureIdle(
  server: Server,
  scenario: Scenario,
  load: Load,
  round: number,
): Promise<Round> {
  const { message, repeat: messages, compression } = scenario;
  const job = { kind: 'hold', port: server.port, message, messages, compression } as const;
  await load.perform({ ...job, connections: IDLE_BEFORE });
  const before = await readSettledMemory(server);
  const { heap: heapBefore } = await server.readStats();
  const growth: { connections: number; kib: number }[] = [];
  let sent = IDLE_BEFORE * messages;
  let open = 0;
  for (const step of IDLE_STEPS) {
    const connections = Math.round(step * scenario.connections) - open;
    const outcome = await load.perform({ ...job, connections });
    open += connections;
    sent += outcome.sent;
    const rss = await readSettledMemory(server);
    if (before !== null && rss !== null) growth.push({ connections: open, kib: rss - before });
  }
  const peak = readMemory(server.pid)?.peak ?? null;
  const { messages: counted, heap } = await server.readStats();
  const heapGrowth = subtract(heap, heapBefore);
  await load.perform({ kind: 'drop' });
  checkCounts({ sent, received: sent, expected: sent }, counted);
  const total = growth.at(-1)?.kib ?? null;
  return {
    ...{ round, cpu: null, rate: null, latency: null, peak, gcShare: null, loadShare: null },
    ...{ serverShare: null, seconds: null, count: null, sent, received: sent, counted },
    growth: growth.length === 0 ? null : growth,
    perConnection: total === null ? null : total / open,
    heapPerConnection: heapGrowth === null ? null : heapGrowth / 1024 / open,
  };
}
