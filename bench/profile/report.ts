// The tables of a profile for the terminal: what each part takes in µs per message, contestants side by
// side, then the files of each. Formats only.

import { formatNumber, formatShare } from '../numbers.ts';
import { findUnits, formatColumns } from '../report.ts';
import type { Scenario } from '../scenarios.ts';
import { PART_TITLES } from './groups.ts';
import { formatMemory, type Memory } from './memory.ts';
import type { Split } from './split.ts';

/** One contestant's cost in one scenario, and what it is made of. */
export interface Profile {
  /** The contestant's id. */
  readonly rival: string;
  readonly title: string;
  /** Server CPU per message in µs: the median over rounds without a profiler. */
  readonly cost: number;
  /** The same under the profiler. */
  readonly profiledCost: number | null;
  /** Shares of the cost: in the kernel, and on other threads than the main one. */
  readonly systemShare: number | null;
  readonly helperShare: number | null;
  /** Pages of memory that the process had to be given for each message. */
  readonly faults: number | null;
  /** The rest of the cost, which is the main thread's. */
  readonly split: Split;
}

/** All that were profiled in a scenario. */
export interface ProfileReport {
  readonly scenario: Scenario;
  readonly profiles: readonly Profile[];
  /** Where idle connections are what is measured: their memory. */
  readonly memory: readonly Memory[];
  /** Who was not, and why. */
  readonly absent: readonly string[];
}

/** What is left for the main thread, in µs per message. */
export function findMainCost({ cost, helperShare }: Profile): number {
  return cost * (1 - (helperShare ?? 0));
}

/** A time in µs per message, and as a share of the whole cost. */
export function formatCells(profile: Profile, time: number | null): [string, string] {
  if (time === null) return ['–', ''];
  return [formatNumber(time), formatShare(time / profile.cost)];
}

/** A line of the table: what it is called, and its µs per message. */
export type Row = readonly [title: string, find: (profile: Profile) => number | null];

/** The lines, in order. */
export function listRows(): Row[] {
  const parts = Object.entries(PART_TITLES).map(([part, title]): Row => {
    const find = ({ split }: Profile) => split.parts.find((one) => one.part === part)?.share ?? 0;
    return [title, (profile) => find(profile) * findMainCost(profile)];
  });
  return [
    ['all of it', ({ cost }) => cost],
    ...parts,
    ['other threads', (profile) => profile.cost - findMainCost(profile)],
    [
      'in the kernel, of all',
      ({ cost, systemShare }) => (systemShare === null ? null : cost * systemShare),
    ],
  ];
}

/** So many files of each contestant are named. */
const NAMED = 10;
/** Shares below this are not worth a line. */
const LEAST = 0.005;

/** The files that take most, with the µs per message that each takes and its share of the cost. */
export function selectFiles(profile: Profile): [file: string, time: string, share: string][] {
  const main = findMainCost(profile);
  return profile.split.files
    .filter(({ share }) => share >= LEAST)
    .slice(0, NAMED)
    .map(({ file, share }) => [file, ...formatCells(profile, share * main)]);
}

function formatFiles(profile: Profile): string {
  const rows = selectFiles(profile);
  return rows.length === 0 ? '' : `\n  ${profile.title}\n${formatColumns(rows).join('\n')}\n`;
}

/** How far to trust a profile, and what is known besides time. */
export function formatCircumstances({ title, cost, profiledCost, split, faults }: Profile): string {
  const facts = [`${split.samples} samples`];
  if (profiledCost !== null) facts.push(`at ${formatShare(profiledCost / cost)} of the cost`);
  if (faults !== null) facts.push(`${formatNumber(faults)} page faults a message`);
  return `${title}: ${facts.join(', ')}`;
}

/** The tables of one scenario. */
export function formatProfiles({ scenario, profiles, memory, absent }: ProfileReport): string {
  const what = memory.length > 0 ? 'memory' : 'time';
  const lines = [`\nWhere the ${what} goes: ${scenario.title}`];
  if (memory.length > 0) lines.push(formatMemory(memory).trimEnd());
  if (profiles.length > 0) {
    const heads = [findUnits(scenario.group).cost, ...profiles.flatMap(({ title }) => [title, ''])];
    const rows = listRows().map(([title, find]) => [
      title,
      ...profiles.flatMap((profile) => formatCells(profile, find(profile))),
    ]);
    lines.push(...formatColumns([heads, ...rows]));
    for (const profile of profiles) lines.push(formatFiles(profile).trimEnd());
    lines.push(`\n  ${profiles.map(formatCircumstances).join('\n  ')}`);
  }
  for (const reason of absent) lines.push(`  ${reason}`);
  return `${lines.join('\n')}\n`;
}
