// The embedding tests' own configuration: `npm test` never sees them, because they need a registry.

import { defineConfig } from 'vitest/config';

// Tests are to get the files of a library that Node itself would load, not those meant for bundlers: a
// library that is loaded both ways exists twice.
const asNode = { conditions: ['node'], externalConditions: ['node'], mainFields: ['main'] };
const extensions = ['.js', '.json', '.mjs', '.ts'];

export default defineConfig({
  resolve: { ...asNode, extensions },
  ssr: { resolve: asNode },
  test: {
    root: import.meta.dirname,
    include: ['*/*.test.ts'],
    // A library may leave handles or globals behind: each file has a process of its own.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
