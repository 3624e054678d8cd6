// `npm run bench` and its commands: prepares, has measured, prints, and writes JSON and a page to
// bench/results. Leaves no process and no checkout behind, on Ctrl+C either.

import { fileURLToPath } from 'node:url';
import { endChildren } from './children.ts';
import { findRatios } from './figures.ts';
import { findFloors } from './floors.ts';
import { formatPage } from './html/page.ts';
import { findPaths, type Kept, keep, LAST_PAGE, readKept } from './kept.ts';
import { describeMachine, type Machine } from './machine.ts';
import { measureAll } from './macro.ts';
import { measureMicro } from './micro/command.ts';
import { HELP, type Options, parseOptions } from './options.ts';
import { profileAll } from './profile/command.ts';
import { formatRatios, LEGEND } from './report.ts';
import { buildRevision, removeRevisions } from './revision.ts';
import {
  build,
  type Contestant,
  createContestant,
  FLOORS,
  findLaunch,
  install,
  type Layout,
  launchHandfast,
  type Rival,
  root,
  TITLES,
} from './rivals.ts';

const { stdout, stderr } = process;
const built = fileURLToPath(new URL('./.dist', import.meta.url));

/** The rivals that can be measured, after what is missing was installed if that is allowed. */
async function prepareRivals(options: Options): Promise<Contestant[]> {
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
  return options.rivals.filter((rival) => !isMissing(rival)).map(createContestant);
}

async function buildOwn(layout: Layout): Promise<void> {
  const code = await build(root, built, layout);
  if (code !== 0) throw new Error('src/ could not be built; see above.');
}

/** Two revisions as contestants. The names must differ, so that the tables can be told apart. */
async function prepareRevisions(names: readonly string[]): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const [index, name] of names.entries()) {
    stdout.write(`Building ${name} …\n`);
    const { title, folder } = await buildRevision(name);
    const id = index === 0 ? 'a' : 'b';
    contestants.push({ id, title, findLaunch: () => launchHandfast(folder) });
  }
  const [a, b] = contestants;
  return a.title === b.title ? [a, { ...b, title: `${b.title} again` }] : contestants;
}

function tellMachine({ cpu, cores, system, loadAverage }: Machine): void {
  const calm = loadAverage < 0.5 ? '' : ': not idle, so expect a larger spread';
  stdout.write(`\n${cpu}, ${cores} cores, ${system}\n`);
  stdout.write(`load average ${loadAverage.toFixed(2)}${calm}\n`);
}

/** Has measured what a command is about. */
async function measureCommand(options: Options): Promise<Kept> {
  const { command, rounds, seconds } = options;
  const machine = describeMachine();
  const common = { date: '', machine, rounds, seconds };
  if (command === 'micro') {
    await buildOwn('apart');
    tellMachine(machine);
    const measured = await measureMicro(options, built);
    return { ...common, command, reports: [], ...measured };
  }
  const contestants =
    command === 'compare' ? await prepareRevisions(options.operands) : await prepareRivals(options);
  if (command === 'run') await buildOwn('packed');
  if (command === 'profile') await buildOwn('apart');
  tellMachine(machine);
  if (command === 'profile') {
    const profiled = await profileAll(options, contestants);
    stdout.write(LEGEND);
    return { ...common, command, micro: [], floors: findFloors(profiled.reports), ...profiled };
  }
  const { reports, cores } = await measureAll(options, contestants);
  stdout.write(formatRatios(findRatios(reports, FLOORS)));
  stdout.write(LEGEND);
  const floors = findFloors(reports);
  return {
    ...common,
    command: command === 'compare' ? 'compare' : 'run',
    ...{ reports, floors, micro: [], cores },
  };
}

async function perform(options: Options): Promise<void> {
  if (options.command === 'report') {
    const path = options.html ?? LAST_PAGE;
    keep(path, formatPage(options.operands.map(readKept)));
    stdout.write(`Page: ${path}\n`);
    return;
  }
  const measured = await measureCommand(options);
  const date = new Date();
  const kept: Kept = { ...measured, date: date.toISOString() };
  const { json, html } = findPaths(options, date);
  keep(json, `${JSON.stringify(kept, null, 2)}\n`);
  const page = formatPage([kept]);
  keep(html, page);
  if (options.html === null && options.command === 'run') keep(LAST_PAGE, page);
  stdout.write(`\nAll rounds: ${json}\nPage: ${html}\n`);
  // A failure of our own is no result to pass over.
  const own = ['handfast', 'a', 'b'];
  const results = kept.reports.flatMap((report) => report.results);
  const failed = results.some(({ rival, failure }) => own.includes(rival) && failure !== null);
  if (failed) process.exitCode = 1;
}

function cleanUp(): void {
  endChildren();
  removeRevisions();
}

async function main(): Promise<void> {
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  process.once('exit', cleanUp);
  // Whoever has read enough may go: `npm run bench | head`.
  stdout.on('error', () => process.exit(1));
  try {
    const options = parseOptions(process.argv.slice(2));
    if (options.help) stdout.write(HELP);
    else await perform(options);
  } catch (error) {
    stderr.write(`${(error as Error).message}\nnpm run bench -- --help tells what there is.\n`);
    process.exitCode = 1;
  }
}

await main();
