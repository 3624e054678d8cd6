// Child processes whose output is shown only when they fail, npm above all.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** `npm run` hands its own settings down by environment; the commands here are to see a shell's. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^npm_(package|lifecycle|command|config_local_prefix)/i.test(name),
  ),
);

/**
 * Runs a program to its end, five minutes at most, and resolves with what it printed to stdout. Rejects with
 * an Error whose message holds both outputs in full.
 */
export async function run(cwd: string, program: string, ...args: string[]): Promise<string> {
  const options = { cwd, env, timeout: 300_000, maxBuffer: 1 << 26 };
  try {
    return (await promisify(execFile)(program, args, options)).stdout;
  } catch (error) {
    // The message already ends with what was printed to stderr.
    const { message, stdout = '' } = error as { message: string; stdout?: string };
    throw new Error(`in ${cwd}: ${message}\n${stdout}`);
  }
}

/** Runs npm; as `run`. Under `npm run`, the npm that is running. */
export function npm(cwd: string, ...args: string[]): Promise<string> {
  const path = process.env.npm_execpath;
  if (path?.endsWith('npm-cli.js')) return run(cwd, process.execPath, path, ...args);
  return run(cwd, 'npm', ...args);
}
