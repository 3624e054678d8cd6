// Heartbeats (§5.5.2): a Ping to every peer that has been silent for an interval, and an end to those
// that stay silent for another one. One timer serves all links with the same interval.

/** Something whose peer should be heard of. */
export interface Beating {
  /** An interval has passed. Must not throw. */
  beat(): void;
}

interface Round {
  readonly members: Set<Beating>;
  readonly timer: NodeJS.Timeout;
}

const rounds = new Map<number, Round>();

/** Calls `member.beat()` every `interval` milliseconds until `stopBeating`. */
export function startBeating(member: Beating, interval: number): void {
  let round = rounds.get(interval);
  if (round === undefined) {
    const members = new Set<Beating>();
    const timer = setInterval(beatAll, interval, members);
    // A heartbeat alone is no reason for a process to live.
    timer.unref();
    round = { members, timer };
    rounds.set(interval, round);
  }
  round.members.add(member);
}

/** Ends what `startBeating` began; the last member takes the timer with it. */
export function stopBeating(member: Beating, interval: number): void {
  const round = rounds.get(interval);
  if (round === undefined || !round.members.delete(member) || round.members.size > 0) return;
  clearInterval(round.timer);
  rounds.delete(interval);
}

function beatAll(members: ReadonlySet<Beating>): void {
  for (const member of members) member.beat();
}
