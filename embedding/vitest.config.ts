// The embedding tests' own configuration: `npm test` never sees them, because they need a registry.

import { defineConfig } from 'vitest/config';

export default defineConfig({
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
