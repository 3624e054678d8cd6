// `npm run bench`: builds, installs the missing rivals, measures scenario after scenario, prints a table
// for each and writes everything to bench/results. Leaves no process behind, on Ctrl+C either.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endChildren, findCores, Load } from './children.ts';
import { describeMachine, type Machine } from './machine.ts';
import { measure, type Result } from './measure.ts';
import { HELP, type Options, parseOptions } from './options.ts';
import { formatScenario, LEGEND } from './report.ts';
import { build, findLaunch, install, type Rival, TITLES } from './rivals.ts';
import { type Scenario, selectScenarios } from './scenarios.ts';

interface Report {
  readonly scenario: Scenario;
  readonly results: Result[];
}

const { stdout, stderr } = process;

function leave(message: string): never {
  stderr.write(`${message}\n`);
  return process.exit(1);
}

function readOptions(): Options {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    return leave(`${(error as Error).message}\nnpm run bench -- --help tells what there is.`);
  }
}

/** A line that is overwritten by the next, where the terminal can do that. */
function showProgress(text: string): void {
  if (stdout.isTTY) stdout.write(`\r\u001b[K${text}`);
}

/** The rivals that can be measured, after what is missing was installed if that is allowed. */
async function prepare(options: Options): Promise<Rival[]> {
  const isMissing = (rival: Rival): boolean => findLaunch(rival) === null;
  if (options.install && options.rivals.some(isMissing)) {
    const missing = options.rivals.filter(isMissing).map((rival) => TITLES[rival]);
    stdout.write(`Installing ${missing.join(', ')} into bench/node_modules, once …\n`);
    const code = await install();
    if (code !== 0) stderr.write(`npm could not install them (exit code ${code}).\n`);
  }
  for (const rival of options.rivals.filter(isMissing)) {
    stdout.write(`Left out: ${TITLES[rival]} is not installed.\n`);
  }
  return options.rivals.filter((rival) => !isMissing(rival));
}

function write(options: Options, date: Date, machine: Machine, reports: readonly Report[]): string {
  const stamp = date.toISOString().slice(0, 19).replaceAll(':', '-');
  const path = options.json ?? fileURLToPath(new URL(`./results/${stamp}.json`, import.meta.url));
  mkdirSync(dirname(path), { recursive: true });
  const content = { date: date.toISOString(), machine, options, reports };
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`);
  return path;
}

async function measureAll(options: Options, rivals: readonly Rival[]): Promise<Report[]> {
  const cores = findCores();
  const pinning = cores && `server on core ${cores.server}, load on core ${cores.load}`;
  stdout.write(`${pinning ?? 'processes are not pinned to cores'}\n`);
  const load = new Load(cores?.load ?? null);
  const reports: Report[] = [];
  const told = new Set<string>();
  const scenarios = selectScenarios(options.profile, options.only);
  for (const [index, scenario] of scenarios.entries()) {
    const onProgress = (rival: Rival, round: number): void => {
      const where = `[${index + 1}/${scenarios.length}] ${scenario.title}`;
      showProgress(`${where}: round ${round + 1}/${options.rounds}, ${TITLES[rival]}`);
    };
    const { rounds, seconds } = options;
    const results = await measure(scenario, rivals, { rounds, seconds, cores, load, onProgress });
    showProgress('');
    for (const { version } of results) {
      if (version !== '' && !told.has(version)) stdout.write(`${version}\n`);
      told.add(version);
    }
    stdout.write(formatScenario(scenario, results));
    reports.push({ scenario, results });
  }
  await load.end();
  return reports;
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) {
    stdout.write(HELP);
    return;
  }
  process.once('SIGINT', () => {
    endChildren();
    process.exit(130);
  });
  process.once('SIGTERM', () => {
    endChildren();
    process.exit(143);
  });
  process.once('exit', endChildren);
  const machine = describeMachine();
  const rivals = await prepare(options);
  if ((await build()) !== 0) leave('src/ could not be built; see above.');
  const calm = machine.loadAverage < 0.5 ? '' : ': not idle, so expect a larger spread';
  stdout.write(`\n${machine.cpu}, ${machine.cores} cores, ${machine.system}\n`);
  stdout.write(`load average ${machine.loadAverage.toFixed(2)}${calm}\n`);
  const reports = await measureAll(options, rivals);
  stdout.write(LEGEND);
  stdout.write(`\nAll rounds: ${write(options, new Date(), machine, reports)}\n`);
  // A failure of our own is no result to pass over.
  const own = reports.flatMap(({ results }) => results).filter((r) => r.rival === 'handfast');
  if (own.some(({ failure }) => failure !== null)) process.exitCode = 1;
}

await main();
