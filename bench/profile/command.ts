// `npm run bench -- profile`: rounds without a profiler tell the cost, then each server runs once more
// under `node --cpu-prof` to tell what it is made of.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cores, findCores, Load, Server } from '../children.ts';
import { findCost, middle } from '../figures.ts';
import { measure, type Plan, type Report, type Result } from '../measure.ts';
import type { Options } from '../options.ts';
import { findThreads } from '../process-figures.ts';
import { Progress } from '../progress.ts';
import { explainAbsence, formatScenario } from '../report.ts';
import type { Contestant } from '../rivals.ts';
import { createService, runTraffic } from '../round.ts';
import { type Scenario, selectScenarios } from '../scenarios.ts';
import type { CpuProfile } from './cpu-profile.ts';
import { findMemory } from './memory.ts';
import { formatProfiles, type Profile, type ProfileReport } from './report.ts';
import { splitProfile } from './split.ts';

/** Microseconds between samples. A sample costs some fifty: more of them would distort what they tell. */
const INTERVAL = 500;
const FILE = 'server.cpuprofile';
const SAMPLER = 'v8:ProfEvntProc';

/**
 * V8's sampling thread gets a priority above all others, where we may give it one. Without, it has to wait for
 * the thread that it is to watch if the core is busy, and finds it idle more often than it is. (On
 * another core it would find it in the kernel more often: that is where a signal from there is seen.)
 */
function raiseSampler(pid: number): void {
  for (const thread of findThreads(pid, SAMPLER)) {
    spawnSync('chrt', ['--fifo', '--pid', '1', String(thread)]);
  }
}

/** One server under the profiler, for as long as all rounds together. */
async function profile(
  contestant: Contestant,
  scenario: Scenario,
  { cores, load, rounds, seconds }: Plan,
  result: Result,
): Promise<Profile> {
  const launch = contestant.findLaunch();
  if (launch === null) throw new Error('not installed');
  const folder = mkdtempSync(join(tmpdir(), 'handfast-profile-'));
  try {
    const flags = ['--cpu-prof', `--cpu-prof-interval=${INTERVAL}`];
    const where = [`--cpu-prof-dir=${folder}`, `--cpu-prof-name=${FILE}`];
    const args = [...flags, ...where, ...launch.args];
    const core = cores?.server ?? null;
    const server = await Server.start({ ...launch, args }, createService(scenario), core);
    raiseSampler(server.pid);
    const { seen } = await runTraffic(server, scenario, load, 0, rounds * seconds).finally(() =>
      server.finish(),
    );
    const written = JSON.parse(readFileSync(join(folder, FILE), 'utf8')) as CpuProfile;
    const { from, to, serverCpu, mainCpu: ran, mainQueued: queued, count } = seen;
    const cost = findCost(result)?.value ?? 0;
    const helperShare = middle(result.rounds, 'helperShare');
    const busy = helperShare === null ? null : cost * (1 - helperShare) * count;
    return {
      rival: contestant.id,
      title: contestant.title,
      cost,
      profiledCost: serverCpu === null ? null : serverCpu / count,
      systemShare: middle(result.rounds, 'systemShare'),
      helperShare,
      faults: middle(result.rounds, 'faults'),
      split: splitProfile(written, { from, to, ran, queued, busy }),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Who costs what, then what it is made of; whoever cannot be profiled is told of. */
export async function profileScenario(
  scenario: Scenario,
  contestants: readonly Contestant[],
  plan: Plan,
): Promise<{ report: Report; profiled: ProfileReport }> {
  const report = { scenario, results: await measure(scenario, contestants, plan) };
  const profiles: Profile[] = [];
  const absent: string[] = [];
  for (const result of report.results) {
    const contestant = contestants.find(({ id }) => id === result.rival) as Contestant;
    const absence = explainAbsence(result);
    if (absence !== null) {
      absent.push(`${result.title}, ${absence}`);
    } else if (findCost(result) !== null && scenario.group !== 'idle') {
      plan.onProgress(`${result.title}, profiled`, plan.rounds - 1);
      try {
        profiles.push(await profile(contestant, scenario, plan, result));
      } catch (error) {
        absent.push(`${result.title}, not profiled: ${(error as Error).message}`);
      }
    }
  }
  const memory = scenario.group === 'idle' ? findMemory(report.results) : [];
  return { report, profiled: { scenario, profiles, memory, absent } };
}

/** Profiles the scenarios that the options name. */
export async function profileAll(
  { operands, rounds, seconds }: Options,
  contestants: readonly Contestant[],
): Promise<{ reports: Report[]; profiles: ProfileReport[]; cores: Cores | null }> {
  const cores = findCores();
  const load = new Load(cores?.load ?? null);
  const scenarios = selectScenarios('full', operands);
  const progress = new Progress(scenarios.length * (rounds + 1) * contestants.length);
  const reports: Report[] = [];
  const profiles: ProfileReport[] = [];
  for (const scenario of scenarios) {
    const onProgress = (title: string, round: number): void =>
      progress.step(`${scenario.name}, round ${round + 1} of ${rounds}, ${title}`);
    const plan = { rounds, seconds, cores, load, onProgress };
    const { report, profiled } = await profileScenario(scenario, contestants, plan);
    progress.clear();
    reports.push(report);
    profiles.push(profiled);
    process.stdout.write(formatScenario(report));
    process.stdout.write(formatProfiles(profiled));
  }
  await load.end();
  return { reports, profiles, cores };
}
