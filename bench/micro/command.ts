// `npm run bench -- micro`: each group in a process of its own, bound to the core that servers get
// otherwise.

import { type Cores, findCores, forkModule } from '../children.ts';
import type { Options } from '../options.ts';
import { Progress } from '../progress.ts';
import { MICRO_GROUPS, type MicroGroup } from './groups.ts';
import type { MicroResult } from './measure.ts';
import { formatMicro } from './report.ts';
import type { WorkerMessage } from './worker.ts';

/** One group; rejects when the worker fails. */
function runGroup(
  folder: string,
  group: MicroGroup,
  { rounds, seconds }: Pick<Options, 'rounds' | 'seconds'>,
  core: number | null,
  onProgress: (name: string) => void,
): Promise<readonly MicroResult[]> {
  const args = [folder, group, String(rounds), String(seconds)];
  const child = forkModule('micro/worker.ts', args, core);
  return new Promise((resolve, reject) => {
    child.on('message', (message: WorkerMessage) => {
      if ('progress' in message) onProgress(message.progress);
      else resolve(message.results);
    });
    child.on('exit', () => reject(new Error(`the worker for ${group} ended without results`)));
  });
}

/** Measures the groups that the options name on the library in `folder`. */
export async function measureMicro(
  options: Pick<Options, 'only' | 'rounds' | 'seconds'>,
  folder: string,
): Promise<{ micro: MicroResult[]; cores: Cores | null }> {
  const { only } = options;
  const cores = findCores();
  const core = cores?.server ?? null;
  const groups = MICRO_GROUPS.filter((group) => only === null || only.includes(group));
  const micro: MicroResult[] = [];
  const progress = new Progress(groups.length);
  for (const group of groups) {
    progress.step(group);
    // The steps within a group are shown, but how many there are is known to the worker only.
    const show = (name: string): void => progress.note(`${group}: ${name}`);
    const results = await runGroup(folder, group, options, core, show);
    progress.clear();
    process.stdout.write(formatMicro(results));
    micro.push(...results);
  }
  return { micro, cores };
}
