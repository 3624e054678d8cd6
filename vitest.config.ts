import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Two cores, real sockets: enough workers to be quick, few enough that timers stay honest.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // What is waited for has come at once, but for a machine that is busy with something else.
    expect: { poll: { timeout: 10_000 } },
    coverage: {
      provider: 'v8',
      include: [
        'src/errors.ts',
        'src/mask/**',
        'src/frame/**',
        'src/message/**',
        'src/handshake/**',
        'src/deflate/**',
        'src/connection/**',
      ],
      thresholds: { branches: 100 },
      reporter: ['text'],
    },
  },
});
