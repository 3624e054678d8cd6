// Whom handfast is measured beside: how each one's server is started, and how the missing ones are
// installed into bench/node_modules, where the project itself never looks.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** How to start a server; what it is to do is appended to `args`. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** No WebSocket servers: what Node's sockets cost by themselves. */
export const FLOORS = ['net', 'net-http', 'net-shared', 'net-kept', 'net-handle'] as const;
export const RIVALS = ['handfast', 'ws', 'ws-plain', 'bun', 'deno', ...FLOORS] as const;
export type Rival = (typeof RIVALS)[number];

/** Who takes part in a run: a rival, or one side of a comparison. */
export interface Contestant {
  readonly id: string;
  readonly title: string;
  /** Null when it is not installed. */
  findLaunch(): Launch | null;
}

/** The rivals' names as the report shows them. */
export const TITLES: Readonly<Record<Rival, string>> = {
  handfast: 'handfast',
  ws: 'ws + addons',
  'ws-plain': 'ws plain',
  bun: 'Bun',
  deno: 'Deno',
  net: 'bare net',
  'net-http': 'bare http',
  'net-shared': 'bare onread',
  'net-kept': 'bare onread, kept',
  'net-handle': 'bare handle',
};

const here = fileURLToPath(new URL('./', import.meta.url));
/** The folder of this checkout. */
export const root: string = fileURLToPath(new URL('..', import.meta.url));
const modules = `${here}node_modules/`;
const require = createRequire(import.meta.url);

const onNode = (file: string, env: Record<string, string> = {}): Launch => ({
  command: process.execPath,
  args: ['--expose-gc', `${here}servers/${file}`],
  env,
});

function isResolvable(name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * The program inside the one platform package that was installed: the npm packages `bun` and `deno`
 * put it elsewhere in a script, and scripts may be switched off.
 */
function findProgram(scope: string, paths: readonly string[]): string | null {
  if (!existsSync(modules + scope)) return null;
  const candidates = readdirSync(modules + scope).flatMap((name) =>
    paths.map((path) => `${modules}${scope}/${name}/${path}`),
  );
  return candidates.find((path) => existsSync(path)) ?? null;
}

/** How to start handfast as it was built into a folder. */
export function launchHandfast(folder: string): Launch {
  return onNode('handfast.mjs', { HANDFAST_DIST: folder });
}

/** A rival as a contestant. */
export function createContestant(rival: Rival): Contestant {
  return { id: rival, title: TITLES[rival], findLaunch: () => findLaunch(rival) };
}

/** How to start a rival, or null when it is not installed. */
export function findLaunch(rival: Rival): Launch | null {
  switch (rival) {
    case 'handfast':
      return launchHandfast(`${here}.dist`);
    case 'net':
    case 'net-http':
    case 'net-shared':
    case 'net-handle':
      return onNode(`${rival}.mjs`);
    case 'net-kept':
      return onNode('net-shared.mjs', { BARE_KEPT: '1' });
    case 'ws-plain':
      return isResolvable('ws') ? onNode('ws.mjs', { WS_NO_BUFFER_UTIL: '1' }) : null;
    case 'ws':
      return ['ws', 'bufferutil', 'utf-8-validate'].every(isResolvable) ? onNode('ws.mjs') : null;
    case 'bun': {
      const command = findProgram('@oven', ['bin/bun', 'bin/bun.exe']);
      return command === null ? null : { command, args: ['run', `${here}servers/bun.js`], env: {} };
    }
    case 'deno': {
      const command = findProgram('@deno', ['deno', 'deno.exe']);
      // Nothing is fetched or written outside of this folder.
      const env = { DENO_DIR: `${modules}.deno`, DENO_NO_UPDATE_CHECK: '1' };
      const flags = ['--allow-all', '--no-config', '--no-lock', '--v8-flags=--expose-gc'];
      return command === null
        ? null
        : { command, args: ['run', ...flags, `${here}servers/deno.js`], env };
    }
  }
}

/** Runs a command with its output shown; gives its exit code, or null if it did not start. */
export function run(command: string, args: readonly string[], cwd: string): Promise<number | null> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  });
}

/** Installs the versions that bench/package.json names, without running any package's scripts. */
export function install(): Promise<number | null> {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  // Not `npm ci`: it refuses all for one platform's package that the lock file lacks. And shown even
  // if the benchmark itself was started with `npm run --silent`.
  const flags = ['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--loglevel=notice'];
  return run(npm, ['install', ...flags], here);
}

/** What a build is made of: the modules that are packed, or one for each file of src/. */
export type Layout = 'packed' | 'apart';

/**
 * Builds a checkout's src/ with the tools of this one; gives the exit code. Revisions from before there
 * was scripts/build.ts packed what the compiler made, one module for each file.
 */
export async function build(
  checkout = root,
  outDir = `${here}.dist`,
  layout: Layout = 'packed',
): Promise<number | null> {
  const script = `${checkout}/scripts/build.ts`;
  const compiler = `${root}node_modules/typescript/bin/tsc`;
  const project = ['-p', `${checkout}/tsconfig.build.json`, '--emitDeclarationOnly', 'false'];
  rmSync(outDir, { recursive: true, force: true });
  const args =
    layout === 'packed' && existsSync(script)
      ? ['--import', 'tsx', script, outDir]
      : [compiler, ...project, '--outDir', outDir];
  const code = await run(process.execPath, args, here);
  mkdirSync(outDir, { recursive: true });
  // The folder may lie anywhere, where nothing else says that its files are modules.
  writeFileSync(`${outDir}/package.json`, '{ "type": "module" }\n');
  return code;
}
