// Runs: short fragments in the middle of a message, one behind the other, as a client sends them (§5.2,
// §5.4). Each is unmasked and moved to the one before it, so that a run is one piece. Takes only what
// nobody has to decide on: whatever else there is, faults included, is left where it stands.

import { getArenaMemory } from '../mask/arena.ts';
import {
  ADD,
  AND,
  advance,
  BLOCK,
  BRANCH,
  BRANCH_IF,
  constant,
  createFunction,
  END,
  eachStep,
  GET,
  GREATER,
  I32,
  LOAD_8,
  LOAD_16,
  LOAD_32,
  LOAD_WIDE,
  LOOP,
  type Memory,
  NOT_EQUAL,
  NOT_LESS,
  OR,
  SET,
  SHIFT_LEFT,
  SHIFT_RIGHT,
  SPLAT,
  STORE_8,
  STORE_32,
  STORE_WIDE,
  SUBTRACT,
  V128,
  XOR,
  XOR_WIDE,
} from '../mask/wasm.ts';

/** §5.2: two bytes and the masking key. */
const HEADER_LENGTH = 6;
const MASK = 0x80;
/** §5.2: what is longer says so in an extended length. */
const LONGEST_PAYLOAD = 125;

/** A run ends within so many bytes, so that both of its numbers go into one. */
export const LONGEST_RUN = 65_536;
const LENGTH_BITS = 17;

/** Bytes of payload in a run. */
export function payloadOf(run: number): number {
  return run & ((1 << LENGTH_BITS) - 1);
}

/** Fragments in a run. */
export function fragmentsOf(run: number): number {
  return run >>> LENGTH_BITS;
}

/** Bytes that a run takes up with its headers. */
export function extentOf(run: number): number {
  return payloadOf(run) + fragmentsOf(run) * HEADER_LENGTH;
}

/**
 * Joins the fragments that begin at `bytes[start]`: continuations without FIN, masked, of at most 125
 * bytes, whole before `end`, as long as they are no more than `most` and their payloads together no
 * longer than `room`. The payloads then begin at `start`; what the run took up behind them is spoilt.
 * Returns what the functions above take, 0 for no run. `end - start` is at most LONGEST_RUN.
 */
export function joinRun(
  bytes: Uint8Array,
  start: number,
  end: number,
  room: number,
  most: number,
): number {
  let at = start;
  let to = start;
  let count = 0;
  while (count < most && at + HEADER_LENGTH <= end && bytes[at] === 0) {
    const length = bytes[at + 1] - MASK;
    const stop = at + HEADER_LENGTH + length;
    if (length < 0 || length > LONGEST_PAYLOAD || stop > end || to - start + length > room) break;
    const [k0, k1, k2, k3] = [bytes[at + 2], bytes[at + 3], bytes[at + 4], bytes[at + 5]];
    at += HEADER_LENGTH;
    for (; at + 4 <= stop; at += 4, to += 4) {
      bytes[to] = bytes[at] ^ k0;
      bytes[to + 1] = bytes[at + 1] ^ k1;
      bytes[to + 2] = bytes[at + 2] ^ k2;
      bytes[to + 3] = bytes[at + 3] ^ k3;
    }
    if (at < stop) bytes[to++] = bytes[at++] ^ k0;
    if (at < stop) bytes[to++] = bytes[at++] ^ k1;
    if (at < stop) bytes[to++] = bytes[at++] ^ k2;
    count++;
  }
  return (count << LENGTH_BITS) | (to - start);
}

// Parameters and locals of the same in WebAssembly.
const [AT, STOP, ROOM, MOST, START, TO, COUNT, LENGTH, NEXT] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const [KEY, WIDE_KEY] = [9, 10];

const LEAVE_IF: readonly number[] = [BRANCH_IF, 1];

/** `memory[to] = memory[at] ^ key; to += step`, for one of the widths. */
function move(
  step: number,
  load: readonly number[],
  key: number,
  xor: readonly number[],
  store: readonly number[],
): number[] {
  return [GET, TO, GET, AT, ...load, 0, GET, key, ...xor, ...store, 0, ...advance(TO, step)];
}

/** From front to back, as it goes down: what is written over has been read. */
function movePayload(): number[] {
  return [
    ...eachStep(AT, NEXT, 16, move(16, LOAD_WIDE, WIDE_KEY, XOR_WIDE, STORE_WIDE)),
    ...eachStep(AT, NEXT, 4, move(4, LOAD_32, KEY, [XOR], STORE_32)),
    ...eachStep(AT, NEXT, 1, [
      ...move(1, LOAD_8, KEY, [XOR], STORE_8),
      ...[GET, KEY, ...constant(8), SHIFT_RIGHT, SET, KEY],
    ]),
  ];
}

/** Made when it is needed: most who load this never join a run. */
function makeCode(): number[] {
  return [
    ...[GET, AT, SET, START, GET, AT, SET, TO],
    ...[GET, ROOM, GET, AT, ADD, SET, ROOM], // where the payloads must end
    ...[...BLOCK, ...LOOP],
    ...[GET, COUNT, GET, MOST, NOT_LESS, ...LEAVE_IF],
    ...[GET, AT, ...constant(HEADER_LENGTH), ADD, GET, STOP, GREATER, ...LEAVE_IF],
    // Both bytes of the header: 0, and MASK with the length.
    ...[GET, AT, ...LOAD_16, 0, SET, LENGTH],
    ...[GET, LENGTH, ...constant(0x80ff), AND, ...constant(MASK << 8), NOT_EQUAL, ...LEAVE_IF],
    ...[GET, LENGTH, ...constant(8), SHIFT_RIGHT, ...constant(0x7f), AND, SET, LENGTH],
    ...[GET, LENGTH, ...constant(LONGEST_PAYLOAD), GREATER, ...LEAVE_IF],
    ...[GET, AT, GET, LENGTH, ADD, ...constant(HEADER_LENGTH), ADD, SET, NEXT],
    ...[GET, NEXT, GET, STOP, GREATER, ...LEAVE_IF],
    ...[GET, TO, GET, LENGTH, ADD, GET, ROOM, GREATER, ...LEAVE_IF],
    ...[GET, AT, ...LOAD_32, 2, SET, KEY, GET, KEY, ...SPLAT, SET, WIDE_KEY],
    ...advance(AT, HEADER_LENGTH),
    ...movePayload(),
    ...advance(COUNT, 1),
    ...[BRANCH, 0, END, END],
    ...[GET, COUNT, ...constant(LENGTH_BITS), SHIFT_LEFT, GET, TO, GET, START, SUBTRACT, OR],
  ];
}

let join: ((...parameters: number[]) => number) | null = null;

/** Does what `joinRun` does, for bytes in the arena: that must have been made sure of. */
export function joinRunInArena(
  bytes: Uint8Array,
  start: number,
  end: number,
  room: number,
  most: number,
): number {
  join ??= createFunction(getArenaMemory() as Memory, 4, true, [2, 6, I32, 1, V128], makeCode());
  const { byteOffset } = bytes;
  return join(byteOffset + start, byteOffset + end, room, most);
}
