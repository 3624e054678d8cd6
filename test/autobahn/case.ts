// What one conformance case consists of: what the tester sends, what must come back, how it ends.
// The table knows neither sockets nor roles; the runner masks where the tester plays the client.

import { encodeClose, type FrameSpec } from '../support/wire.ts';

/**
 * How octets are cut into writes: all frames in one, one write per frame, or pieces of that many
 * octets. What a case sends never depends on it, and neither may the outcome (§6.2).
 */
export type Chop = 'whole' | 'frame' | number;

/** One thing the tester does. */
export type Step =
  | { do: 'send'; frames: FrameSpec[]; chop: Chop }
  /** Part of one frame's octets: payload positions `start` to `end`, with the header before position 0. */
  | { do: 'piece'; frame: FrameSpec; start: number; end: number }
  /** Nothing comes and the connection stays: the octets so far were acceptable. */
  | { do: 'quiet' }
  /** Waits until this many of the expected events are there. */
  | { do: 'events'; count: number }
  /** Waits for the Close of the tested side, before anything further is sent. */
  | { do: 'failure' };

/** What the tested side sends, other than Close. Messages are put together from their fragments. */
export interface Event {
  kind: 'text' | 'binary' | 'ping' | 'pong';
  payload: Buffer;
}

/** How the connection ends. */
export interface Ending {
  /** Who sends the first Close. When 'tester', and no step did, the tester does after the last event, with 1000. */
  by: 'tester' | 'subject';
  /** The code in the Close of the tested side; undefined: a Close with an empty body. */
  code: number | undefined;
  /** The closing handshake is complete and TCP ends with FIN, never with a reset. */
  clean: boolean;
}

export interface Case {
  /** The well-known number, such as '6.4.3'. */
  number: string;
  /** Requirement rows that the case pins for both roles, in brackets. */
  rows: string;
  /** …and those that it pins for a server or for a client only. */
  serverRows?: string;
  clientRows?: string;
  title: string;
  steps: Step[];
  events: Event[];
  ending: Ending;
}

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

export const send = (frames: FrameSpec[], chop: Chop = 'whole'): Step => ({
  do: 'send',
  frames,
  chop,
});

export const text = (payload: Buffer | string): Event => ({
  kind: 'text',
  payload: Buffer.from(payload),
});

export const pong = (payload: Buffer | string): Event => ({
  kind: 'pong',
  payload: Buffer.from(payload),
});

/** A Close frame as the tester sends it. */
export const close = (code?: number, reason: Buffer | string = ''): FrameSpec => ({
  opcode: CLOSE,
  payload: encodeClose(code, reason),
});

/** The fragments of one message. */
export function fragments(opcode: number, payloads: (Buffer | string)[]): FrameSpec[] {
  return payloads.map((payload, i) => ({
    opcode: i === 0 ? opcode : CONTINUATION,
    fin: i === payloads.length - 1,
    payload,
  }));
}

/** One payload cut into equal pieces, the last one perhaps shorter. */
export function cut(payload: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let start = 0; start < payload.length; start += size) {
    pieces.push(payload.subarray(start, start + size));
  }
  return pieces;
}

/** The tested side behaves; the tester then closes with 1000 and is answered in kind. */
export const NORMAL: Ending = { by: 'tester', code: 1000, clean: true };

/** The tested side fails the connection with this code (§7.1.7). */
export const failing = (code: number): Ending => ({ by: 'subject', code, clean: false });

/** A case in which the tested side behaves throughout. */
export function normal(
  number: string,
  rows: string,
  title: string,
  steps: Step[],
  events: Event[] = [],
): Case {
  return { number, rows, title, steps, events, ending: NORMAL };
}

/** §7.1.7: fails with 1002. Autobahn would also take a dropped connection; a Close is demanded. */
export function refused(
  number: string,
  rows: string,
  title: string,
  steps: Step[],
  events: Event[] = [],
): Case {
  return {
    ...{ number, title, steps, events, ending: failing(1002) },
    rows: `${rows} [6455-7.1.7-e]`,
    serverRows: '[6455-7.1.7-c]',
    clientRows: '[6455-7.1.7-a]',
  };
}

/** The same case with every octet in a write of its own; undefined where that would take thousands. */
export function chopped(entry: Case): Case | undefined {
  const sizes = entry.steps.map((step) => (step.do === 'send' ? step.frames : []).map(sizeOf));
  if (sizes.flat().reduce((sum, size) => sum + size, 0) > 1000) return undefined;
  const steps = entry.steps.map((step) => (step.do === 'send' ? { ...step, chop: 1 } : step));
  return { ...entry, steps };
}

function sizeOf(frame: FrameSpec): number {
  return Buffer.from(frame.payload ?? '').length;
}
