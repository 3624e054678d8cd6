// A revision of this repository, checked out into a temporary folder and built there; `.` is the working
// tree as it stands. Whatever was made for it is taken away again, on Ctrl+C too.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, root } from './rivals.ts';

/** A built revision. */
export interface Revision {
  /** What it was asked for by, and the commit that it is. */
  readonly title: string;
  /** Where its compiled library is. */
  readonly folder: string;
}

const made = new Set<{ base: string; tree: string | null }>();

function git(...args: string[]): string {
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: [...stdio] }).trim();
}

/** Gives `name` as a commit. Throws when there is none, or the name would be an option. */
export function findCommit(name: string): string {
  try {
    return git('rev-parse', '--verify', '--short', '--end-of-options', `${name}^{commit}`);
  } catch {
    throw new Error(`There is no commit '${name}' in this repository`);
  }
}

/** Builds one. Throws when it cannot be checked out or built. */
export async function buildRevision(name: string): Promise<Revision> {
  const commit = name === '.' ? null : findCommit(name);
  const base = mkdtempSync(join(tmpdir(), 'handfast-bench-'));
  const tree = commit === null ? null : join(base, 'tree');
  made.add({ base, tree });
  if (tree !== null && commit !== null) {
    git('worktree', 'add', '--detach', '--quiet', tree, commit);
    // The compiler and the types come from this checkout: a difference in them is no difference of src/.
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'), 'dir');
  }
  const folder = join(base, 'dist');
  if ((await build(tree ?? root, folder)) !== 0) throw new Error(`'${name}' could not be built`);
  const title = commit === null ? 'working tree' : commit === name ? commit : `${name} (${commit})`;
  return { title, folder };
}

/** Takes away every checkout and build; safe to call at any time, also when a process ends. */
export function removeRevisions(): void {
  for (const { base, tree } of made) {
    try {
      if (tree !== null) git('worktree', 'remove', '--force', tree);
    } catch {
      // A checkout that was never completed: the folder goes below, the record with the next prune.
    }
    rmSync(base, { recursive: true, force: true });
  }
  made.clear();
}
