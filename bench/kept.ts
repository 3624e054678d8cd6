// What is kept of a run, as JSON beside the page: machine, versions, options and every round as it was
// measured, not only the medians, so that other questions can be asked of it later.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cores } from './children.ts';
import type { Floor } from './floors.ts';
import type { Machine } from './machine.ts';
import type { Report } from './measure.ts';
import type { MicroResult } from './micro/measure.ts';
import type { Options } from './options.ts';
import type { ProfileReport } from './profile/report.ts';

/** One run of one command. */
export interface Kept {
  readonly command: Exclude<Options['command'], 'report'>;
  /** When it ended, as ISO 8601. */
  readonly date: string;
  readonly machine: Machine;
  readonly rounds: number;
  readonly seconds: number;
  /** What servers and load were bound to; null if they were not. */
  readonly cores: Cores | null;
  /** The scenarios of `run`, `compare` and `profile`. */
  readonly reports: readonly Report[];
  /** How near they are to the floors, found in the reports; old results have none. */
  readonly floors?: readonly Floor[];
  /** What the costs are made of, from `profile`. */
  readonly profiles?: readonly ProfileReport[];
  /** The results of `micro`. */
  readonly micro: readonly MicroResult[];
}

const folder = fileURLToPath(new URL('./results/', import.meta.url));

/** Where a run's results and page go. */
export function findPaths(options: Options, date: Date): { json: string; html: string } {
  const stamp = date.toISOString().slice(0, 19).replaceAll(':', '-');
  const prefix = options.command === 'run' ? '' : `${options.command}-`;
  const json = options.json ?? `${folder}${prefix}${stamp}.json`;
  return { json, html: options.html ?? `${json.replace(/\.json$/, '')}.html` };
}

/** Writes a text, folders included. */
export function keep(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** The page of the last run has a name that stays. */
export const LAST_PAGE: string = `${folder}report.html`;

/** Reads what was kept. Throws an Error that names the file when that is something else. */
export function readKept(path: string): Kept {
  let content: Partial<Kept> | null = null;
  try {
    content = JSON.parse(readFileSync(path, 'utf8')) as Partial<Kept>;
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
  if (!content || !Array.isArray(content.reports) || !Array.isArray(content.micro)) {
    throw new Error(`${path} holds no results of this benchmark`);
  }
  return content as Kept;
}
