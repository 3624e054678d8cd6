// The closing handshake: every state and event of the table (§7.1), and what is kept of a Close.

import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import {
  type ClosingEvent,
  ClosingHandshake,
  type ClosingState,
} from '../../src/connection/closing.ts';

const STATES: readonly ClosingState[] = ['open', 'sent', 'received', 'complete', 'failed', 'lost'];
const EVENTS: readonly ClosingEvent[] = ['send', 'receive', 'fail', 'end'];

/** A handshake that has been brought to `state`. */
function at(state: ClosingState): ClosingHandshake {
  const path: Record<ClosingState, ClosingEvent[]> = {
    ...{ open: [], sent: ['send'], received: ['receive'], complete: ['send', 'receive'] },
    ...{ failed: ['fail'], lost: ['end'] },
  };
  const closing = new ClosingHandshake();
  for (const event of path[state]) closing.apply(event);
  return closing;
}

describe('the closing handshake', () => {
  it.each(STATES.flatMap((state) => EVENTS.map((event) => [state, event] as const)))(
    '[6455-7.1.3-a] [6455-7.1.4-a] in state %s takes %s',
    (state, event) => {
      // §7.1.3, §7.1.4, §7.1.7: until both have passed, or the connection failed or was lost, each counts.
      const isOver = state === 'complete' || state === 'failed' || state === 'lost';
      const moves: Record<ClosingEvent, ClosingState> = {
        send: state === 'received' ? 'complete' : 'sent',
        receive: state === 'sent' ? 'complete' : 'received',
        fail: 'failed',
        end: 'lost',
      };
      const expected = isOver ? state : moves[event];
      const closing = at(state);
      expect(closing.apply(event)).toBe(state);
      expect(closing.state).toBe(expected);
      expect(closing.wasClean).toBe(expected === 'complete');
      // §5.5.1: no data behind our own Close, and none where nothing can follow.
      expect(closing.maySend).toBe(expected === 'open' || expected === 'received');
    },
  );

  it('[6455-7.1.5-c] has code 1006 and no reason until a Close has come', () => {
    for (const state of ['open', 'sent', 'failed', 'lost'] as const) {
      expect(at(state)).toMatchObject({ code: 1006, reason: Buffer.alloc(0) });
    }
  });

  it.each(['open', 'sent'] as const)(
    '[6455-7.1.5-a] [6455-7.1.6-a] keeps code and reason of the first Close, from state %s',
    (state) => {
      const closing = at(state);
      expect(closing.receive(3000, Buffer.from('first'))).toBe(state);
      const next = state === 'open' ? 'received' : 'complete';
      expect(closing.receive(4000, Buffer.from('second'))).toBe(next);
      expect(closing).toMatchObject({ code: 3000, reason: Buffer.from('first') });
    },
  );

  it.each(['failed', 'lost'] as const)(
    '[6455-7.1.7-g] [6455-7.1.5-c] keeps 1006 when a Close comes too late, in state %s',
    (state) => {
      const closing = at(state);
      closing.receive(1000, Buffer.from('late'));
      expect(closing).toMatchObject({ code: 1006, reason: Buffer.alloc(0), wasClean: false });
    },
  );
});
