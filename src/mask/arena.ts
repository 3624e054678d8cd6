// A stretch of memory in which masking (§5.3) costs next to nothing: WebAssembly's, where a payload is
// XORed 16 bytes at a time without leaving its place. For whoever reads all input into one buffer. Where
// there is no WebAssembly, or none with 128-bit values, the stretch is ordinary memory.

import { Buffer } from 'node:buffer';
import { rotateKey } from './mask.ts';
import {
  constant,
  createFunction,
  createMemory,
  eachStep,
  GET,
  LOAD_8,
  LOAD_32,
  LOAD_WIDE,
  type Memory,
  SET,
  SHIFT_RIGHT,
  SPLAT,
  STORE_8,
  STORE_32,
  STORE_WIDE,
  V128,
  XOR,
  XOR_WIDE,
} from './wasm.ts';

/** As much as is read at a time: one page of WebAssembly's. */
const LENGTH = 65_536;

// Parameters and locals of the function.
const [AT, STOP, KEY, WIDE_KEY] = [0, 1, 2, 3];

/** `memory[at + offset] ^= key`, 16 bytes of them. */
function xorWide(offset: number): number[] {
  const load = [GET, AT, ...LOAD_WIDE, offset];
  return [GET, AT, ...load, GET, WIDE_KEY, ...XOR_WIDE, ...STORE_WIDE, offset];
}

/** `xor(at, stop, key)`: 64, 16, 4 and 1 bytes at a time. */
function makeCode(): number[] {
  return [
    ...[GET, KEY, ...SPLAT, SET, WIDE_KEY],
    ...eachStep(AT, STOP, 64, [0, 16, 32, 48].flatMap(xorWide)),
    ...eachStep(AT, STOP, 16, xorWide(0)),
    ...eachStep(AT, STOP, 4, [GET, AT, GET, AT, ...LOAD_32, 0, GET, KEY, XOR, ...STORE_32, 0]),
    ...eachStep(AT, STOP, 1, [
      ...[GET, AT, GET, AT, ...LOAD_8, 0, GET, KEY, XOR, ...STORE_8, 0],
      ...[GET, KEY, ...constant(8), SHIFT_RIGHT, SET, KEY],
    ]),
  ];
}

type Xor = (at: number, stop: number, key: number) => void;

let arena: Buffer | null = null;
let memory: Memory | null = null;
/** The memory's bytes, asked for once, as asking costs more than comparing. */
let own: ArrayBuffer | null = null;
let xor: Xor | null = null;

/** The process's arena, 64 KiB; made by the first call. Its content is anybody's. */
export function getArena(): Buffer {
  if (arena !== null) return arena;
  try {
    const page = createMemory(1);
    xor = createFunction(page, 3, false, [1, 1, V128], makeCode());
    memory = page;
    own = page.buffer;
    arena = Buffer.from(own, 0, LENGTH);
  } catch {
    arena = Buffer.allocUnsafeSlow(LENGTH);
  }
  return arena;
}

/** The arena as functions in WebAssembly get it; null while there is none, or it is ordinary memory. */
export function getArenaMemory(): Memory | null {
  return memory;
}

/** Whether `maskInArena` may be used for spans of `bytes`. Costs more than masking a few bytes. */
export function isInArena(bytes: Uint8Array): boolean {
  return own !== null && bytes.buffer === own;
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
