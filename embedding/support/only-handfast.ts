// Proves that every `ws` of a folder's tree is handfast: what lies on disk, and what each package that
// asks for `ws` gets.

import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, sep } from 'node:path';
import { expect } from 'vitest';

interface Manifest {
  readonly name?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** The packages below a node_modules directory, nested ones included, by their directories. */
function listPackages(modules: string): Map<string, Manifest> {
  const found = new Map<string, Manifest>();
  for (const path of readdirSync(modules, { recursive: true, encoding: 'utf8' })) {
    if (basename(path) !== 'package.json') continue;
    found.set(join(modules, dirname(path)), readManifest(join(modules, path)));
  }
  return found;
}

function readManifest(path: string): Manifest {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  } catch {
    // Some libraries ship a broken one as material of their own tests.
    return {};
  }
}

/** Whether a directory is where npm puts packages, not a manifest inside one of them. */
function isInstalled(directory: string): boolean {
  const parent = dirname(directory);
  const scope = basename(parent).startsWith('@') ? dirname(parent) : parent;
  return basename(scope) === 'node_modules';
}

function asksForWs(manifest: Manifest): boolean {
  const { dependencies, optionalDependencies, peerDependencies } = manifest;
  return 'ws' in { ...dependencies, ...optionalDependencies, ...peerDependencies };
}

/**
 * Fails unless the folder, an absolute path such as `import.meta.dirname`, holds handfast under the name `ws`
 * and no other `ws` under any name. Returns the names of the packages that depend on `ws`, sorted; each
 * of them was seen to resolve it to handfast.
 */
export function expectOnlyHandfast(folder: string): string[] {
  const modules = join(folder, 'node_modules');
  const packages = listPackages(modules);
  const copies = [...packages].filter(([path]) => path.endsWith(join('node_modules', 'ws')));
  expect([...new Set(copies.map(([, manifest]) => manifest.name))]).toEqual(['handfast']);
  const strangers = [...packages].filter(([, manifest]) => manifest.name === 'ws');
  expect(strangers.map(([directory]) => directory)).toEqual([]);

  const dependents = [...packages].filter(
    ([directory, manifest]) => isInstalled(directory) && asksForWs(manifest),
  );
  const homes = copies.map(([directory]) => directory + sep);
  for (const directory of [folder, ...dependents.map(([path]) => path)]) {
    const resolved = createRequire(join(directory, 'any.js')).resolve('ws');
    expect(homes.some((home) => resolved.startsWith(home))).toBe(true);
  }
  return [...new Set(dependents.map(([, manifest]) => manifest.name as string))].sort();
}
