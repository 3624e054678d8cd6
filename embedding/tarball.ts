// The project as its users get it: built, and packed by npm. Built outside `dist`, so that this may run
// beside a build or the project's own tests.

import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm, run } from './npm.ts';

/** This directory. */
export const here: string = fileURLToPath(new URL('.', import.meta.url));

/** Where the folders' manifests look for `ws`: `file:../.cache/handfast.tgz`. */
export const TARBALL: string = join(here, '.cache', 'handfast.tgz');

/** The digest of the tarball as it is on disk. npm packs the same files into the same bytes. */
export function digestTarball(): string {
  return createHash('sha256').update(readFileSync(TARBALL)).digest('hex');
}

/** Builds and packs `src` as it is now into `.cache/handfast.tgz`; resolves with its digest. */
export async function pack(): Promise<string> {
  const root = join(here, '..');
  const stage = join(here, '.cache', `package-${process.pid}`);
  mkdirSync(stage, { recursive: true });
  try {
    console.log('embedding: building and packing handfast');
    const outDir = join(stage, 'dist');
    await run(root, process.execPath, '--import', 'tsx', 'scripts/build.ts', outDir);
    cpSync(join(root, 'package.json'), join(stage, 'package.json'));
    // The scripts would build once more, and have nothing here to build from.
    const packed = await npm(stage, 'pack', '--ignore-scripts', '--silent');
    // Another run may be installing from the old one: it keeps the file it has opened.
    renameSync(join(stage, packed.trim()), TARBALL);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
  return digestTarball();
}
