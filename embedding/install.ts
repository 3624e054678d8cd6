// Installs the folders' libraries with handfast as the only `ws` of their trees. A stamp in each
// node_modules says what was installed; a folder whose stamp fits is left as it is.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm } from './npm.ts';
import { digestTarball, here } from './tarball.ts';

/** At once; more would wait for the same network and the same few processors. */
const INSTALLS = 2;

const FLAGS = ['--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts'];

interface Stamp {
  readonly manifest: string;
  readonly tarball: string;
}

function readStamp(folder: string): Partial<Stamp> {
  const file = join(folder, 'node_modules', '.handfast.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Stamp) : {};
}

/**
 * Brings the folders up to date. Rejects at the first install that fails, with npm's own words, once those under
 * way have ended.
 */
export async function install(names: readonly string[], tarball: string): Promise<void> {
  const waiting = [...names];
  const work = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      await installOne(name, tarball).catch((error: unknown) => {
        waiting.length = 0;
        throw error;
      });
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: INSTALLS }, work));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

async function installOne(name: string, tarball: string): Promise<void> {
  const folder = join(here, name);
  const modules = join(folder, 'node_modules');
  const manifest = createHash('sha256')
    .update(readFileSync(join(folder, 'package.json')))
    .digest('hex');
  const stamp = readStamp(folder);
  if (stamp.manifest === manifest && stamp.tarball === tarball) return;

  const started = performance.now();
  console.log(`embedding: ${name}: installing`);
  if (stamp.manifest === manifest) forgetHandfast(modules);
  else rmSync(modules, { recursive: true, force: true });
  await npm(folder, 'install', ...FLAGS);
  // A run beside this one may have packed anew in the meantime: then nobody knows which one this is.
  if (digestTarball() === tarball) {
    const text = JSON.stringify({ manifest, tarball } satisfies Stamp);
    writeFileSync(join(modules, '.handfast.json'), text);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`embedding: ${name}: installed in ${seconds} s`);
}

/** Removes each copy of the last tarball, so that npm puts the new one there; versions do not tell them apart. */
function forgetHandfast(modules: string): void {
  rmSync(join(modules, '.handfast.json'), { force: true });
  rmSync(join(modules, '.package-lock.json'), { force: true });
  for (const path of readdirSync(modules, { recursive: true, encoding: 'utf8' })) {
    if (/(^|[\\/]node_modules[\\/])ws$/.test(path)) {
      rmSync(join(modules, path), { recursive: true, force: true });
    }
  }
}
