// Runs the libraries of this directory on handfast in place of `ws`: packs the project, installs the
// folders, hands their tests to vitest. Arguments are names of folders; none means all of them. With
// `--packed` the tarball of the last run, or one put in its place, is tested instead of `src` as it is now;
// `--json=FILE` leaves a report there beside the one on the terminal.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve as resolvePath } from 'node:path';
import { install } from './install.ts';
import { digestTarball, here, pack } from './tarball.ts';

/** Folders with tests of their own; what is in `support/` is for the others. */
function listFolders(): string[] {
  return readdirSync(here, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .filter((name) => readdirSync(join(here, name)).some((file) => file.endsWith('.test.ts')));
}

function chooseFolders(named: readonly string[]): string[] {
  const known = listFolders();
  const unknown = named.filter((name) => !known.includes(name));
  if (unknown.length === 0) return named.length === 0 ? known : [...new Set(named)];
  throw new Error(`no tests in embedding/${unknown.join(', ')}; there are: ${known.join(', ')}`);
}

/** Runs vitest on these folders and resolves with its exit code. */
function runTests(folders: readonly string[], report: string | undefined): Promise<number> {
  const manifest = createRequire(import.meta.url).resolve('vitest/package.json');
  const vitest = join(dirname(manifest), 'vitest.mjs');
  const config = join(here, 'vitest.config.ts');
  // Absolute paths with a slash at the end: vitest compares by beginning, and one name may begin another.
  const filters = folders.map((name) => join(here, name, '/'));
  const reporters =
    report === undefined
      ? []
      : ['--reporter=default', '--reporter=json', `--outputFile.json=${resolvePath(report)}`];
  const args = [vitest, 'run', '--config', config, ...reporters, ...filters];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: here, stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

async function main(): Promise<number> {
  const given = process.argv.slice(2);
  const isPacked = given.includes('--packed');
  const report = given.find((argument) => argument.startsWith('--json='))?.slice('--json='.length);
  const folders = chooseFolders(given.filter((argument) => !argument.startsWith('--')));
  const tarball = isPacked ? digestTarball() : await pack();
  const installable = folders.filter((name) => existsSync(join(here, name, 'package.json')));
  await install(installable, tarball);
  return runTests(folders, report);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
