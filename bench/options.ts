// The command line of the benchmark: parsed, checked, and explained by --help.

import { parseArgs } from 'node:util';
import { RIVALS, type Rival } from './rivals.ts';
import { listSelectors, type Profile } from './scenarios.ts';

/** What the evaluator asked for. */
export interface Options {
  readonly help: boolean;
  readonly profile: Profile;
  /** Names or groups of scenarios; null for all. */
  readonly only: readonly string[] | null;
  /** In the order of RIVALS, handfast always first. */
  readonly rivals: readonly Rival[];
  readonly rounds: number;
  /** Length of a measured window. */
  readonly seconds: number;
  /** Where to write the results; null for bench/results. */
  readonly json: string | null;
  readonly install: boolean;
}

export const HELP = `Usage: npm run bench -- [options]

  --only <list>      scenarios or groups: ${listSelectors().slice(0, 4).join(', ')}, or a name such as echo-1k
  --against <list>   rivals: ${RIVALS.slice(1).join(', ')} (default: all)
  --rounds <n>       rounds per scenario, 1 to 50 (default 3, with --full 7)
  --seconds <n>      seconds measured per round and rival, 0.1 to 60 (default 0.5, with --full 3)
  --full             more scenarios, longer windows, more rounds
  --json <file>      write the results there instead of bench/results/<date>.json
  --no-install       leave missing rivals out instead of installing them into bench/node_modules
  --help             this text

Scenarios: ${listSelectors().slice(4).join(', ')}
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
      throw new RangeError(`--${name} does not know '${item}'; it knows ${known.join(', ')}`);
    }
  }
  return items;
}

/** Reads the arguments. Throws an Error whose message can be shown as it is. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      against: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'string' },
      full: { type: 'boolean', default: false },
      'no-install': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const against =
    values.against === undefined ? RIVALS : parseList('against', values.against, RIVALS);
  const rounds = parseNumber('rounds', values.rounds ?? (values.full ? '7' : '3'), 1, 50);
  if (!Number.isInteger(rounds)) throw new RangeError('--rounds must be a whole number');
  return {
    help: values.help,
    profile: values.full ? 'full' : 'quick',
    only: values.only === undefined ? null : parseList('only', values.only, listSelectors()),
    rivals: RIVALS.filter((rival) => rival === 'handfast' || against.includes(rival)),
    rounds,
    seconds: parseNumber('seconds', values.seconds ?? (values.full ? '3' : '0.5'), 0.1, 60),
    json: values.json ?? null,
    install: !values['no-install'],
  };
}
