// Scenario after scenario with some contestants: `npm run bench` and `compare` share it. Prints each table
// as soon as it is complete.

import { type Cores, findCores, Load } from './children.ts';
import { measure, type Report } from './measure.ts';
import type { Options } from './options.ts';
import { Progress } from './progress.ts';
import { formatScenario } from './report.ts';
import type { Contestant } from './rivals.ts';
import { type Scenario, selectScenarios } from './scenarios.ts';

const { stdout } = process;

/** Tells each version once. */
function tellVersions(reports: readonly Report[], told: Set<string>): void {
  for (const { version } of reports.flatMap(({ results }) => results)) {
    if (version !== '' && !told.has(version)) stdout.write(`${version}\n`);
    told.add(version);
  }
}

/** Measures the scenarios that the options name. */
export async function measureAll(
  options: Options,
  contestants: readonly Contestant[],
): Promise<{ reports: Report[]; cores: Cores | null }> {
  const { rounds, seconds } = options;
  const cores = findCores();
  const shared = cores?.siblings ? ', which are threads of one' : '';
  const pinning = cores && `server on core ${cores.server}, load on core ${cores.load}${shared}`;
  stdout.write(`${pinning ?? 'processes are not pinned to cores'}\n`);
  const load = new Load(cores?.load ?? null);
  const scenarios = selectScenarios(options.profile, options.only);
  const steps = rounds * contestants.length;
  const progress = new Progress(scenarios.length * steps);
  const reports: Report[] = [];
  const told = new Set<string>();
  const measureOne = async (scenario: Scenario): Promise<void> => {
    let done = 0;
    const onProgress = (title: string, round: number): void => {
      done++;
      progress.step(`${scenario.name}, round ${round + 1} of ${rounds}, ${title}`);
    };
    const plan = { rounds, seconds, cores, load, onProgress };
    const report = { scenario, results: await measure(scenario, contestants, plan) };
    progress.skip(steps - done);
    progress.clear();
    reports.push(report);
    tellVersions([report], told);
    stdout.write(formatScenario(report));
  };
  for (const scenario of scenarios) await measureOne(scenario);
  await load.end();
  return { reports, cores };
}
