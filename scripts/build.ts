// Builds the package: `tsx scripts/build.ts [folder]`, into dist/ if no folder is named. The compiler makes
// the declarations, file by file, and finds the errors; esbuild joins the modules into one for each entry
// point and one for each part that entry points share, as Node takes longer to find 80 files than to run them.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
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

/** Takes away the declarations that no entry point leads to: they are of what is inside. */
function pruneDeclarations(entries: readonly string[]): void {
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path) || !existsSync(path)) return;
    reached.add(path);
    const specifiers = /(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]+)\.[jt]s['"]/g;
    for (const [, specifier] of readFileSync(path, 'utf8').matchAll(specifiers)) {
      visit(join(dirname(path), `${specifier}.d.ts`));
    }
  };
  for (const entry of entries) visit(join(folder, `${entry}.d.ts`));
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = join(folder, path);
    if (path.endsWith('.d.ts') && !reached.has(file)) rmSync(file);
  }
  // What only held such files.
  for (const path of readdirSync(folder, { withFileTypes: true })) {
    const room = join(folder, path.name);
    if (path.isDirectory() && readdirSync(room).length === 0) rmSync(room, { recursive: true });
  }
}

const entries = findEntries();
rmSync(folder, { recursive: true, force: true });
process.exitCode = declare();
if (process.exitCode === 0) {
  await build({
    absWorkingDir: root,
    entryPoints: entries.map((entry) => `src/${entry}.ts`),
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
  pruneDeclarations(entries);
}
