// What the entry points export: each name has a docstring where it is made, and is named where docs/api.md
// speaks of its entry point. Reads source text; it must not run any of it.

import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSource } from './requirements/source.ts';

const root = new URL('../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

interface Name {
  /** As it is exported. */
  readonly name: string;
  /** As it is called where it comes from. */
  readonly origin: string;
  /** The file that it comes from; undefined for the index itself. */
  readonly file: string | undefined;
}

/** The names in the export lists of an index; others, such as `default`, are no names to look up. */
function namesOf(index: string, text: string): Name[] {
  const { code } = readSource(text);
  const imported = new Map<string, Name>();
  const exported: Name[] = [];
  const list = /^(import|export) (?:type )?\{([^}]*)\}(?: from '([^']+)')?;/gm;
  for (const [, kind, items = '', from] of code.matchAll(list)) {
    const file = from && posix.join(posix.dirname(index), from);
    for (const item of items.split(',')) {
      const words = item
        .trim()
        .replace(/^type /, '')
        .split(' as ');
      const [origin = '', name = origin] = words;
      if (!/^\w+$/.test(name) || name === 'default') continue;
      if (kind === 'import') imported.set(name, { name, origin, file });
      else exported.push({ name, origin, file });
    }
  }
  return exported.map((each) => {
    const source = each.file === undefined ? imported.get(each.origin) : undefined;
    return source === undefined ? each : { ...source, name: each.name };
  });
}

const hasDocstring = (text: string, name: string): boolean =>
  new RegExp(
    `\\*/\\n(?:// biome-ignore .*\\n)?(?:export )?(?:declare )?(?:abstract )?(?:class|function|const|interface|type) ${name}\\b`,
  ).test(text);

const { exports: entries } = JSON.parse(read('package.json')) as {
  exports: Record<string, string | { default: string }>;
};

const indexes = Object.entries(entries).flatMap(([entry, target]) =>
  typeof target === 'string'
    ? []
    : [{ entry, index: target.default.replace(/^\.\/dist\/(.*)\.js$/, 'src/$1.ts') }],
);

const [above = '', below = ''] = read('docs/api.md').split('\n## Subpaths\n');

/** The part of docs/api.md that is about an entry point. */
function partFor(entry: string): string {
  if (entry === '.') return above;
  const parts = below.split(/^### handfast\//m).slice(1);
  return parts.find((part) => part.startsWith(`${entry.slice(2)}\n`)) ?? '';
}

describe.each(indexes)('the entry point $entry', ({ entry, index }) => {
  const names = namesOf(index, read(index));

  it('exports something', () => expect(names.length).toBeGreaterThan(3));

  it('has a docstring for whatever it exports', () => {
    const bare = names.filter(({ origin, file = index }) => !hasDocstring(read(file), origin));
    expect(bare).toEqual([]);
  });

  it('has each of its names in docs/api.md', () => {
    const told =
      partFor(entry)
        .match(/`[^`\n]+`|^#.*/gm)
        ?.join('\n') ?? '';
    const absent = names.filter(({ name }) => !new RegExp(`\\b${name}\\b`).test(told));
    expect(absent.map(({ name }) => name)).toEqual([]);
  });
});

describe('the reading of an index', () => {
  it('finds names, and where they come from', () => {
    const text = [
      "import { type A as Other, B } from '../b.ts';",
      "export type { C } from './c.ts';",
      'class D {}',
      "export { Other, B, B as default, B as 'module.exports', B as Second, D };",
    ].join('\n');
    expect(namesOf('src/x/index.ts', text)).toEqual([
      { name: 'C', origin: 'C', file: 'src/x/c.ts' },
      { name: 'Other', origin: 'A', file: 'src/b.ts' },
      { name: 'B', origin: 'B', file: 'src/b.ts' },
      { name: 'Second', origin: 'B', file: 'src/b.ts' },
      { name: 'D', origin: 'D', file: undefined },
    ]);
  });

  it('tells what has a docstring from what has none', () => {
    expect(hasDocstring('/** A class. */\nexport class A {}', 'A')).toBe(true);
    expect(hasDocstring('/** Another. */\nclass B {}\nexport class A {}', 'A')).toBe(false);
    expect(hasDocstring('// A note.\nexport const a = 1;', 'a')).toBe(false);
  });
});
