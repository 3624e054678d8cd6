// Functions written by hand: numbers as the format has them, loops that end where they should, and
// modules short and long that work on the memory they are given.

import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  ADD,
  advance,
  constant,
  createFunction,
  createMemory,
  eachStep,
  GET,
  I32,
  LOAD_8,
  type Memory,
  SET,
  STORE_8,
} from '../../src/mask/wasm.ts';

const memory = createMemory(1);

/** The value of an expression. */
function evaluate(code: readonly number[], ...parameters: number[]): number {
  return createFunction(memory, parameters.length, true, [0], code)(...parameters);
}

describe('a constant', () => {
  it('is the number it stands for, up to each border of the format', () => {
    const values = [0, 1, 63, 64, 127, 128, 8191, 8192, 0x8000, 0x80ff, 0xfffff, 0x100000];
    for (const value of [...values, 0x7fff_ffff]) {
      expect(evaluate(constant(value))).toBe(value);
    }
    expect(constant(64)).toEqual([0x41, 0xc0, 0x00]);
  });
});

describe('a function', () => {
  it('has its parameters, locals and result', () => {
    expect(evaluate([GET, 0, GET, 1, ADD], 40, 2)).toBe(42);
    const code = [...advance(1, 1000), ...advance(1, 1), GET, 0, GET, 1, ADD];
    expect(createFunction(memory, 1, true, [1, 1, I32], code)(5)).toBe(1006);
  });

  it('may be longer than 127 bytes', () => {
    const code = Array.from({ length: 100 }, () => advance(0, 3)).flat();
    expect(code.length).toBeGreaterThan(500);
    expect(evaluate([...code, GET, 0], 1)).toBe(301);
  });

  it('works on the memory that it was made for', () => {
    const own = createMemory(1);
    const bytes = new Uint8Array(own.buffer);
    expect(bytes.length).toBe(65_536);
    bytes[65_535] = 7;
    const code = [GET, 0, GET, 1, ...LOAD_8, 0, GET, 1, ...LOAD_8, 0, ADD, ...STORE_8, 1];
    expect(createFunction(own, 2, false, [0], code)(99, 65_535)).toBe(undefined);
    expect(bytes[100]).toBe(14);
    expect(new Uint8Array(memory.buffer)[100]).toBe(0);
  });

  it('is refused where it is none', () => {
    expect(() => createFunction(memory, 0, true, [0], [GET, 0])).toThrow();
    expect(() => createFunction({} as Memory, 0, true, [0], constant(1))).toThrow();
  });
});

describe('a loop', () => {
  it('goes on in steps as long as a whole one fits', () => {
    // Counts the steps; `at` where it has ended.
    const [at, end, count] = [0, 1, 2];
    const code = (step: number): number[] => [
      ...eachStep(at, end, step, advance(count, 1)),
      ...[GET, at, ...constant(1), ADD, SET, at],
      ...[GET, count, GET, at, ADD],
    ];
    for (const step of [1, 4, 64, 200]) {
      const run = createFunction(memory, 2, true, [1, 1, I32], code(step));
      for (let length = 0; length < 700; length += 1) {
        const steps = Math.floor(length / step);
        expect(run(10, 10 + length)).toBe(steps + 10 + steps * step + 1);
      }
    }
  });
});

describe('memory', () => {
  afterEach(() => void vi.unstubAllGlobals());

  it('is not to be had without WebAssembly', () => {
    vi.stubGlobal('WebAssembly', undefined);
    expect(() => createMemory(1)).toThrow();
  });
});
