// The process that one group is measured in, so that what other groups taught the compiler does not count.
// Arguments: folder of the built library, group, rounds, seconds. Tells progress and results over IPC.

import { loadLibrary } from './case.ts';
import { FACTORIES } from './cases.ts';
import type { MicroGroup } from './groups.ts';
import { checksum, type MicroResult, measureCases } from './measure.ts';

/** What a worker sends: a case begins, or all are done. */
export type WorkerMessage =
  | { readonly progress: string }
  | { readonly results: readonly MicroResult[]; readonly checksum: number };

process.on('disconnect', () => process.exit(0));
// Ctrl+C is for the benchmark, which ends this process itself.
process.on('SIGINT', () => {});

const [folder, group, rounds, seconds] = process.argv.slice(2);
const send = (message: WorkerMessage): void => void process.send?.(message);
const cases = FACTORIES[group as MicroGroup](await loadLibrary(folder));
const tell = (progress: string): void => send({ progress });
const results = measureCases(cases, Number(rounds), Number(seconds), tell);
process.send?.({ results, checksum } satisfies WorkerMessage, () => process.exit(0));
