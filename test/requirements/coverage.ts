// Which normative rows of the RFCs and the WHATWG standard are named by a test or decided in
// docs/decisions.md, and which are named by nobody. Reads text only: it runs no test and must not
// know what any row is about.

import { readdirSync, readFileSync } from 'node:fs';
import { readSource } from './source.ts';

/** One normative statement. `unsure` marks rows taken from memory of the document, not from its text. */
export interface Row {
  readonly id: string;
  readonly role: 'C' | 'S' | 'both';
  readonly level: string;
  readonly requirement: string;
  readonly test: 'unit' | 'property' | 'raw-socket' | 'e2e' | 'browser' | 'n/a';
  readonly unsure?: boolean;
}

/** The rows of one subject, in the order of the document. */
export interface Chapter {
  readonly chapter: string;
  readonly title: string;
  readonly rows: readonly Row[];
}

/** A chapter and what became of its rows; the three lists have no row in common. */
export interface ChapterCoverage {
  readonly chapter: string;
  readonly title: string;
  readonly deferred: boolean;
  readonly tested: readonly Row[];
  readonly decided: readonly Row[];
  readonly orphaned: readonly Row[];
}

/** An id in square brackets that no row has, and the file that names it. */
export interface UnknownId {
  readonly id: string;
  readonly file: string;
}

export interface Coverage {
  readonly chapters: readonly ChapterCoverage[];
  readonly unknown: readonly UnknownId[];
  /** Rows that nobody names, in chapters that are not deferred. */
  readonly orphans: readonly Row[];
}

// RFC 8441 (A21) and WebSocketStream (A24) are not part of the library yet.
const DEFERRED: ReadonlySet<string> = new Set(['A21', 'A24']);

const ID = /\[((?:\d{4}|whs?|iana|node)-[A-Za-z0-9][A-Za-z0-9.-]*)\]/g;

const root = new URL('../../', import.meta.url);

/** All ids in square brackets in a text, in order, repeats included. */
export function findIds(text: string): string[] {
  return Array.from(text.matchAll(ID), (match) => match[1] as string);
}

/** All ids in square brackets in the string literals of a test's source; comments do not count. */
export function findTestIds(source: string): string[] {
  return readSource(source).texts.flatMap(findIds);
}

/** What the named ids make of the rows. Both maps go from a file's name to the ids it names. */
export function weigh(
  chapters: readonly Chapter[],
  tests: ReadonlyMap<string, readonly string[]>,
  decisions: ReadonlyMap<string, readonly string[]>,
): Coverage {
  const known = new Set(chapters.flatMap(({ rows }) => rows.map(({ id }) => id)));
  const tested = new Set([...tests.values()].flat());
  const decided = new Set([...decisions.values()].flat());
  const unknown = [...tests, ...decisions].flatMap(([file, ids]) =>
    ids.filter((id) => !known.has(id)).map((id) => ({ id, file })),
  );
  const weighed = chapters.map(({ chapter, title, rows }) => ({
    chapter,
    title,
    deferred: DEFERRED.has(chapter),
    tested: rows.filter(({ id }) => tested.has(id)),
    decided: rows.filter(({ id }) => !tested.has(id) && decided.has(id)),
    orphaned: rows.filter(({ id }) => !tested.has(id) && !decided.has(id)),
  }));
  const orphans = weighed.flatMap(({ deferred, orphaned }) => (deferred ? [] : orphaned));
  return { chapters: weighed, unknown, orphans };
}

/** The rows that the project measures itself against. */
export function readChapters(): Chapter[] {
  return JSON.parse(
    readFileSync(new URL('test/requirements/rows.json', root), 'utf8'),
  ) as Chapter[];
}

/** Weighs the project's tests and decisions as they stand in the tree. */
export function readCoverage(): Coverage {
  const read = (file: string): string => readFileSync(new URL(file, root), 'utf8');
  const files = readdirSync(new URL('test/', root), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `test/${file.replaceAll('\\', '/')}`)
    .sort();
  return weigh(
    readChapters(),
    new Map(files.map((file) => [file, findTestIds(read(file))])),
    new Map([['docs/decisions.md', findIds(read('docs/decisions.md'))]]),
  );
}

/** True when every row that binds is named and every named id exists. */
export function isComplete({ orphans, unknown }: Coverage): boolean {
  return orphans.length === 0 && unknown.length === 0;
}

/** The report as text: a line per chapter, then what is missing, then the total. */
export function formatCoverage({ chapters, unknown, orphans }: Coverage): string {
  const lines: string[] = [];
  let rows = 0;
  let named = 0;
  for (const { chapter, title, deferred, tested, decided, orphaned } of chapters) {
    const covered = tested.length + decided.length;
    rows += covered + orphaned.length;
    named += covered;
    const counts = `${tested.length} tested, ${decided.length} decided`;
    const note = deferred ? ', deferred' : '';
    lines.push(`${chapter}: ${covered}/${covered + orphaned.length} (${counts})${note}  ${title}`);
  }
  for (const { id, level, test, requirement } of orphans) {
    const need = test === 'n/a' ? 'needs a line in docs/decisions.md' : test;
    lines.push(`orphaned [${id}] ${level} (${need}): ${requirement}`);
  }
  for (const { id, file } of unknown) lines.push(`unknown [${id}] in ${file}`);
  lines.push(
    `total: ${named}/${rows} rows named, ${orphans.length} orphaned, ${unknown.length} unknown ids`,
  );
  return lines.join('\n');
}
