// The validator against the grammar of RFC 3629 §4 written out once more, as a list of ranges: every
// sequence the grammar can tell apart, whole, cut anywhere, and at every distance from a run of text.

import { Buffer, isUtf8 } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { isText, Utf8Validator } from '../../src/message/utf8.ts';

const TAIL: [number, number] = [0x80, 0xbf];
/** UTF8-1 to UTF8-4 of RFC 3629 §4: the range of each octet. */
const GRAMMAR: [number, number][][] = [
  [[0x00, 0x7f]],
  [[0xc2, 0xdf], TAIL],
  [[0xe0, 0xe0], [0xa0, 0xbf], TAIL],
  [[0xe1, 0xec], TAIL, TAIL],
  [[0xed, 0xed], [0x80, 0x9f], TAIL],
  [[0xee, 0xef], TAIL, TAIL],
  [[0xf0, 0xf0], [0x90, 0xbf], TAIL, TAIL],
  [[0xf1, 0xf3], TAIL, TAIL, TAIL],
  [[0xf4, 0xf4], [0x80, 0x8f], TAIL, TAIL],
];

type Judgement = 'whole' | 'begun' | 'impossible';

/** What the octets of one sequence are. */
function judge(octets: readonly number[]): Judgement {
  const fits = GRAMMAR.filter((sequence) =>
    octets.every((octet, i) => {
      const range = sequence[i];
      return range !== undefined && octet >= range[0] && octet <= range[1];
    }),
  );
  if (fits.length === 0) return 'impossible';
  return fits.some(({ length }) => length === octets.length) ? 'whole' : 'begun';
}

/** Octets at the borders of every range in the grammar, and just beside them. */
const INTERESTING = [
  ...new Set(
    GRAMMAR.flat()
      .flat()
      .flatMap((octet) => [octet - 1, octet, octet + 1])
      .filter((octet) => octet >= 0 && octet <= 255),
  ),
];

/** What the validator says: after the pieces, then at their end. */
function validate(...pieces: (Buffer | number[])[]): Judgement {
  const validator = new Utf8Validator();
  for (const piece of pieces) if (!validator.write(Buffer.from(piece))) return 'impossible';
  return validator.end() ? 'whole' : 'begun';
}

function* sequences(): Generator<number[]> {
  for (let first = 0; first < 256; first++) {
    yield [first];
    if (judge([first]) !== 'begun') continue;
    for (let second = 0; second < 256; second++) {
      yield [first, second];
      if (judge([first, second]) !== 'begun') continue;
      for (const third of INTERESTING) {
        yield [first, second, third];
        if (judge([first, second, third]) !== 'begun') continue;
        for (const fourth of INTERESTING) yield [first, second, third, fourth];
      }
    }
  }
}

describe('a validator', () => {
  it('[6455-8.1-b] [6455-8.1-c] takes the sequences of RFC 3629 and no other, byte by byte and whole', () => {
    let count = 0;
    for (const octets of sequences()) {
      count++;
      const expected = judge(octets);
      const bytewise = validate(...octets.map((octet) => [octet]));
      if (bytewise !== expected || validate(octets) !== expected) {
        expect.fail(`${Buffer.from(octets).toString('hex')}: ${expected}`);
      }
    }
    expect(count).toBeGreaterThan(50_000);
  });

  it('[6455-8.1-c] [6455-8.1-f] judges them the same behind and before text of any length, cut anywhere', () => {
    const lengths = [0, 1, 10, 11, 12, 13, 30];
    for (const octets of sequences()) {
      // The full square is walked for the octets at the borders only.
      if (!octets.every((octet) => INTERESTING.includes(octet)) || octets.length > 3) continue;
      const expected = judge(octets);
      for (const length of lengths) {
        const text = Buffer.alloc(length, 'a');
        const behind = Buffer.concat([text, Buffer.from(octets)]);
        if (validate(behind) !== expected) expect.fail(`${behind.toString('hex')}`);
        const before = Buffer.concat([behind, text]);
        const then = expected === 'begun' && length > 0 ? 'impossible' : expected;
        if (validate(before) !== then) expect.fail(`${before.toString('hex')}`);
        const cut = length + (octets.length >> 1);
        const halves = [before.subarray(0, cut), before.subarray(cut)];
        if (validate(...halves) !== then) expect.fail(`${before.toString('hex')} at ${cut}`);
      }
    }
  });

  it.each([
    ['U+0000', '\0'],
    ['U+D7FF and U+E000', '\ud7ff\ue000'],
    ['U+FFFE and U+FFFF', '\ufffe\uffff'],
    ['U+1FFFF', '\u{1ffff}'],
    ['U+10FFFF', '\u{10ffff}'],
    ['a leading BOM', '\ufefftext'],
  ])('[6455-8.1-d] takes %s', (_, text) => {
    for (const repeat of [1, 20]) {
      const bytes = Buffer.from(text.repeat(repeat));
      expect(validate(bytes)).toBe('whole');
      expect(validate(...Array.from(bytes, (byte) => [byte]))).toBe('whole');
    }
  });

  it('[6455-8.1-e] fails at the first impossible octet of a long piece, wherever it stands', () => {
    for (let at = 0; at < 64; at++) {
      const bytes = Buffer.alloc(64, 'a');
      bytes[at] = 0xff;
      expect(new Utf8Validator().write(bytes.subarray(0, at))).toBe(true);
      expect(new Utf8Validator().write(bytes.subarray(0, at + 1))).toBe(false);
    }
  });

  it('[6455-8.1-f] begins anew behind an end and behind a reset', () => {
    const validator = new Utf8Validator();
    expect(validator.write(Buffer.from([0xf0]))).toBe(true);
    expect(validator.end()).toBe(false);
    expect(validator.write(Buffer.from([0x41]))).toBe(true);
    expect(validator.end()).toBe(true);
    expect(validator.write(Buffer.from([0xe0]))).toBe(true);
    validator.reset();
    // Neither the octets that were missing nor the narrowed range of the next one is left.
    expect(validator.write(Buffer.from([0xc3, 0x80]))).toBe(true);
    expect(validator.end()).toBe(true);
  });

  it('takes a text of nothing', () => {
    expect(validate()).toBe('whole');
    expect(validate([], [])).toBe('whole');
  });
});

describe('isText', () => {
  it('[6455-8.1-e] is what the platform says, for any length and any place of what is not ASCII', () => {
    const others = ['', 'é', '€', '😀', '\u{d7ff}'].map((text) => Buffer.from(text));
    others.push(Buffer.from([0x80]), Buffer.from([0xc3]), Buffer.from([0xed, 0xa0, 0x80]));
    for (const other of others) {
      for (let length = 0; length < 70; length++) {
        for (const at of [0, 1, 2, 3, length >> 1, length]) {
          const bytes = Buffer.concat([
            Buffer.alloc(Math.min(at, length), 'a'),
            other,
            Buffer.alloc(Math.max(length - at, 0), 'a'),
          ]);
          expect(isText(bytes)).toBe(isUtf8(bytes));
        }
      }
    }
  });
});
