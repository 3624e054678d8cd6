import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { buildRevision, findCommit, removeRevisions } from '../../bench/revision.ts';

afterEach(removeRevisions);

describe('findCommit', () => {
  it('knows commits, and nothing else', () => {
    expect(findCommit('HEAD')).toMatch(/^[0-9a-f]{7,40}$/);
    expect(() => findCommit('no-such-thing')).toThrow("no commit 'no-such-thing'");
    expect(() => findCommit('--all')).toThrow('no commit');
  });
});

describe('buildRevision', () => {
  it('builds a commit in a folder of its own, and takes it away again', async () => {
    const { title, folder } = await buildRevision('HEAD');
    expect(title).toBe(`HEAD (${findCommit('HEAD')})`);
    expect(existsSync(join(folder, 'index.js'))).toBe(true);
    removeRevisions();
    expect(existsSync(folder)).toBe(false);
  }, 60_000);
});
