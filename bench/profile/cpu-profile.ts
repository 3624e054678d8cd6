// A V8 CPU profile as `node --cpu-prof` writes it: which function was met how often within a stretch
// of time, with those that called it. Knows neither files nor libraries.

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

/** A stack that was met, the innermost function first, and in how many samples. */
export interface Met {
  readonly stack: readonly CallFrame[];
  readonly count: number;
}

/** The stacks that were met between `from` and `to`, and the number of samples altogether. */
export function countStacks(
  { nodes, startTime, samples, timeDeltas }: CpuProfile,
  from: number,
  to: number,
): { met: Met[]; samples: number } {
  const counts = new Map<number, number>();
  let total = 0;
  let time = startTime;
  samples.forEach((id, index) => {
    time += timeDeltas[index];
    if (time < from || time >= to) return;
    counts.set(id, (counts.get(id) ?? 0) + 1);
    total++;
  });
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const parents = new Map<number, number>();
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id);
  const met = [...counts].map(([id, count]) => {
    const stack: CallFrame[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      stack.push(frames.get(at) as CallFrame);
    }
    return { stack, count };
  });
  return { met, samples: total };
}
