// The command line of the benchmark: parsed, checked, and explained by --help.

import { parseArgs } from 'node:util';
import { MICRO_GROUPS } from './micro/groups.ts';
import { FLOORS, RIVALS, type Rival } from './rivals.ts';
import { GROUPS, listSelectors, type Profile, SCENARIOS } from './scenarios.ts';

const COMMANDS = ['run', 'micro', 'profile', 'compare', 'report'] as const;

/** What the evaluator asked for. */
export interface Options {
  readonly command: (typeof COMMANDS)[number];
  /** Two revisions for `compare`, files for `report`, scenarios or groups for `profile`. */
  readonly operands: readonly string[];
  readonly help: boolean;
  readonly profile: Profile;
  /** Names or groups of scenarios, for `micro` groups; null for all. */
  readonly only: readonly string[] | null;
  /** In the order of RIVALS, handfast always first. */
  readonly rivals: readonly Rival[];
  readonly rounds: number;
  /** Length of a measured window. */
  readonly seconds: number;
  /** Where to write the results, and the page; null for bench/results. */
  readonly json: string | null;
  readonly html: string | null;
  readonly install: boolean;
}

/** Floors that take part when they are asked for: the run would take longer by half. */
const MORE_FLOORS: readonly Rival[] = FLOORS.filter((floor) => floor !== 'net');
/** Those on Node that tell most beside each other; the profiler is Node's, so no others can be. */
const PROFILED: readonly Rival[] = ['ws', 'net', 'net-shared', 'net-kept'];
const UNPROFILED: readonly Rival[] = ['bun', 'deno'];

const names = SCENARIOS.map(({ name, quick }) => (quick ? `${name}*` : name));

export const HELP = `Usage: npm run bench -- [options]                 handfast beside its rivals
       npm run bench -- micro [options]           the parts of handfast, without sockets
       npm run bench -- compare <a> <b> [options] two revisions of handfast; . is the working tree
       npm run bench -- profile <scenario>…       where the time goes, and how near the floor it is
       npm run bench -- report <json>… [options]  the page anew, from results that were kept

  --only <list>      groups, or scenarios by name (below); for micro groups of its own (below)
  --against <list>   rivals: ${RIVALS.slice(1).join(', ')}
                     (default: all but ${MORE_FLOORS.join(', ')}; to profile: ${PROFILED.join(', ')})
  --rounds <n>       rounds, 1 to 50 (default 3, with --full 5; micro 7, compare 6, profile 4)
  --seconds <n>      seconds measured per round and server, 0.1 to 60 (default 0.35, with --full 1.5; profile 1)
  --full             all scenarios, longer windows, more rounds: some 25 minutes instead of under 3
  --json <file>      write the results there instead of bench/results/<date>.json
  --html <file>      write the page there instead of beside the results
  --no-install       leave missing rivals out instead of installing them into bench/node_modules
  --help             this text

Groups: ${GROUPS.join(', ')}
Scenarios (* in the quick profile): ${names.join(', ')}
Micro: ${MICRO_GROUPS.join(', ')}
`;

function parseNumber(name: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (text.trim() !== '' && number >= least && number <= most) return number;
  throw new RangeError(`--${name} must be from ${least} to ${most}, not ${text}`);
}

function parseList(name: string, text: string, known: readonly string[]): string[] {
  const items = text.split(',').map((item) => item.trim());
  for (const item of items) {
    if (!known.includes(item)) {
      throw new RangeError(`${name} does not know '${item}'; it knows ${known.join(', ')}`);
    }
  }
  return items;
}

function isCommand(name: string): name is Options['command'] {
  return (COMMANDS as readonly string[]).includes(name);
}

function parseCommand(positionals: readonly string[]): Pick<Options, 'command' | 'operands'> {
  const [command = 'run', ...operands] = positionals;
  if (!isCommand(command)) {
    throw new Error(
      `There is no command '${command}'; there are micro, profile, compare and report`,
    );
  }
  if (command === 'compare' && operands.length !== 2)
    throw new Error('compare takes two revisions');
  if (command === 'report' && operands.length === 0) throw new Error('report takes files');
  if (command === 'profile') {
    if (operands.length === 0) throw new Error('profile takes scenarios or groups of them');
    const known = listSelectors();
    return { command, operands: operands.flatMap((list) => parseList('profile', list, known)) };
  }
  if ((command === 'run' || command === 'micro') && operands.length > 0) {
    throw new Error(`${command} takes no '${operands[0]}'`);
  }
  return { command, operands };
}

function findDefaults(
  command: Options['command'],
  full: boolean,
): { rounds: string; seconds: string } {
  if (command === 'micro')
    return full ? { rounds: '15', seconds: '0.1' } : { rounds: '7', seconds: '0.1' };
  if (command === 'profile') return { rounds: '4', seconds: full ? '1.5' : '1' };
  const rounds = command === 'compare' ? '6' : full ? '5' : '3';
  return { rounds, seconds: full ? '1.5' : '0.35' };
}

/** Who takes part, in the order of RIVALS. */
function selectRivals(command: Options['command'], list: string | undefined): Rival[] {
  const usual = RIVALS.filter((rival) => !MORE_FLOORS.includes(rival));
  const asked = list === undefined ? usual : parseList('--against', list, RIVALS);
  const against = command === 'profile' && list === undefined ? PROFILED : asked;
  const other = UNPROFILED.find((rival) => command === 'profile' && against.includes(rival));
  if (other !== undefined) throw new Error(`${other} cannot be profiled: the profiler is Node's`);
  return RIVALS.filter((rival) => rival === 'handfast' || against.includes(rival));
}

/** Reads the arguments. Throws an Error whose message can be shown as it is. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      against: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'string' },
      html: { type: 'string' },
      full: { type: 'boolean', default: false },
      'no-install': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { command, operands } = values.help
    ? ({ command: 'run', operands: [] } as const)
    : parseCommand(positionals);
  const { full, only } = values;
  const defaults = findDefaults(command, full);
  const rounds = parseNumber('rounds', values.rounds ?? defaults.rounds, 1, 50);
  if (!Number.isInteger(rounds)) throw new RangeError('--rounds must be a whole number');
  const selectors = command === 'micro' ? MICRO_GROUPS : listSelectors();
  return {
    command,
    operands,
    help: values.help,
    profile: full ? 'full' : 'quick',
    only: only === undefined ? null : parseList('--only', only, selectors),
    rivals: selectRivals(command, values.against),
    rounds,
    seconds: parseNumber('seconds', values.seconds ?? defaults.seconds, 0.1, 60),
    json: values.json ?? null,
    html: values.html ?? null,
    install: !values['no-install'],
  };
}
