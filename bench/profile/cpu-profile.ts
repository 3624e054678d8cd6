// A V8 CPU profile as `node --cpu-prof` writes it: which function was met how long within a stretch of
// time, with those that called it. Knows neither files nor libraries.

/** A function in a profile; native ones have no url. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
}

/** The parts of a .cpuprofile that are used. Times in µs of the machine's monotonic clock. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[];
  }[];
  readonly startTime: number;
  /** Ids of nodes, and for each the µs since the one before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** A stack that was met, the innermost function first, and for how many µs. */
export interface Met {
  readonly stack: readonly CallFrame[];
  readonly time: number;
}

/**
 * A process that waits for its core is not sampled, and the sample after that stands for the whole wait.
 * So none stands for more than so many times the usual distance.
 */
const MOST = 3;

/** What `--cpu-prof-interval` has become on this machine: the median distance between samples. */
function findInterval(deltas: readonly number[]): number {
  const sorted = deltas.filter((delta) => delta > 0).sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

/** How long each stack was met between `from` and `to`, and in how many samples altogether. */
export function sumStacks(
  { nodes, startTime, samples, timeDeltas }: CpuProfile,
  from: number,
  to: number,
): { met: Met[]; samples: number } {
  const most = findInterval(timeDeltas) * MOST;
  const times = new Map<number, number>();
  let count = 0;
  let time = startTime;
  samples.forEach((id, index) => {
    time += timeDeltas[index];
    if (time < from || time >= to) return;
    // A sample stands for what follows it until the next one; the first delta leads to the first sample.
    const lasted = Math.min(most, Math.max(0, timeDeltas[index + 1] ?? 0));
    times.set(id, (times.get(id) ?? 0) + lasted);
    count++;
  });
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const parents = new Map<number, number>();
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id);
  const met = [...times].map(([id, lasted]) => {
    const stack: CallFrame[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      stack.push(frames.get(at) as CallFrame);
    }
    return { stack, time: lasted };
  });
  return { met, samples: count };
}
