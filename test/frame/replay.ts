// Every parser case three times and more: however the transport cut the bytes, the outcome is one
// (§6.2). Also the reader's frames as plain values that can be compared.

import { Buffer } from 'node:buffer';
import { expect } from 'vitest';
import { ProtocolError } from '../../src/errors.ts';
import { FrameReader } from '../../src/frame/reader.ts';
import type { FrameContext } from '../../src/frame/rules.ts';

/** What came of some bytes: things in order, and whether anything that follows is of no account. */
export interface Outcome {
  readonly events: readonly unknown[];
  readonly over: boolean;
}

/** Runs on its own copy of the pieces, which it may change. */
export type Run<T extends Outcome> = (pieces: Buffer[]) => T;

/** More bytes than any header, none of them a frame that anyone would take. */
const GARBAGE = Buffer.alloc(20, 0xff);

/** `bytes` cut into pieces of `size`; each is a fresh copy in memory of its own. */
export function pieces(bytes: Buffer, size: number): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) cut.push(own(bytes.subarray(at, at + size)));
  return cut;
}

function own(bytes: Uint8Array): Buffer {
  const copy = Buffer.from(new ArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

/**
 * Runs `bytes` whole, byte by byte, with empty pieces between, cut in two at every place near either
 * end, and with `trailing` behind them: whole frames that add events unless all was over before.
 * Expects one outcome and returns it.
 */
export function replay<T extends Outcome>(bytes: Buffer, run: Run<T>, trailing: Buffer): T {
  const whole = run([own(bytes)]);
  expect(run(pieces(bytes, 1)), 'byte by byte').toEqual(whole);
  expect(
    run(pieces(bytes, 7).flatMap((piece) => [Buffer.alloc(0), piece])),
    'with empty pieces',
  ).toEqual(whole);
  for (let at = 0; at <= bytes.length; at++) {
    if (at > 40 && at < bytes.length - 40) continue;
    const halves = [own(bytes.subarray(0, at)), own(bytes.subarray(at))];
    expect(run(halves), `cut at ${at}`).toEqual(whole);
  }
  if (whole.over) {
    for (const more of [GARBAGE, trailing]) {
      expect(run([Buffer.concat([bytes, more])]), 'with trailing bytes').toEqual(whole);
      expect(run([own(bytes), own(more)]), 'with trailing bytes').toEqual(whole);
    }
  } else {
    const longer = run([Buffer.concat([bytes, trailing])]);
    expect(longer.events.slice(0, whole.events.length), 'with trailing bytes').toEqual(
      whole.events,
    );
    expect(longer.events.length).toBeGreaterThan(whole.events.length);
  }
  return whole;
}

/** A frame as the reader gave it. */
export interface ReadFrame {
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly opcode: number;
  readonly payload: string;
}

/** What a reader made of some bytes. */
export interface Reading extends Outcome {
  readonly events: readonly ReadFrame[];
  /** Close code and name of the rule, when one was broken. */
  readonly error: { closeCode: number; code: string } | undefined;
}

/** Reads pieces with a reader of their own. A data frame's payload is given joined, as hex. */
export function read(context: FrameContext, pieces: readonly Buffer[]): Reading {
  const events: ReadFrame[] = [];
  const payload: Buffer[] = [];
  const reader = new FrameReader(context, {
    onData(header, piece, last) {
      payload.push(Buffer.from(piece));
      if (!last) return;
      const { fin, rsv1, opcode } = header;
      events.push({ fin, rsv1, opcode, payload: Buffer.concat(payload.splice(0)).toString('hex') });
    },
    onControl(opcode, bytes) {
      events.push({ fin: true, rsv1: false, opcode, payload: bytes.toString('hex') });
    },
  });
  try {
    for (const piece of pieces) reader.read(piece);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const { closeCode, code } = error;
    return { events, error: { closeCode, code }, over: true };
  }
  return { events, error: undefined, over: false };
}
