// The alphabets of RFC 1951 §3.2.5 to §3.2.7: what the symbols of a compressed block stand for.

/** A symbol that stands for the numbers from `base` up, told apart by `extra` bits behind it. */
export interface Range {
  readonly base: number;
  readonly extra: number;
}

/** `count` ranges, the first at `base`, each beginning where the one before ends. */
function ranges(base: number, extras: readonly number[]): Range[] {
  let next = base;
  return extras.map((extra) => {
    const range = { base: next, extra };
    next += 2 ** extra;
    return range;
  });
}

const each = (extras: readonly number[], times: number): number[] =>
  extras.flatMap((extra) => Array.from({ length: times }, () => extra));

/** §3.2.5: the symbol that ends a block. */
export const END_OF_BLOCK = 256;
export const FIRST_LENGTH = 257;

/** §3.2.5: lengths 3 to 258 by symbol, from 257 up; the last one stands out of line. */
export const LENGTHS: readonly Range[] = [
  ...ranges(3, [0, 0, 0, 0, ...each([0, 1, 2, 3, 4, 5], 4)]),
  { base: 258, extra: 0 },
];

/** §3.2.5: distances 1 to 32768 by symbol. */
export const DISTANCES: readonly Range[] = ranges(1, [
  ...[0, 0],
  ...each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13], 2),
]);

/** §3.2.6: the lengths of the fixed codes. Symbols 286 and 287, 30 and 31 never occur in data. */
export const FIXED_LITERALS: readonly number[] = [
  ...each([8], 144),
  ...each([9], 112),
  ...each([7], 24),
  ...each([8], 8),
];
export const FIXED_DISTANCES: readonly number[] = each([5], 32);

/** §3.2.7: the order in which the lengths of the code for code lengths stand. */
export const LENGTH_ORDER: readonly number[] = [
  ...[16, 17, 18, 0, 8, 7, 9, 6, 10, 5],
  ...[11, 4, 12, 3, 13, 2, 14, 1, 15],
];

/** §3.2.7: how often symbols 16, 17 and 18 repeat: from `base` up. */
export const REPEATS: Readonly<Record<number, Range>> = {
  16: { base: 3, extra: 2 },
  17: { base: 3, extra: 3 },
  18: { base: 11, extra: 7 },
};

/** The last symbol, counted from the first range, whose range begins at or below `value`. */
export function symbolFor(value: number, table: readonly Range[]): number {
  return table.findLastIndex(({ base }) => base <= value);
}
