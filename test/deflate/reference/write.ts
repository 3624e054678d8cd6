// Writes DEFLATE data that no usual compressor would (RFC 1951 §3.2, RFC 7692 §7.2.1): blocks of a
// chosen type, with chosen literals and matches, final or not, in codes of a chosen shape. It does
// what it is told and looks for no matches by itself.

import { BitWriter } from './bits.ts';
import {
  DISTANCES,
  END_OF_BLOCK,
  FIRST_LENGTH,
  FIXED_DISTANCES,
  FIXED_LITERALS,
  LENGTH_ORDER,
  LENGTHS,
  type Range,
  REPEATS,
  symbolFor,
} from './codes.ts';
import { codesFor } from './huffman.ts';

/** A literal byte, or a match. */
export type Token = number | { readonly length: number; readonly distance: number };

/** How the codes of a dynamic block look. */
export interface Shape {
  /** Numbers that decide how lopsided the code trees are; used in turn. */
  readonly splits: readonly number[];
  /** Whether runs of equal code lengths are written as repetitions (§3.2.7). */
  readonly repeats: boolean;
}

const PLAIN: Shape = { splits: [0], repeats: true };

export class StreamWriter {
  readonly #bits = new BitWriter();

  /** §3.2.4. At most 65535 bytes. */
  stored(bytes: Uint8Array, final = false): void {
    this.#header(0, final);
    this.#bits.align();
    this.#bits.number(bytes.length, 16);
    this.#bits.number(0xffff - bytes.length, 16);
    for (const byte of bytes) this.#bits.number(byte, 8);
    this.#end(final);
  }

  /** §3.2.6 */
  fixed(tokens: readonly Token[], final = false): void {
    this.#header(1, final);
    this.#tokens(tokens, codesFor(FIXED_LITERALS), codesFor(FIXED_DISTANCES));
    this.#end(final);
  }

  /** §3.2.7. The codes have room for the tokens and the end of the block, and for nothing else. */
  dynamic(tokens: readonly Token[], final = false, shape: Shape = PLAIN): void {
    this.#header(2, final);
    const symbols = tokens.map((token) =>
      typeof token === 'number' ? token : FIRST_LENGTH + symbolFor(token.length, LENGTHS),
    );
    const distances = tokens.flatMap((token) =>
      typeof token === 'number' ? [] : [symbolFor(token.distance, DISTANCES)],
    );
    const ofLiterals = lengthsFor([...symbols, END_OF_BLOCK], 257, 15, shape);
    const ofDistances = lengthsFor(distances, 1, 15, shape);
    this.#lengths(ofLiterals, ofDistances, shape);
    this.#tokens(tokens, codesFor(ofLiterals), codesFor(ofDistances));
    this.#end(final);
  }

  /** The empty stored block with which zlib marks a sync or a full flush. */
  flush(): void {
    this.stored(new Uint8Array(0));
  }

  /** The empty fixed block with which zlib marks a partial flush. */
  partialFlush(): void {
    this.fixed([]);
  }

  /** Everything written; an unfinished byte is filled up with zeros. */
  bytes(): Buffer {
    return this.#bits.bytes();
  }

  /** §3.2.3 */
  #header(btype: number, final: boolean): void {
    this.#bits.number(final ? 1 : 0, 1);
    this.#bits.number(btype, 2);
  }

  /** RFC 7692 §7.2.1: behind a final block, zeros up to the byte border. */
  #end(final: boolean): void {
    if (final) this.#bits.align();
  }

  #tokens(tokens: readonly Token[], literals: string[], distances: string[]): void {
    for (const token of tokens) {
      if (typeof token === 'number') {
        this.#bits.code(literals[token]);
        continue;
      }
      const length = symbolFor(token.length, LENGTHS);
      this.#bits.code(literals[FIRST_LENGTH + length]);
      this.#extra(token.length, LENGTHS[length]);
      const distance = symbolFor(token.distance, DISTANCES);
      this.#bits.code(distances[distance]);
      this.#extra(token.distance, DISTANCES[distance]);
    }
    this.#bits.code(literals[END_OF_BLOCK]);
  }

  #extra(value: number, { base, extra }: Range): void {
    this.#bits.number(value - base, extra);
  }

  /** §3.2.7: both codes, as one sequence of code lengths, themselves coded. */
  #lengths(ofLiterals: number[], ofDistances: number[], shape: Shape): void {
    const symbols = sequence([...ofLiterals, ...ofDistances], shape.repeats);
    const used = symbols.map(({ symbol }) => symbol);
    // That code must be complete, so that a single symbol needs a second one beside it.
    const ofLengths = lengthsFor(new Set(used).size < 2 ? [...used, 0, 1] : used, 19, 7, shape);
    const ordered = LENGTH_ORDER.map((symbol) => ofLengths[symbol]);
    const given = Math.max(4, ordered.findLastIndex((length) => length > 0) + 1);
    this.#bits.number(ofLiterals.length - 257, 5);
    this.#bits.number(ofDistances.length - 1, 5);
    this.#bits.number(given - 4, 4);
    for (const length of ordered.slice(0, given)) this.#bits.number(length, 3);
    const codes = codesFor(ofLengths);
    for (const { symbol, times } of symbols) {
      this.#bits.code(codes[symbol]);
      if (symbol >= 16) this.#extra(times, REPEATS[symbol]);
    }
  }
}

/** Code lengths as symbols 0 to 18, with repetitions or without. */
function sequence(lengths: number[], repeats: boolean): { symbol: number; times: number }[] {
  const symbols: { symbol: number; times: number }[] = [];
  for (let at = 0; at < lengths.length; ) {
    const length = lengths[at];
    let run = lengths.slice(at).findIndex((other) => other !== length);
    if (run < 0) run = lengths.length - at;
    const repeated = length > 0 && lengths[at - 1] === length;
    if (repeats && length === 0 && run >= 3) {
      const times = Math.min(run, 138);
      symbols.push({ symbol: times < 11 ? 17 : 18, times });
      at += times;
    } else if (repeats && repeated && run >= 3) {
      const times = Math.min(run, 6);
      symbols.push({ symbol: 16, times });
      at += times;
    } else {
      symbols.push({ symbol: length, times: 1 });
      at++;
    }
  }
  return symbols;
}

/**
 * Lengths of a complete code for the symbols that occur (of one bit for a single one), in a list of at
 * least `least` entries. The tree is grown by splitting leaves; `splits` chooses which.
 */
function lengthsFor(
  symbols: readonly number[],
  least: number,
  longest: number,
  { splits }: Shape,
): number[] {
  const used = [...new Set(symbols)].sort((a, b) => a - b);
  const lengths: number[] = Array(Math.max(least, (used.at(-1) ?? 0) + 1)).fill(0);
  const leaves = used.length === 1 ? [1] : [0];
  for (let i = 0; leaves.length < used.length; i++) {
    // Leaves that are as deep as allowed stay; the others have room for as many as may be missing.
    const open = leaves.flatMap((depth, at) => (depth < longest ? [at] : []));
    const at = open[(splits[i % splits.length] ?? 0) % open.length];
    const [depth] = leaves.splice(at, 1);
    leaves.push(depth + 1, depth + 1);
  }
  used.forEach((symbol, i) => {
    lengths[symbol] = leaves[i];
  });
  return lengths;
}
