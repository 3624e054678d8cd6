// The closing handshake (§7.1) as a table. What it decides: whether data may be sent, whether input
// still counts, and which code and reason the connection ends with (§7.1.5, §7.1.6).

import { Buffer } from 'node:buffer';
import { ABNORMAL_CLOSURE } from '../frame/close.ts';

/**
 * `open`; `sent`: our Close is out; `received`: the peer's has come, and ours waits for what was to be
 * sent before it; `complete`: both have passed; `failed`: a rule was broken and nothing is read any
 * more (§7.1.7); `lost`: the transport ended first (§7.1.5).
 */
export type ClosingState = 'open' | 'sent' | 'received' | 'complete' | 'failed' | 'lost';

/** What can happen to it. */
export type ClosingEvent = 'send' | 'receive' | 'fail' | 'end';

const NEXT: Readonly<Record<ClosingState, Readonly<Record<ClosingEvent, ClosingState>>>> = {
  open: { send: 'sent', receive: 'received', fail: 'failed', end: 'lost' },
  sent: { send: 'sent', receive: 'complete', fail: 'failed', end: 'lost' },
  received: { send: 'complete', receive: 'received', fail: 'failed', end: 'lost' },
  complete: { send: 'complete', receive: 'complete', fail: 'complete', end: 'complete' },
  failed: { send: 'failed', receive: 'failed', fail: 'failed', end: 'failed' },
  lost: { send: 'lost', receive: 'lost', fail: 'lost', end: 'lost' },
};

const EMPTY = Buffer.alloc(0);

/** Where one connection stands in its closing handshake. */
export class ClosingHandshake {
  #state: ClosingState = 'open';
  /** §7.1.5: the code of the first Close received, 1006 while there is none. */
  code: number = ABNORMAL_CLOSURE;
  /** §7.1.6: its reason. */
  reason: Buffer = EMPTY;

  get state(): ClosingState {
    return this.#state;
  }

  /** §5.5.1: data may be sent until our Close is; the peer's does not change that. */
  get maySend(): boolean {
    return this.#state === 'open' || this.#state === 'received';
  }

  /** §7.1.4: clean if the closing handshake was complete before the transport closed. */
  get wasClean(): boolean {
    return this.#state === 'complete';
  }

  /** Moves on; returns the state that was left. */
  apply(event: ClosingEvent): ClosingState {
    const from = this.#state;
    this.#state = NEXT[from][event];
    return from;
  }

  /** The peer's Close came; only the first one counts (§7.1.5). Returns the state that was left. */
  receive(code: number, reason: Buffer): ClosingState {
    const from = this.apply('receive');
    if (from === 'open' || from === 'sent') {
      this.code = code;
      this.reason = reason;
    }
    return from;
  }
}
