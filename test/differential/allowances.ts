// The differences from `ws` that are meant. Each has a name, which docs/migrating-from-ws.md explains, and
// takes out of two outcomes no more than what it is about.

import type { Outcome } from './player.ts';
import type { Script } from './script.ts';

export interface Allowance {
  readonly name: string;
  /** Changes both, so that they compare equal where they differ by this only. */
  apply(ours: Outcome, theirs: Outcome, script: Script): void;
}

export const allowances: readonly Allowance[] = [
  {
    name: 'A write that was cut off is told as not written',
    apply: (ours, theirs, script) => {
      if (!isCutOff(ours, script)) return;
      for (const [i, each] of ours.callbacks.entries()) {
        const ok = each.replace('error', 'ok');
        if (theirs.callbacks.includes(ok)) ours.callbacks[i] = ok;
      }
    },
  },
  {
    name: 'Callbacks of a batch come together, those of what came too late before them',
    apply: (...both) => {
      for (const { callbacks } of both.slice(0, 2) as Outcome[]) {
        callbacks.sort((a, b) => Number(a.endsWith('ok')) - Number(b.endsWith('ok')));
      }
    },
  },
  {
    name: 'A client leaves it to the server to end the transport',
    apply: (ours, theirs, { role }) => {
      const last = theirs.wire.at(-1);
      if (role === 'client' && last === 'fin' && ours.wire.at(-1) !== 'fin' && hasClosed(ours)) {
        theirs.wire.pop();
      }
    },
  },
  {
    name: 'Pings are answered until the Close of the peer comes',
    apply: (ours) => {
      const close = ours.wire.findIndex((each) => each.startsWith('fin 0 8'));
      if (close === -1) return;
      const behind = ours.wire.splice(close + 1);
      ours.wire.push(...behind.filter((each) => !each.startsWith('fin 0 10')));
    },
  },
  {
    name: 'Pongs wait while the peer does not read',
    apply: (ours, theirs) => {
      // Only where something was sent that fills the transport.
      if (!ours.wire.some((each) => /\d{4,}:/.test(each))) return;
      let next = 0;
      const kept = theirs.wire.filter((each) => {
        const isMissing = each.startsWith('fin 0 10') && ours.wire[next] !== each;
        if (!isMissing) next++;
        return !isMissing;
      });
      theirs.wire.splice(0, Infinity, ...kept);
    },
  },
  {
    name: 'A fault is answered although the end of the transport came with it',
    apply: (ours, theirs, { steps }) => {
      const ends = steps.some((step) => 'peer' in step && step.peer === 'end');
      const failed = ours.events.some((each) => each.startsWith('error WS_ERR'));
      if (!ends || !failed || hasClosed(theirs)) return;
      const close = ours.wire.findIndex((each) => each.startsWith('fin 0 8'));
      if (close !== -1) ours.wire.splice(close, 1);
    },
  },
];

/** A Close frame of its own is on the wire. */
function hasClosed({ wire }: Outcome): boolean {
  return wire.some((each) => each.startsWith('fin 0 8'));
}

/** The transport was dropped, by either side; a Close may have come before and not been read. */
function isCutOff({ events }: Outcome, { steps }: Script): boolean {
  const terminates = steps.some((step) => 'do' in step && step.do === 'terminate');
  return terminates || events.some((each) => each.startsWith('close 1006'));
}
