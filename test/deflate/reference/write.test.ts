// The writer of foreign streams against zlib and against the reference decoder.

import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../properties/arbitraries.ts';
import { agreement, compose, messagePlan, plainPlan } from './arbitraries.ts';
import { inflate, TAIL } from './inflate.ts';
import { StreamWriter, type Token } from './write.ts';

/** What zlib makes of it, in chunks so small that it keeps no more window than it says. */
function unzip(bytes: Uint8Array, windowBits = 15): Buffer {
  return zlib.inflateRawSync(bytes, {
    windowBits,
    finishFlush: zlib.constants.Z_SYNC_FLUSH,
    chunkSize: 64,
  });
}

/** One literal, then a match for each pair. */
const tokens = (...pairs: [length: number, distance: number][]): Token[] => [
  0x61,
  ...pairs.map(([length, distance]) => ({ length, distance })),
];

describe('the writer of foreign streams', () => {
  it('writes every length in both kinds of code', () => {
    for (const write of ['fixed', 'dynamic'] as const) {
      for (let length = 3; length <= 258; length++) {
        const writer = new StreamWriter();
        writer[write](tokens([length, 1]), true);
        expect(unzip(writer.bytes()).toString()).toBe('a'.repeat(length + 1));
      }
    }
  });

  it('writes distances on both sides of every border', () => {
    const letters = Buffer.from(Array.from({ length: 32_768 }, (_, i) => (i * i * 31) >> 4));
    for (let bits = 0; bits <= 15; bits++) {
      for (const distance of [2 ** bits - 1, 2 ** bits, 2 ** bits + 1, 1.5 * 2 ** bits]) {
        if (distance < 1 || distance > 32_768 || distance % 1 !== 0) continue;
        const writer = new StreamWriter();
        writer.stored(letters);
        writer.fixed([{ length: 3, distance }]);
        writer.dynamic([{ length: 3, distance }], true);
        const output = unzip(writer.bytes());
        const match = [0, 1, 2].map((i) => letters.subarray(-distance)[i % distance]);
        expect([...output.subarray(32_768, 32_771)]).toEqual(match);
        expect(output).toHaveLength(32_774);
      }
    }
  });

  it.each([
    ['a balanced one', [0]],
    ['one as lopsided as can be', [299]],
    ['one that leans the other way', [0, 299]],
  ])('writes codes of any shape: %s', (_, splits) => {
    const everything = Array.from({ length: 256 }, (_, i) => i);
    for (const repeats of [false, true]) {
      const writer = new StreamWriter();
      writer.dynamic(everything, false, { splits, repeats });
      writer.dynamic([0x61, { length: 258, distance: 257 }], true, { splits, repeats });
      const expected = Buffer.from([...everything, 0x61, ...everything, 0x61, 0]);
      expect(unzip(writer.bytes())).toEqual(expected);
    }
  });

  it('writes an empty dynamic block, which has a code with a single symbol', () => {
    const writer = new StreamWriter();
    writer.dynamic([], true);
    expect(unzip(writer.bytes())).toHaveLength(0);
  });

  it('writes the flush marks that zlib writes', () => {
    const writer = new StreamWriter();
    writer.flush();
    expect(writer.bytes()).toEqual(Buffer.concat([Buffer.from([0]), TAIL]));
    const z = zlib.deflateRawSync('', { finishFlush: zlib.constants.Z_SYNC_FLUSH });
    expect(writer.bytes()).toEqual(z);
    const partial = new StreamWriter();
    partial.partialFlush();
    // 10 bits: zlib's mark of a partial flush
    expect(partial.bytes().toString('hex')).toBe('0200');
  });

  it('fills up with zeros behind a final block and goes on at the byte border', () => {
    const writer = new StreamWriter();
    writer.fixed([...Buffer.from('Hello')], true);
    writer.flush();
    // RFC 7692 §7.2.3.4, with the tail that is removed there.
    expect(writer.bytes().toString('hex')).toBe('f348cdc9c90700000000ffff');
  });

  it('writes what RFC 7692 §7.2.3 writes', () => {
    const hello = [...Buffer.from('Hello')];
    const one = new StreamWriter();
    one.fixed(hello);
    one.flush();
    expect(one.bytes().toString('hex')).toBe('f248cdc9c907000000ffff');
    const again = new StreamWriter();
    again.fixed([0x48, { length: 4, distance: 5 }]);
    again.flush();
    expect(again.bytes().toString('hex')).toBe('f200110000' + '0000ffff');
    const two = new StreamWriter();
    two.fixed(hello.slice(0, 2));
    two.flush();
    two.fixed(hello.slice(2));
    two.flush();
    expect(two.bytes().toString('hex')).toBe('f248050000' + '00ffff' + 'cac9c90700' + '0000ffff');
  });
});

