// The header codec (§5.2): the bit layout and the three length forms, at their borders and beyond,
// and how much of a header has to be there before it is judged.

import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/errors.ts';
import {
  decodeHeader,
  encodeHeader,
  encodeMaskedHeader,
  FIN,
  FrameHeader,
  headerLength,
  MAX_HEADER_LENGTH,
  RSV1,
} from '../../src/frame/header.ts';
import { FrameContext, type Role } from '../../src/frame/rules.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

function decode(text: string, context = new FrameContext('client')): FrameHeader | number {
  const header = new FrameHeader();
  const bytes = hex(text);
  const size = decodeHeader(header, bytes, 0, bytes.length, context);
  return size === bytes.length ? header : size;
}

/** How many bytes of `text` are needed for its verdict, and which that is. */
function refusal(text: string, context = new FrameContext('client')): string {
  const bytes = hex(text);
  for (let end = 0; end <= bytes.length; end++) {
    try {
      const size = decodeHeader(new FrameHeader(), bytes, 0, end, context);
      if (size > 0) return `taken at ${end}`;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return `${error.closeCode} at ${end}`;
    }
  }
  return 'incomplete';
}

/** Lengths at the borders of the forms, with the bytes that stand for them. */
const LENGTHS: [length: number, form: string][] = [
  [0, '00'],
  [1, '01'],
  [125, '7d'],
  [126, '7e 007e'],
  [127, '7e 007f'],
  [256, '7e 0100'],
  [65535, '7e ffff'],
  [65536, '7f 0000000000010000'],
  [0x89ab_cdef, '7f 0000000089abcdef'],
  [2 ** 32, '7f 0000000100000000'],
  [2 ** 53 - 1, '7f 001fffffffffffff'],
];

describe('encodeHeader', () => {
  it.each(LENGTHS)(
    '[6455-5.2-l] [6455-5.2-m] writes a length of %d in its shortest form',
    (length, form) => {
      const target = Buffer.alloc(20, 0xee);
      const end = encodeHeader(target, 3, 0x82, length);
      expect(target.subarray(3, end)).toEqual(hex(`82 ${form}`));
      expect(end - 3).toBe(headerLength(length));
      expect(target.subarray(end).every((byte) => byte === 0xee)).toBe(true);
      expect(target.subarray(0, 3).every((byte) => byte === 0xee)).toBe(true);
    },
  );
});

describe('encodeMaskedHeader', () => {
  it.each(LENGTHS)(
    '[6455-5.2-g] [6455-5.3-a] puts MASK and the key behind a length of %d',
    (length, form) => {
      const target = Buffer.alloc(MAX_HEADER_LENGTH);
      const end = encodeMaskedHeader(target, 0, 0x01, length, 0x3d21fa37);
      const expected = hex(`01 ${form} 37fa213d`);
      expected[1] |= 0x80;
      expect(target.subarray(0, end)).toEqual(expected);
    },
  );
});

describe('decodeHeader', () => {
  it('[6455-5.2-a] reads every field from its bits', () => {
    const context = new FrameContext('server', Infinity, true);
    expect(decode('c1 85 37fa213d', context)).toEqual({
      ...{ fin: true, rsv1: true, opcode: 1, masked: true },
      ...{ key: 0x3d21fa37, length: 5 },
    });
    expect(decode('02 00')).toEqual({
      ...{ fin: false, rsv1: false, opcode: 2, masked: false },
      ...{ key: 0, length: 0 },
    });
    expect([FIN, RSV1]).toEqual([0x80, 0x40]);
  });

  it.each(LENGTHS)(
    '[6455-5.2-l] [6455-5.2-h] reads a length of %d, which the key is no part of',
    (length, form) => {
      expect(decode(`82 ${form}`)).toMatchObject({ length, masked: false });
      const masked = hex(`82 ${form} ffeeddcc`);
      masked[1] |= 0x80;
      const header = new FrameHeader();
      const size = decodeHeader(header, masked, 0, masked.length, new FrameContext('server'));
      expect(size).toBe(masked.length);
      expect(header).toMatchObject({ length, masked: true, key: 0xccddeeff | 0 });
    },
  );

  it('looks at nothing outside start and end', () => {
    const bytes = hex('ffff 8205 ffff');
    const header = new FrameHeader();
    expect(decodeHeader(header, bytes, 2, 4, new FrameContext('client'))).toBe(2);
    expect(header.length).toBe(5);
    expect(decodeHeader(header, bytes, 2, 3, new FrameContext('client'))).toBe(0);
    expect(decodeHeader(header, bytes, 2, 2, new FrameContext('client'))).toBe(0);
  });

  it.each(['82 05', '82 7e ffff', '82 7f 0000000000010000'])(
    '[6455-6.2-a] waits for all of %s',
    (text) => {
      const plain = hex(text);
      expect(refusal(text)).toBe(`taken at ${plain.length}`);
      plain[1] |= 0x80;
      const masked = `${plain.toString('hex')} 01020304`;
      expect(refusal(masked, new FrameContext('server'))).toBe(`taken at ${plain.length + 4}`);
    },
  );

  it.each([
    ['[6455-5.2-j] a first byte no frame begins with', '83 00', '1002 at 1'],
    ['[6455-5.2-j] [6455-5.1-f] a MASK bit', '82 85 01020304', '1002 at 2'],
    ['[6455-5.5-a] a long control frame', '89 7e 0080', '1002 at 2'],
    ['[6455-5.2-o] a top bit', '82 7f 8000000000000000', '1002 at 3'],
    ['[6455-5.2-n] 125 in 16 bits', '82 7e 007d', '1002 at 4'],
    ['[6455-5.2-n] 65535 in 64 bits', '82 7f 000000000000ffff', '1002 at 10'],
    ['[6455-5.2-p] 2^53', '82 7f 0020000000000000', '1009 at 10'],
    ['[6455-5.2-p] 2^63 - 1', '82 7f 7fffffffffffffff', '1009 at 10'],
  ])('refuses at the byte that shows it: %s', (_, text, expected) => {
    expect(refusal(text)).toBe(expected);
  });

  it.each<[Role, string, string]>([
    ['client', '82 65', '1009 at 2'],
    ['client', '82 7e 1000', '1009 at 4'],
    ['client', '82 64', 'taken at 2'],
    // The key, which follows the length, is not waited for.
    ['server', '82 fe 1000 01020304', '1009 at 4'],
    ['client', '89 7d', 'taken at 2'],
  ])(
    '[6455-5.2-r] [6455-10.4-b] holds the announced length of data against the limit: %s, %s',
    (role, text, expected) => {
      expect(refusal(text, new FrameContext(role, 100))).toBe(expected);
    },
  );
});

describe('headerLength', () => {
  it('[6455-5.2-m] steps up behind 125 and 65535', () => {
    expect([0, 125, 126, 65535, 65536].map(headerLength)).toEqual([2, 2, 4, 4, 10]);
  });
});
