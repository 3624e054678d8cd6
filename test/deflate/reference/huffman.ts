// Canonical Huffman codes (RFC 1951 §3.2.2): from code lengths to codes, and the decoding of one
// symbol. Knows neither blocks nor what the symbols stand for.

import type { BitReader } from './bits.ts';

/** Whether lengths make a code: every bit string is decoded (`complete`), some are not, or too many. */
export function judgeLengths(lengths: readonly number[]): 'complete' | 'incomplete' | 'too many' {
  const used = lengths.filter((length) => length > 0);
  const share = used.reduce((sum, length) => sum + 2 ** (15 - length), 0);
  if (share === 2 ** 15) return 'complete';
  return share < 2 ** 15 ? 'incomplete' : 'too many';
}

/** §3.2.2: the codes for lengths 0 (none) to 15, as strings of 0 and 1. */
export function codesFor(lengths: readonly number[]): string[] {
  const count = (length: number) => lengths.filter((other) => other === length).length;
  const next: number[] = [];
  let code = 0;
  for (let length = 1; length <= 15; length++) {
    code = (code + (length === 1 ? 0 : count(length - 1))) * 2;
    next[length] = code;
  }
  return lengths.map((length) => {
    if (length === 0) return '';
    return (next[length]++).toString(2).padStart(length, '0');
  });
}

/** Decodes one symbol after another; a table of all codes by length, tried from the shortest up. */
export class Decoder {
  /** By length, then by code. */
  readonly #symbols: number[][] = [];
  readonly #longest: number;

  constructor(lengths: readonly number[]) {
    this.#longest = Math.max(1, ...lengths);
    for (let length = 0; length <= 15; length++) this.#symbols.push([]);
    codesFor(lengths).forEach((code, symbol) => {
      if (code !== '') this.#symbols[code.length][Number.parseInt(code, 2)] = symbol;
    });
  }

  /** The next symbol, or undefined for bits that are no code of it. */
  next(bits: BitReader): number | undefined {
    let code = 0;
    for (let length = 1; length <= this.#longest; length++) {
      code = code * 2 + bits.bit();
      const symbol = this.#symbols[length][code];
      if (symbol !== undefined) return symbol;
    }
    return undefined;
  }
}
