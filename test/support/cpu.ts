// What code costs, in this process's own CPU time: a busy machine cannot make it longer, as it can the clock's.

/** Milliseconds of CPU time, of all threads, that `run` took. */
export function cpuTimeOf(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
