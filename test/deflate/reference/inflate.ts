// DEFLATE decoding as RFC 1951 §3.2 describes it, slowly and with everything written down that it
// saw: blocks, back references, the first fault. What is to happen behind a final block is asked of
// the caller, because RFC 1951 and RFC 7692 §7.2.1 differ there.

import { BitReader, OutOfBits } from './bits.ts';
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
} from './codes.ts';
import { Decoder, judgeLengths } from './huffman.ts';

/** A back reference; `position` counts in the output, from 0, without the preset window. */
export interface Reference {
  readonly distance: number;
  readonly length: number;
  readonly position: number;
}

export interface Block {
  readonly type: 'stored' | 'fixed' | 'dynamic';
  /** BFINAL. */
  readonly final: boolean;
  /** Position of its first bit. */
  readonly start: number;
  /** Where its output begins. */
  readonly position: number;
}

export interface Inflated {
  readonly output: Buffer;
  readonly references: readonly Reference[];
  /** In order; the last one may be unfinished. */
  readonly blocks: readonly Block[];
  /** The data end where a block ends: with it, or with the padding behind it. */
  readonly atBorder: boolean;
  /** Bytes that were not looked at: those behind a final block, or behind a fault. */
  readonly rest: number;
  /** What is wrong, undefined when nothing is; the output stands as far as it went. */
  readonly fault: string | undefined;
  /** The bits behind a final block, up to the byte border, were zero (RFC 7692 §7.2.1). */
  readonly zeroPadded: boolean;
  /** What data that follow may reach: at most 32768 bytes, fewer where a window was forgotten. */
  readonly window: Buffer;
}

export interface InflateOptions {
  /** What back references may reach before the first byte of output. */
  readonly window?: Uint8Array;
  /**
   * Behind a final block: `stop` (RFC 1951), `go on` with the next block at the next byte border and
   * the window as it is, or `forget` the window and go on, which is a new decoder for the rest.
   */
  readonly behindFinal?: 'stop' | 'go on' | 'forget';
}

/** The empty stored block without its header, which the sender of a message has removed (RFC 7692 §7.2.1). */
export const TAIL: Buffer = Buffer.from('0000ffff', 'hex');

class Fault extends Error {}

/** Decodes as much of `bytes` as can be decoded; throws for nothing that can be in there. */
export function inflate(bytes: Uint8Array, options: InflateOptions = {}): Inflated {
  return new Inflation(bytes, options).run();
}

class Inflation {
  readonly #bits: BitReader;
  readonly #behindFinal: 'stop' | 'go on' | 'forget';
  /** The window first, then the output. */
  readonly #bytes: number[];
  readonly #before: number;
  /** No reference reaches before this position in `#bytes`. */
  #horizon = 0;
  readonly #references: Reference[] = [];
  readonly #blocks: Block[] = [];
  #zeroPadded = true;

  constructor(bytes: Uint8Array, { window, behindFinal = 'stop' }: InflateOptions) {
    this.#bits = new BitReader(bytes);
    this.#behindFinal = behindFinal;
    this.#bytes = [...(window ?? [])];
    this.#before = this.#bytes.length;
  }

