// The table in docs/embedding.md: a row for each library that is installed here, by the version that is.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const here = join(import.meta.dirname, '..');
const text = readFileSync(join(here, '..', 'docs', 'embedding.md'), 'utf8');
const lines = text.split('\n');
const start = lines.findIndex((line) => /^\| package +\|/.test(line)) + 2;
const end = lines.findIndex((line, i) => i > start && !line.startsWith('| '));
const rows = lines.slice(start, end);
const folders = readdirSync(here).filter((name) => existsSync(join(here, name, 'package.json')));

it('knows every folder', () => {
  expect(folders.length).toBeGreaterThan(15);
});

it.each(folders)('has a row for %s', (folder) => {
  const manifest = JSON.parse(readFileSync(join(here, folder, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const named = rows.filter((row) =>
    Object.keys(manifest.dependencies).some((name) =>
      (row.split('|')[1] ?? '').split(',').some((cell) => cell.trim() === name),
    ),
  );
  expect(named, 'rows').toHaveLength(1);
  const [, packages, versions] = (named[0] as string).split('|') as [string, string, string];
  for (const name of packages.split(',').map((cell) => cell.trim())) {
    expect(versions, `version of ${name}`).toContain(manifest.dependencies[name]);
  }
});

it('has no row for what is not here', () => {
  const working = rows.findIndex((row) => !/\| works/.test(row));
  expect(working === -1 ? rows.length : working).toBe(folders.length + 1);
});