describe('a foreign stream', () => {
  it('means the same to zlib, in a window as small as was agreed on', () => {
    fc.assert(
      fc.property(fc.array(plainPlan, { maxLength: 4 }), agreement, (plans, { bits }) => {
        const messages = compose(plans, { bits, takeover: true });
        const stream = Buffer.concat(messages.flatMap(({ compressed }) => [compressed, TAIL]));
        const plain = Buffer.concat(messages.map(({ plain }) => plain));
        expect(unzip(stream, bits).equals(plain)).toBe(true);
      }),
      runs(200),
    );
  });

  it('means the same to the reference decoder, which sees it keep to what was agreed on', () => {
    fc.assert(
      fc.property(fc.array(messagePlan, { maxLength: 5 }), agreement, (plans, agreement) => {
        let window: Uint8Array = Buffer.alloc(0);
        for (const { compressed, plain } of compose(plans, agreement)) {
          const bytes = Buffer.concat([compressed, TAIL]);
          const behindFinal = 'forget';
          const seen = inflate(
            bytes,
            agreement.takeover ? { window, behindFinal } : { behindFinal },
          );
          expect(seen).toMatchObject({
            fault: undefined,
            atBorder: true,
            rest: 0,
            zeroPadded: true,
          });
          expect(seen.output.equals(plain)).toBe(true);
          for (const { distance, position } of seen.references) {
            expect(distance).toBeLessThanOrEqual(2 ** agreement.bits);
            if (!agreement.takeover) expect(distance).toBeLessThanOrEqual(position);
          }
          window = Buffer.concat([agreement.takeover ? window : Buffer.alloc(0), seen.output]);
          window = seen.blocks.some(({ final }) => final) ? seen.window : window;
        }
      }),
      runs(200),
    );
  });

  it('is of every kind', () => {
    const seen = new Set<string>();
    for (const plans of fc.sample(fc.array(messagePlan, { maxLength: 5 }), {
      numRuns: 300,
      seed: 7692,
    })) {
      let before = 0;
      let window: Uint8Array = Buffer.alloc(0);
      for (const { compressed } of compose(plans, { bits: 15, takeover: true })) {
        const bytes = Buffer.concat([compressed, TAIL]);
        const { blocks, references, ...rest } = inflate(bytes, { window, behindFinal: 'forget' });
        for (const { type, final, start } of blocks) {
          seen.add(`${type}${final ? ' final' : ''}`);
          if (start % 8 !== 0) seen.add('in the middle of a byte');
        }
        for (const { distance, position } of references) {
          if (distance > position) seen.add('into an earlier message');
          if (distance === before + position) seen.add('to the very first byte');
        }
        window = rest.window;
        before = window.length;
      }
    }
    expect([...seen].sort()).toEqual([
      ...['dynamic', 'dynamic final', 'fixed', 'fixed final', 'in the middle of a byte'],
      ...['into an earlier message', 'stored', 'stored final', 'to the very first byte'],
    ]);
  });
});
