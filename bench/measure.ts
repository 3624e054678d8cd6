// One scenario with several contestants: starts their servers, and goes through them round after round,
// every other round backwards. Knows nothing of what a round measures.

import { type Cores, Declined, type Load, Server } from './children.ts';
import type { Contestant } from './rivals.ts';
import { createService, measureIdle, measureTraffic, type Round } from './round.ts';
import type { Scenario } from './scenarios.ts';

/** All rounds of one contestant in one scenario, or why there are not all. */
export interface Result {
  /** The contestant's id. */
  readonly rival: string;
  readonly title: string;
  readonly version: string;
  readonly rounds: Round[];
  /** What went wrong. */
  failure: string | null;
  /** It does not offer what the scenario asks for, which is no failure: in its own words why. */
  readonly declined: string | null;
}

/** A scenario and what came of it. */
export interface Report {
  readonly scenario: Scenario;
  readonly results: readonly Result[];
}

/** How to measure. Times in seconds. */
export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  readonly cores: Cores | null;
  readonly load: Load;
  /** Called before each round of each contestant. */
  onProgress(title: string, round: number): void;
}

function startServer(contestant: Contestant, scenario: Scenario, { cores }: Plan): Promise<Server> {
  const launch = contestant.findLaunch();
  if (launch === null) throw new Error('not installed');
  return Server.start(launch, createService(scenario), cores?.server ?? null);
}

/** Starts a server; what hinders it is told in the result. */
async function begin(
  contestant: Contestant,
  scenario: Scenario,
  plan: Plan,
): Promise<{ server: Server | null; result: Result }> {
  const result = { rival: contestant.id, title: contestant.title, rounds: [], version: '' };
  try {
    const server = await startServer(contestant, scenario, plan);
    const { version } = server;
    return { server, result: { ...result, version, failure: null, declined: null } };
  } catch (error) {
    const { message } = error as Error;
    const isDeclined = error instanceof Declined;
    const why = { failure: isDeclined ? null : message, declined: isDeclined ? message : null };
    return { server: null, result: { ...result, ...why } };
  }
}

async function measureRound(
  server: Server,
  contestant: Contestant,
  scenario: Scenario,
  plan: Plan,
  round: number,
): Promise<Round> {
  const { load, seconds } = plan;
  if (scenario.group !== 'idle') return measureTraffic(server, scenario, load, round, seconds);
  // Memory once taken is not given back, so each round needs a process that is new.
  const fresh = round === 0 ? server : await startServer(contestant, scenario, plan);
  try {
    return await measureIdle(fresh, scenario, load, round);
  } finally {
    await fresh.end();
  }
}

/** Measures all contestants in one scenario. */
export async function measure(
  scenario: Scenario,
  contestants: readonly Contestant[],
  plan: Plan,
): Promise<Result[]> {
  const entries: { contestant: Contestant; server: Server | null; result: Result }[] = [];
  for (const contestant of contestants) {
    entries.push({ contestant, ...(await begin(contestant, scenario, plan)) });
  }
  try {
    for (let round = 0; round < plan.rounds; round++) {
      const order = round % 2 === 0 ? entries : [...entries].reverse();
      for (const { contestant, server, result } of order) {
        if (server === null || result.failure !== null) continue;
        plan.onProgress(contestant.title, round);
        try {
          result.rounds.push(await measureRound(server, contestant, scenario, plan, round));
        } catch (error) {
          result.failure = (error as Error).message;
        }
      }
    }
  } finally {
    for (const { server } of entries) await server?.end();
  }
  return entries.map(({ result }) => result);
}
