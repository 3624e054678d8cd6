// WebAssembly by hand, as much of it as two short functions over bytes take: names for the instructions,
// loops, and a module that holds one function and works on memory from outside. Knows not what for.

import { Buffer } from 'node:buffer';

/** What is used of WebAssembly; Node's types do not have it. */
declare const WebAssembly: {
  Memory: new (pages: { initial: number; maximum: number }) => Memory;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (
    module: object,
    imports: { '': { memory: Memory } },
  ) => {
    exports: { run: (...parameters: number[]) => number };
  };
};

/** Memory that a function can work on. */
export interface Memory {
  readonly buffer: ArrayBuffer;
}

export const I32 = 0x7f;
export const V128 = 0x7b;

export const BLOCK: readonly number[] = [0x02, 0x40];
export const LOOP: readonly number[] = [0x03, 0x40];
export const BRANCH = 0x0c;
export const BRANCH_IF = 0x0d;
/** Ends a block, a loop, a function. */
export const END = 0x0b;
export const GET = 0x20;
export const SET = 0x21;

export const NOT_EQUAL = 0x47;
export const GREATER = 0x4b; // unsigned, as the next one
export const NOT_LESS = 0x4f;
export const ADD = 0x6a;
export const SUBTRACT = 0x6b;
export const AND = 0x71;
export const OR = 0x72;
export const XOR = 0x73;
export const SHIFT_LEFT = 0x74;
export const SHIFT_RIGHT = 0x76; // unsigned
export const SPLAT: readonly number[] = [0xfd, 0x11];
export const XOR_WIDE: readonly number[] = [0xfd, 0x51];

// Behind each stand alignment, which is none, and an offset.
export const LOAD_8: readonly number[] = [0x2d, 0];
export const LOAD_16: readonly number[] = [0x2f, 0];
export const LOAD_32: readonly number[] = [0x28, 0];
export const LOAD_WIDE: readonly number[] = [0xfd, 0x00, 0];
export const STORE_8: readonly number[] = [0x3a, 0];
export const STORE_32: readonly number[] = [0x36, 0];
export const STORE_WIDE: readonly number[] = [0xfd, 0x0b, 0];

/** The constant `value`, which is not negative, in groups of 7 bits of which the last has a sign. */
export function constant(value: number): number[] {
  const groups: number[] = [];
  let rest = value;
  for (; rest >= 0x40; rest >>>= 7) groups.push((rest & 0x7f) | 0x80);
  return [0x41, ...groups, rest];
}

/** `local += step`. */
export function advance(local: number, step: number): number[] {
  return [GET, local, ...constant(step), ADD, SET, local];
}

/** `while (at + step <= end) { body; at += step; }`, for locals `at` and `end`. */
export function eachStep(at: number, end: number, step: number, body: readonly number[]): number[] {
  const isOver = [GET, at, ...constant(step), ADD, GET, end, GREATER];
  return [
    ...[...BLOCK, ...LOOP, ...isOver, BRANCH_IF, 1],
    ...[...body, ...advance(at, step), BRANCH, 0, END, END],
  ];
}

/** `pages` of 64 KiB, never more or fewer. Throws where there is no WebAssembly. */
export function createMemory(pages: number): Memory {
  return new WebAssembly.Memory({ initial: pages, maximum: pages });
}

/** A length in groups of 7 bits, and what it is the length of. */
function sized(bytes: readonly number[]): number[] {
  const { length } = bytes;
  return length < 0x80 ? [length, ...bytes] : [(length & 0x7f) | 0x80, length >>> 7, ...bytes];
}

const name = (text: string): number[] => sized([...Buffer.from(text)]);

/**
 * A function on `memory`, which is one page, with so many parameters of 32 bits, such a result or none,
 * and `locals` as the format has them: their number, then groups of a count and a type. Throws where
 * WebAssembly is missing, or what the code uses of it.
 */
export function createFunction(
  memory: Memory,
  parameters: number,
  hasResult: boolean,
  locals: readonly number[],
  code: readonly number[],
): (...parameters: number[]) => number {
  const type = [0x60, ...sized(Array(parameters).fill(I32)), ...sized(hasResult ? [I32] : [])];
  const bytes = Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, ...sized([1, ...type])], // types
    ...[2, ...sized([1, ...name(''), ...name('memory'), 2, 1, 1, 1])], // imports: 1 page to 1
    ...[3, ...sized([1, 0])], // functions
    ...[7, ...sized([1, ...name('run'), 0, 0])], // exports
    ...[10, ...sized([1, ...sized([...locals, ...code, END])])], // code
  ]);
  const module = new WebAssembly.Module(bytes);
  return new WebAssembly.Instance(module, { '': { memory } }).exports.run;
}
