// A stretch of memory in which masking (§5.3) costs next to nothing: WebAssembly's, where a payload is
// XORed 16 bytes at a time without leaving its place. For whoever reads all input into one buffer. Where
// there is no WebAssembly, or none with 128-bit values, the stretch is ordinary memory.

import { Buffer } from 'node:buffer';
import { rotateKey } from './mask.ts';

/** As much as is read at a time. */
const LENGTH = 65_536;

/** What is used of WebAssembly; Node's types do not have it. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: { memory: { buffer: ArrayBuffer }; xor: Xor } };
};
type Xor = (start: number, end: number, key: number) => void;

const I32 = 0x7f;
const V128 = 0x7b;
const GET = 0x20;
const SET = 0x21;
const [AT, END, KEY, WIDE_KEY] = [0, 1, 2, 3];
const BRANCH = 0x0c;
const BRANCH_IF = 0x0d;
const LEAVE = 0x0b;
const ADD = 0x6a;
const GREATER = 0x4b; // i32.gt_u
const I32_CONST = 0x41;
const AS_IT_IS = [0, 0]; // alignment and offset of a load or store

/** `while (at + step <= end) { body; at += step; }`; steps above 63 have two bytes. */
function loop(step: readonly number[], body: readonly number[]): number[] {
  const next = [GET, AT, I32_CONST, ...step, ADD];
  const leave = [...next, GET, END, GREATER, BRANCH_IF, 1];
  return [0x02, 0x40, 0x03, 0x40, ...leave, ...body, ...next, SET, AT, BRANCH, 0, LEAVE, LEAVE];
}

/** `memory[at + offset] ^= key`, 16 bytes of them. */
function xorWide(offset: number): number[] {
  const load = [GET, AT, 0xfd, 0x00, 0, offset];
  return [GET, AT, ...load, GET, WIDE_KEY, 0xfd, 0x51, 0xfd, 0x0b, 0, offset];
}

/** The function's code: 64, 16, 4 and 1 bytes at a time. */
const CODE: readonly number[] = [
  ...[1, 1, V128], // one local beside the parameters
  ...[GET, KEY, 0xfd, 0x11, SET, WIDE_KEY], // i32x4.splat
  ...loop([0xc0, 0x00], [0, 16, 32, 48].flatMap(xorWide)),
  ...loop([16], xorWide(0)),
  // i32.load, i32.xor, i32.store
  ...loop([4], [GET, AT, GET, AT, 0x28, ...AS_IT_IS, GET, KEY, 0x73, 0x36, ...AS_IT_IS]),
  ...loop(
    [1],
    [
      // i32.load8_u, i32.xor, i32.store8; then the key without its lowest byte (i32.shr_u)
      ...[GET, AT, GET, AT, 0x2d, ...AS_IT_IS, GET, KEY, 0x73, 0x3a, ...AS_IT_IS],
      ...[GET, KEY, I32_CONST, 8, 0x76, SET, KEY],
    ],
  ),
  LEAVE,
];

/** A length as WebAssembly has it, in 7-bit groups, and what it is the length of. */
function sized(bytes: readonly number[]): number[] {
  const { length } = bytes;
  return length < 0x80 ? [length, ...bytes] : [(length & 0x7f) | 0x80, length >>> 7, ...bytes];
}

const name = (text: string): number[] => sized([...Buffer.from(text)]);

/** A module that exports its memory, one page of 64 KiB, and `xor(at, end, key)`. */
const MODULE: Uint8Array = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, ...sized([1, 0x60, ...sized([I32, I32, I32]), 0])], // types
  ...[3, ...sized([1, 0])], // functions
  ...[5, ...sized([1, 1, 1, 1])], // memories: from 1 page to 1
  ...[7, ...sized([2, ...name('memory'), 2, 0, ...name('xor'), 0, 0])], // exports
  ...[10, ...sized([1, ...sized(CODE)])], // code
]);

let arena: Buffer | null = null;
let memory: ArrayBufferLike | null = null;
let xor: Xor | null = null;

/** The process's arena, 64 KiB; made by the first call. Its content is anybody's. */
export function getArena(): Buffer {
  if (arena !== null) return arena;
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(MODULE));
    arena = Buffer.from(exports.memory.buffer, 0, LENGTH);
    memory = arena.buffer;
    xor = exports.xor;
  } catch {
    arena = Buffer.allocUnsafeSlow(LENGTH);
  }
  return arena;
}

/** Whether `maskInArena` may be used for spans of `bytes`. Costs more than masking a few bytes. */
export function isInArena(bytes: Uint8Array): boolean {
  return memory !== null && bytes.buffer === memory;
}

/**
 * Does what `mask` does, for spans of bytes in the arena: that must have been made sure of, as must
 * that the span lies within `bytes`.
 */
export function maskInArena(bytes: Uint8Array, key: number, start: number, end: number): number {
  const { byteOffset } = bytes;
  (xor as Xor)(byteOffset + start, byteOffset + end, key);
  return rotateKey(key, end - start);
}