  run(): Inflated {
    const bits = this.#bits;
    let atBorder = true;
    let fault: string | undefined;
    try {
      while (bits.at < bits.length) {
        atBorder = false;
        const final = this.#block();
        atBorder = true;
        if (!final) continue;
        if (!bits.align()) this.#zeroPadded = false;
        if (this.#behindFinal === 'stop') break;
        if (this.#behindFinal === 'forget') this.#horizon = this.#bytes.length;
      }
    } catch (error) {
      if (error instanceof Fault) fault = error.message;
      else if (!(error instanceof OutOfBits)) throw error;
    }
    return {
      output: Buffer.from(this.#bytes.slice(this.#before)),
      references: this.#references,
      blocks: this.#blocks,
      atBorder,
      rest: Math.floor((bits.length - bits.at) / 8),
      fault,
      zeroPadded: this.#zeroPadded,
      window: Buffer.from(this.#bytes.slice(this.#horizon).slice(-32768)),
    };
  }

  /** §3.2.3: one block; returns BFINAL. */
  #block(): boolean {
    const start = this.#bits.at;
    const final = this.#bits.bit() === 1;
    const btype = this.#bits.number(2);
    if (btype === 3) throw new Fault('reserved block type');
    const type = (['stored', 'fixed', 'dynamic'] as const)[btype];
    this.#blocks.push({ type, final, start, position: this.#bytes.length - this.#before });
    if (type === 'stored') this.#stored();
    else if (type === 'fixed') {
      this.#compressed(new Decoder(FIXED_LITERALS), new Decoder(FIXED_DISTANCES));
    } else this.#dynamic();
    return final;
  }

  /** §3.2.4 */
  #stored(): void {
    const bits = this.#bits;
    bits.align();
    const length = bits.number(16);
    const complement = bits.number(16);
    if (length + complement !== 0xffff) throw new Fault('stored length and complement differ');
    for (let i = 0; i < length; i++) this.#bytes.push(bits.number(8));
  }

  /** §3.2.7 */
  #dynamic(): void {
    const bits = this.#bits;
    const literals = bits.number(5) + 257;
    const distances = bits.number(5) + 1;
    const given = bits.number(4) + 4;
    // §3.2.5: there are 286 and 30 symbols that may occur.
    if (literals > 286 || distances > 30) throw new Fault('too many symbols');
    const order = LENGTH_ORDER.slice(0, given);
    const ofLengths: number[] = Array(19).fill(0);
    for (const symbol of order) ofLengths[symbol] = bits.number(3);
    const isEmpty = ofLengths.every((length) => length === 0);
    if (!isEmpty && judgeLengths(ofLengths) !== 'complete') {
      throw new Fault('no code for code lengths');
    }
    // zlib reads a code without symbols as zeros of one bit each, and complains only of what follows.
    const decoder = isEmpty
      ? { next: (bits: BitReader) => bits.bit() * 0 }
      : new Decoder(ofLengths);
    const lengths = this.#lengths(decoder, literals + distances);
    const ofLiterals = lengths.slice(0, literals);
    if (ofLiterals[END_OF_BLOCK] === 0) throw new Fault('no end of block');
    checkLengths(ofLiterals, 'literals and lengths');
    const ofDistances = lengths.slice(literals);
    checkLengths(ofDistances, 'distances');
    this.#compressed(new Decoder(ofLiterals), new Decoder(ofDistances));
  }

  /** §3.2.7: code lengths, themselves coded; a repetition may go on from one code into the other. */
  #lengths(decoder: Pick<Decoder, 'next'>, count: number): number[] {
    const lengths: number[] = [];
    while (lengths.length < count) {
      const symbol = decoder.next(this.#bits) as number;
      if (symbol < 16) {
        lengths.push(symbol);
        continue;
      }
      const repeated = symbol === 16 ? lengths.at(-1) : 0;
      const times = this.#number(REPEATS[symbol]);
      if (repeated === undefined) throw new Fault('nothing to repeat');
      for (let i = 0; i < times; i++) lengths.push(repeated);
    }
    if (lengths.length > count) throw new Fault('repeated beyond the end');
    return lengths;
  }

  /** §3.2.3: literals and pairs of length and distance, up to the end of the block. */
  #compressed(literals: Decoder, distances: Decoder): void {
    for (;;) {
      const symbol = literals.next(this.#bits);
      if (symbol === END_OF_BLOCK) return;
      if (symbol !== undefined && symbol < END_OF_BLOCK) {
        this.#bytes.push(symbol);
        continue;
      }
      const lengths = symbol === undefined ? undefined : LENGTHS[symbol - FIRST_LENGTH];
      if (lengths === undefined) throw new Fault('no literal or length');
      const length = this.#number(lengths);
      const range = DISTANCES[distances.next(this.#bits) ?? Infinity];
      if (range === undefined) throw new Fault('no distance');
      this.#copy(length, this.#number(range));
    }
  }

  #number({ base, extra }: Range): number {
    return base + this.#bits.number(extra);
  }

  #copy(length: number, distance: number): void {
    const bytes = this.#bytes;
    if (distance > bytes.length - this.#horizon) throw new Fault('a distance too far back');
    this.#references.push({ distance, length, position: bytes.length - this.#before });
    // One by one: a copy may go on into what it has itself put there (§3.2.3).
    for (let i = 0; i < length; i++) bytes.push(bytes[bytes.length - distance]);
  }
}

/** A code must be complete; but one symbol alone has a code of one bit, and there may be none at all. */
function checkLengths(lengths: readonly number[], what: string): void {
  const judgement = judgeLengths(lengths);
  // §3.2.7: a single distance is coded with one bit, the other value of which is unused. zlib lets
  // the same pass for literals, where the one symbol is the end of the block.
  if (judgement === 'incomplete' && Math.max(...lengths) <= 1) return;
  if (judgement !== 'complete') throw new Fault(`no code for ${what}`);
}
