// What the figures were taken on: told in the report and kept with the results.

import { execFileSync } from 'node:child_process';
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The machine and the checkout, as far as they can be told. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly system: string;
  readonly node: string;
  /** Of this checkout; null outside of a repository. With `+` there are changes on top. */
  readonly commit: string | null;
  /** Load average over one minute before the first run. */
  readonly loadAverage: number;
}

function git(...args: string[]): string | null {
  const cwd = fileURLToPath(new URL('./', import.meta.url));
  try {
    const stdio = ['ignore', 'pipe', 'ignore'] as const;
    return execFileSync('git', args, { cwd, encoding: 'utf8', stdio: [...stdio] }).trim();
  } catch {
    return null;
  }
}

export function describeMachine(): Machine {
  const commit = git('rev-parse', '--short', 'HEAD');
  const changes = git('status', '--porcelain', '--', '../src', '.');
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryMiB: Math.round(totalmem() / 1024 / 1024),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.versions.node,
    commit: commit && (changes ? `${commit}+` : commit),
    loadAverage: loadavg()[0],
  };
}
