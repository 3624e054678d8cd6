// The reference decoder against zlib: the same output, the same verdict, and a report of what zlib
// does not tell.

import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../properties/arbitraries.ts';
import { compose, messagePlan } from './arbitraries.ts';
import { BitWriter } from './bits.ts';
import { inflate, TAIL } from './inflate.ts';
import { StreamWriter } from './write.ts';

/** What zlib makes of `bytes` up to a final block: its output, or its complaint. */
function judgeByZlib(bytes: Uint8Array): Buffer | 'fault' {
  try {
    return zlib.inflateRawSync(bytes, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('Z_DATA_ERROR');
    return 'fault';
  }
}

/** Texts with something to find in them, and bytes with nothing. */
const content = fc
  .tuple(
    fc.array(fc.constantFrom('the ', 'window ', 'slides ', 'on', '\n', 'x'), { maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: 1, max: 8 }),
  )
  .map(([words, noise, times]) =>
    Buffer.concat(Array(times).fill(Buffer.concat([Buffer.from(words.join('')), noise]))),
  );

describe('the reference decoder', () => {
  it('reads whatever zlib writes', () => {
    const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = zlib.constants;
    const settings = fc.record({
      level: fc.integer({ min: 0, max: 9 }),
      memLevel: fc.integer({ min: 1, max: 9 }),
      windowBits: fc.integer({ min: 9, max: 15 }),
      strategy: fc.constantFrom(Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE),
    });
    fc.assert(
      fc.property(content, settings, (content, settings) => {
        const seen = inflate(zlib.deflateRawSync(content, settings));
        expect(seen).toMatchObject({ fault: undefined, atBorder: true, rest: 0, zeroPadded: true });
        expect(seen.output.equals(content)).toBe(true);
        expect(seen.blocks.at(-1)?.final).toBe(true);
        for (const { distance, length, position } of seen.references) {
          expect(distance).toBeLessThanOrEqual(Math.min(position, 2 ** settings.windowBits));
          for (let i = position; i < position + length; i++) {
            expect(content[i]).toBe(content[i - distance]);
          }
        }
      }),
      runs(150),
    );
  });

  it('reaches into a window that was there before, as far as it goes', () => {
    fc.assert(
      fc.property(content, content, (dictionary, content) => {
        fc.pre(dictionary.length > 0);
        const bytes = zlib.deflateRawSync(content, { dictionary });
        expect(inflate(bytes, { window: dictionary }).output.equals(content)).toBe(true);
        const { references, fault } = inflate(bytes, { window: dictionary.subarray(-40) });
        const far = inflate(bytes, { window: dictionary }).references.findIndex(
          ({ distance, position }) => distance > position + Math.min(40, dictionary.length),
        );
        expect(fault).toBe(far < 0 ? undefined : 'a distance too far back');
        if (far >= 0) expect(references).toHaveLength(far);
      }),
      runs(100),
    );
  });

  it('judges broken streams as zlib does, and gives the same bytes of those that are only cut', () => {
    const change = fc.record({
      kind: fc.constantFrom('changed', 'removed', 'added', 'cut'),
      at: fc.nat(),
      value: fc.integer({ min: 1, max: 255 }),
    });
    fc.assert(
      fc.property(fc.array(messagePlan, { maxLength: 3 }), content, change, (plans, ...rest) => {
        const [content, { kind, at, value }] = rest;
        const messages = compose(plans, { bits: 15, takeover: true });
        for (const bytes of [
          Buffer.concat(messages.flatMap(({ compressed }) => [compressed, TAIL])),
          zlib.deflateRawSync(content),
        ]) {
          const list = [...bytes];
          const place = at % (list.length + 1);
          if (kind === 'changed' && place < list.length) list[place] ^= value;
          if (kind === 'removed') list.splice(place, 1);
          if (kind === 'added') list.splice(place, 0, value);
          if (kind === 'cut') list.length = place;
          const broken = Buffer.from(list);
          const { output, fault } = inflate(broken);
          const judged = judgeByZlib(broken);
          if (fault === undefined) expect(judged).toEqual(output);
          else expect([fault, judged]).toEqual([fault, 'fault']);
        }
      }),
      runs(1000),
    );
  });

  it('judges random bytes as zlib does', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const { output, fault } = inflate(bytes);
        expect(judgeByZlib(bytes)).toEqual(fault === undefined ? output : 'fault');
      }),
      runs(3000),
    );
  });

  it('tells where each block begins, and whether the data end with one', () => {
    const writer = new StreamWriter();
    writer.fixed([0x61, 0x62]);
    writer.stored(Buffer.from('cd'));
    writer.dynamic([{ length: 4, distance: 4 }], true);
    const bytes = writer.bytes();
    const { blocks, atBorder, output } = inflate(bytes);
    expect(output.toString()).toBe('abcdabcd');
    expect(blocks.map(({ type, start, position }) => [type, start, position])).toEqual([
      ['fixed', 0, 0],
      // 3 bits, two literals of 8, the end of the block in 7.
      ['stored', 26, 2],
      ['dynamic', 80, 4],
    ]);
    expect(atBorder).toBe(true);
    for (let length = 1; length < bytes.length; length++) {
      const part = inflate(bytes.subarray(0, length));
      expect(part.fault).toBe(undefined);
      expect(part.atBorder).toBe(length === 10);
      expect(output.subarray(0, part.output.length).equals(part.output)).toBe(true);
    }
  });

  it('stops behind a final block, goes on, or goes on without the window, as it is told', () => {
    const writer = new StreamWriter();
    writer.fixed([0x61, 0x62, 0x63], true);
    writer.fixed([0x64, { length: 3, distance: 4 }], true);
    const bytes = writer.bytes();
    expect(inflate(bytes)).toMatchObject({ output: Buffer.from('abc'), rest: 4, fault: undefined });
    expect(inflate(bytes, { behindFinal: 'go on' })).toMatchObject({
      output: Buffer.from('abcdabc'),
      window: Buffer.from('abcdabc'),
      fault: undefined,
    });
    expect(inflate(bytes, { behindFinal: 'forget' })).toMatchObject({
      output: Buffer.from('abcd'),
      fault: 'a distance too far back',
    });
  });

  it('sees bits behind a final block that are not zero', () => {
    const writer = new BitWriter();
    writer.number(0b011, 3);
    writer.code('0000000');
    writer.number(0b100000, 6);
    expect(inflate(writer.bytes())).toMatchObject({ fault: undefined, zeroPadded: false });
  });

  type Bits = readonly (readonly [value: number, count: number] | string)[];
  const FIXED: Bits = [[0b011, 3]];
  // The smallest alphabets, and only the first four of the lengths of the code for code lengths.
  const DYNAMIC: Bits = [
    [0b101, 3],
    [0, 5],
    [0, 5],
    [0, 4],
  ];
  /** A final dynamic block with so many distances; the code for code lengths is 0 for 1, 1 for 18. */
  const coded = (distances: number, ...lengths: Bits): Bits => [
    ...([
      [0b101, 3],
      [0, 5],
      [distances - 1, 5],
      [14, 4],
    ] as const),
    ...Array.from({ length: 18 }, (_, i) => [i === 2 || i === 17 ? 1 : 0, 3] as const),
    ...lengths,
  ];
  /** So many code lengths of zero, in that code. */
  const zeros = (count: number): Bits => ['1', [count - 11, 7]];

  // A malformed stream for each complaint that there is.
  const faults: [fault: string, bits: Bits][] = [
    ['reserved block type', [[0b111, 3]]],
    [
      'stored length and complement differ',
      [
        [0, 8],
        [5, 16],
        [5, 16],
      ],
    ],
    [
      'too many symbols',
      [
        [0b101, 3],
        [30, 5],
        [0, 5],
        [0, 4],
      ],
    ],
    [
      'too many symbols',
      [
        [0b101, 3],
        [0, 5],
        [30, 5],
        [0, 4],
      ],
    ],
    ['no code for code lengths', [...DYNAMIC, [0o0001, 12]]],
    ['no code for code lengths', [...DYNAMIC, [0o1111, 12]]],
    ['no end of block', [...DYNAMIC, [0, 12], [0, 258]]],
    ['no end of block', coded(1, ...zeros(138), ...zeros(119), '0')],
    // Symbols 16 and 18 in one bit each.
    ['nothing to repeat', [...DYNAMIC, [0o0101, 12], '0', [0, 2]]],
    ['repeated beyond the end', [...DYNAMIC, [0o0101, 12], '1', [127, 7], '1', [127, 7]]],
    ['no code for literals and lengths', coded(1, '000', ...zeros(138), ...zeros(115), '00')],
    ['no code for distances', coded(3, '0', ...zeros(138), ...zeros(117), '0', '000')],
    ['no literal or length', [...FIXED, '11000110']],
    // A code with the end of the block as its only symbol, and then its other value.
    ['no literal or length', coded(1, ...zeros(138), ...zeros(118), '00', '1')],
    ['no distance', [...FIXED, '00110000', '0000001', '11110']],
    ['a distance too far back', [...FIXED, '00110000', '0000001', '00001']],
  ];

  it.each(faults)('complains: %s', (fault, bits) => {
    const writer = new BitWriter();
    for (const piece of bits) {
      if (typeof piece === 'string') writer.code(piece);
      else writer.number(...piece);
    }
    expect(inflate(writer.bytes()).fault).toBe(fault);
    expect(judgeByZlib(writer.bytes())).toBe('fault');
    // Without its last byte it is no more than cut.
    const cut = writer.bytes().subarray(0, -1);
    expect(judgeByZlib(cut)).toEqual(
      inflate(cut).fault === undefined ? inflate(cut).output : 'fault',
    );
  });
});
