// One scenario with several rivals: starts their servers, lets the load work on one after the other,
// turns what was seen into figures, and refuses figures whose counts do not agree.

import { type Cores, type Load, Server } from './children.ts';
import type { Outcome } from './jobs.ts';
import { readMemory } from './process-figures.ts';
import { findLaunch, type Rival } from './rivals.ts';
import type { Scenario } from './scenarios.ts';

/** What one round with one rival gave. Null: cannot be measured here or makes no sense there. */
export interface Round {
  readonly round: number;
  /** Server CPU per message, delivery or handshake, in µs. */
  readonly cpu: number | null;
  /** Messages, deliveries or handshakes per second. */
  readonly rate: number | null;
  /** Milliseconds from send to reply; for a broadcast until the last one has it. */
  readonly p50: number | null;
  readonly p99: number | null;
  /** Highest resident memory of the server so far, in KiB. */
  readonly peak: number | null;
  /** Resident memory per idle connection, in KiB. */
  readonly perConnection: number | null;
  /** The load's own CPU time as a share of the window. */
  readonly loadShare: number | null;
  /** Length of the window in seconds, and what was counted in it. */
  readonly seconds: number | null;
  readonly count: number | null;
  /** Over the whole job: sent and received by the load, received by the server. */
  readonly sent: number;
  readonly received: number;
  readonly counted: number | null;
}

/** All rounds of one rival in one scenario, or why there are not all. */
export interface Result {
  readonly rival: Rival;
  readonly version: string;
  readonly rounds: Round[];
  failure: string | null;
}

/** How to measure. Times in seconds. */
export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  readonly cores: Cores | null;
  readonly load: Load;
  /** Called before each round of each rival. */
  onProgress(rival: Rival, round: number): void;
}

// Each connection runs much code few times, so that compilers take longer to settle on it.
const FIRST_WARMUP = { echo: 0.4, broadcast: 0.4, handshake: 1.5, idle: 0 };
const WARMUP = 0.15;
/** Connections that are open before memory is read for the first time. */
const IDLE_BEFORE = 100;

function startServer(rival: Rival, scenario: Scenario, cores: Cores | null): Promise<Server> {
  const launch = findLaunch(rival);
  if (launch === null) throw new Error('not installed');
  const mode = scenario.group === 'broadcast' ? 'broadcast' : 'echo';
  return Server.start(launch, mode, cores?.server ?? null);
}

/** Throws unless load and server agree on how many messages there were. */
export function checkCounts(
  { group, connections }: Pick<Scenario, 'group' | 'connections'>,
  { sent, received }: Pick<Outcome, 'sent' | 'received'>,
  counted: number | null,
): void {
  const replies = group === 'broadcast' ? sent * connections : sent;
  if (received !== replies) throw new Error(`${received} replies came instead of ${replies}`);
  if (group === 'handshake' || counted === null || counted === sent) return;
  throw new Error(`the server counted ${counted} messages, the load sent ${sent}`);
}

function perform(load: Load, server: Server, scenario: Scenario, times: [number, number]) {
  const { connections, inFlight, message } = scenario;
  const [warmup, seconds] = times;
  const aim = { port: server.port, pid: server.pid, warmup, seconds, connections };
  switch (scenario.group) {
    case 'broadcast':
      return load.perform({ ...aim, kind: 'broadcast', message });
    case 'handshake':
      return load.perform({ ...aim, kind: 'handshake' });
    default:
      return load.perform({ ...aim, kind: 'echo', inFlight, message });
  }
}

async function measureTraffic(
  server: Server,
  scenario: Scenario,
  plan: Plan,
  round: number,
): Promise<Round> {
  const before = await server.count();
  const warmup = round === 0 ? FIRST_WARMUP[scenario.group] : WARMUP;
  const outcome = await perform(plan.load, server, scenario, [warmup, plan.seconds]);
  const after = await server.count();
  const counted = before === null || after === null ? null : after - before;
  checkCounts(scenario, outcome, counted);
  const { seen, sent, received, latency } = outcome;
  if (seen === null) throw new Error('nothing was measured');
  return {
    round,
    cpu: seen.serverCpu === null ? null : seen.serverCpu / seen.count,
    rate: seen.count / seen.seconds,
    p50: latency?.p50 ?? null,
    p99: latency?.p99 ?? null,
    peak: readMemory(server.pid)?.peak ?? null,
    perConnection: null,
    loadShare: seen.loadShare,
    seconds: seen.seconds,
    count: seen.count,
    sent,
    received,
    counted,
  };
}

async function readSettledMemory(server: Server): Promise<number | null> {
  // Twice: what the first run finds unreachable may hold more through finalizers.
  await server.collect();
  await new Promise((resolve) => setTimeout(resolve, 100));
  await server.collect();
  return readMemory(server.pid)?.rss ?? null;
}

async function measureIdle(
  server: Server,
  { connections }: Scenario,
  { load }: Plan,
  round: number,
): Promise<Round> {
  const { port } = server;
  await load.perform({ kind: 'open', port, connections: IDLE_BEFORE });
  const before = await readSettledMemory(server);
  const { sent, received } = await load.perform({ kind: 'open', port, connections });
  const after = await readSettledMemory(server);
  const peak = readMemory(server.pid)?.peak ?? null;
  const counted = await server.count();
  await load.perform({ kind: 'drop' });
  return {
    ...{ round, cpu: null, rate: null, p50: null, p99: null, peak, loadShare: null },
    ...{ seconds: null, count: null, sent, received },
    counted: counted === null ? null : counted - IDLE_BEFORE,
    perConnection: before === null || after === null ? null : (after - before) / connections,
  };
}

/** Servers that serve a whole scenario, and the results they lead to. */
async function startAll(scenario: Scenario, rivals: readonly Rival[], plan: Plan) {
  const servers = new Map<Rival, Server>();
  const results: Result[] = [];
  for (const rival of rivals) {
    try {
      const server = await startServer(rival, scenario, plan.cores);
      servers.set(rival, server);
      results.push({ rival, version: server.version, rounds: [], failure: null });
    } catch (error) {
      results.push({ rival, version: '', rounds: [], failure: (error as Error).message });
    }
  }
  return { servers, results };
}

async function measureRound(
  result: Result,
  servers: Map<Rival, Server>,
  scenario: Scenario,
  plan: Plan,
  round: number,
): Promise<Round> {
  const server = servers.get(result.rival) as Server;
  if (scenario.group !== 'idle') return measureTraffic(server, scenario, plan, round);
  // Memory once taken is not given back, so each round needs a process that is new.
  const fresh = round === 0 ? server : await startServer(result.rival, scenario, plan.cores);
  try {
    return await measureIdle(fresh, scenario, plan, round);
  } finally {
    await fresh.end();
  }
}

/** Measures all rivals in one scenario; every other round goes through them backwards. */
export async function measure(
  scenario: Scenario,
  rivals: readonly Rival[],
  plan: Plan,
): Promise<Result[]> {
  const { servers, results } = await startAll(scenario, rivals, plan);
  try {
    for (let round = 0; round < plan.rounds; round++) {
      const order = round % 2 === 0 ? results : [...results].reverse();
      for (const result of order) {
        if (result.failure !== null) continue;
        plan.onProgress(result.rival, round);
        try {
          result.rounds.push(await measureRound(result, servers, scenario, plan, round));
        } catch (error) {
          result.failure = (error as Error).message;
        }
      }
    }
  } finally {
    for (const server of servers.values()) await server.end();
  }
  return results;
}
