// Builds the package: `tsx scripts/build.ts [folder]`, into dist/ if no folder is named. The compiler makes
// the declarations, file by file, and finds the errors; esbuild joins the modules into one for each entry
// point and one for each part that entry points share, as Node takes longer to find 80 files than to run them.

import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = resolve(process.argv[2] ?? join(root, 'dist'));

/** The entry points that the package's `exports` name, as paths below src/ without an extension. */
function findEntries(): string[] {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { default: string }>;
  };
  return Object.values(manifest.exports)
    .filter((entry) => typeof entry !== 'string')
    .map((entry) => entry.default.replace(/^\.\/dist\/(.+)\.js$/, '$1'));
}

/** Has the compiler check src/ and write its declarations; gives its exit code. */
function declare(): number {
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  const project = ['-p', join(root, 'tsconfig.build.json'), '--outDir', folder];
  const args = [join(typescript, 'bin', 'tsc'), ...project];
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
}

rmSync(folder, { recursive: true, force: true });
process.exitCode = declare();
if (process.exitCode === 0) {
  await build({
    absWorkingDir: root,
    entryPoints: findEntries().map((entry) => `src/${entry}.ts`),
    outbase: 'src',
    outdir: folder,
    chunkNames: 'chunks/[hash]',
    bundle: true,
    // Classes and state that entry points share are there once, so that `instanceof` holds across them.
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    target: 'node20',
    // With the sources inside, as src/ is not in the package.
    sourcemap: true,
    logLevel: 'warning',
  });
}
