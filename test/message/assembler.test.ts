// The assembler: one message out of any pieces, and how much memory the pieces may hold meanwhile.

import { Buffer } from 'node:buffer';
import { describe, expect, it, vi } from 'vitest';
import { ProtocolError } from '../../src/errors.ts';
import { Assembler, invalidUtf8 } from '../../src/message/assembler.ts';
import { heldBytes } from './memory.ts';

/** A piece in a chunk of its own, as a transport gives it, with `slack` other bytes around it. */
function chunk(bytes: Uint8Array | readonly number[] | string, slack = 0): Buffer {
  const source = typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from([...bytes]);
  const piece = Buffer.from(new ArrayBuffer(source.length + slack), slack, source.length);
  source.copy(piece);
  return piece;
}

const noise = (length: number, seed = 0): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 151 + seed * 31 + 7) & 255));

describe('an assembler', () => {
  it.each([false, true])(
    '[6455-5.4-b] [6455-5.4-e] joins pieces of every size in order, borrowed: %s',
    (borrowed) => {
      const assembler = new Assembler();
      const sizes = [0, 1, 3, 1020, 5, 4095, 4096, 1, 70_000, 2, 9000, 0, 1024, 65_536];
      const pieces = sizes.map((size, i) => noise(size, i));
      // Twice, as nothing of the first message may be left in the second.
      for (let message = 0; message < 2; message++) {
        assembler.begin(false);
        for (const piece of pieces) assembler.write(chunk(piece), borrowed);
        expect(assembler.length).toBe(sizes.reduce((sum, size) => sum + size));
        expect(assembler.end().equals(Buffer.concat(pieces))).toBe(true);
        expect(assembler.length).toBe(0);
      }
    },
  );

  it('[6455-5.4-n] makes one empty message of nothing but empty pieces', () => {
    const assembler = new Assembler();
    assembler.begin(true);
    for (let i = 0; i < 3; i++) assembler.write(chunk(''), false);
    expect(assembler.end()).toEqual(Buffer.alloc(0));
  });

  it('keeps a large piece as it is, a borrowed or a small one as a copy', () => {
    const keep = (piece: Buffer, borrowed: boolean): boolean => {
      const assembler = new Assembler();
      assembler.begin(false);
      assembler.write(piece, borrowed);
      return assembler.end().buffer === piece.buffer;
    };
    expect(keep(chunk(noise(4096)), false)).toBe(true);
    expect(keep(chunk(noise(4096)), true)).toBe(false);
    expect(keep(chunk(noise(4095)), false)).toBe(false);
    // It would hold more than twice its own length.
    expect(keep(chunk(noise(5000), 5000), false)).toBe(true);
    expect(keep(chunk(noise(5000), 5001), false)).toBe(false);
  });

  it.each([false, true])('gathers a long frame where its end will be, borrowed: %s', (borrowed) => {
    for (const checkText of [false, true]) {
      const assembler = new Assembler(checkText);
      const bytes = Buffer.alloc(1_000_000, 'é');
      for (const [first, step] of [
        [65_530, 65_536],
        [1, 300_000],
        [1000, 999_000],
        [400_000, 1],
      ] as const) {
        assembler.begin(true);
        // A fragment before, so that a frame is not the message.
        assembler.write(chunk('before'), borrowed);
        let at = 0;
        for (let size: number = first; at < bytes.length; size = step === 1 ? 200_000 : step) {
          const piece = chunk(bytes.subarray(at, at + size));
          at += piece.length;
          assembler.write(piece, borrowed, bytes.length - at);
          if (borrowed) piece.fill(0);
        }
        assembler.write(chunk('behind'), borrowed);
        const message = assembler.end();
        expect(message.toString()).toBe(`before${bytes}behind`);
        expect(message.length).toBe(1_000_012);
      }
    }
  });

  it('gives the block itself where a frame of announced length has come whole', () => {
    const assembler = new Assembler();
    assembler.begin(false);
    assembler.write(chunk(noise(60_000)), true, 100_000);
    const before = heldBytes();
    assembler.write(chunk(noise(50_000, 1)), true, 50_000);
    assembler.write(chunk(noise(50_000, 2)), true);
    const message = assembler.end();
    expect(heldBytes() - before).toBeLessThan(200_000);
    expect(message.length).toBe(message.buffer.byteLength);
    expect(message.equals(Buffer.concat([noise(60_000), noise(50_000, 1), noise(50_000, 2)]))).toBe(
      true,
    );
  });

  it('gives bytes that a borrowed chunk no longer touches', () => {
    const assembler = new Assembler();
    assembler.begin(false);
    for (const text of ['one', 'two', 'three'.repeat(2000)]) {
      const lent = chunk(text);
      assembler.write(lent, true);
      lent.fill(0);
    }
    expect(assembler.end().toString()).toBe(`onetwo${'three'.repeat(2000)}`);
  });

  it('[6455-5.6-a] takes a character that lies in several pieces', () => {
    const assembler = new Assembler();
    assembler.begin(true);
    for (const byte of Buffer.from('a😀é')) assembler.write(chunk([byte]), false);
    expect(assembler.end().toString()).toBe('a😀é');
  });

  it('[6455-8.1-e] [6455-8.1-b] throws 1007 at the first impossible byte', () => {
    const assembler = new Assembler();
    assembler.begin(true);
    assembler.write(chunk([0x61, 0xed]), false);
    expect(() => assembler.write(chunk([0xa0]), false)).toThrow(
      expect.objectContaining({ closeCode: 1007, code: 'WS_ERR_INVALID_UTF8' }),
    );
  });

  it('[6455-8.1-c] [6455-8.1-f] throws 1007 for a text that ends inside a character, and for that one only', () => {
    const assembler = new Assembler();
    assembler.begin(true);
    assembler.write(chunk([0x61, 0xe2, 0x82]), false);
    expect(() => assembler.end()).toThrow(ProtocolError);
    assembler.reset();
    assembler.begin(true);
    assembler.write(chunk('b'), false);
    expect(assembler.end().toString()).toBe('b');
  });

  it('[6455-5.6-b] passes binary, and text on trust, as it is', () => {
    for (const [assembler, isText] of [
      [new Assembler(), false],
      [new Assembler(false), true],
    ] as const) {
      assembler.begin(isText);
      assembler.write(chunk([0xff, 0xc3]), false);
      expect(assembler.end().toString('hex')).toBe('ffc3');
      assembler.reset();
    }
  });

  it('forgets the message in progress on reset', () => {
    const assembler = new Assembler();
    assembler.begin(true);
    assembler.write(chunk([0xe2]), false);
    assembler.write(chunk('x'.repeat(0)), false);
    assembler.reset();
    expect(assembler.length).toBe(0);
    assembler.begin(true);
    assembler.write(chunk('new'), false);
    expect(assembler.end().toString()).toBe('new');
  });
});

describe('the memory an assembler holds', () => {
  /** Bytes held by a message of `pieces`, none of which anyone else holds. */
  function held(pieces: number, make: (i: number) => Buffer): { held: number; length: number } {
    const assembler = new Assembler();
    assembler.begin(false);
    const before = heldBytes();
    for (let i = 0; i < pieces; i++) assembler.write(make(i), false);
    const result = { held: heldBytes() - before, length: assembler.length };
    assembler.reset();
    return result;
  }

  it('[6455-10.4-c] [6455-10.4-a] follows the bytes, not the number of pieces: a byte at a time', () => {
    const { held: bytes, length } = held(200_000, () => chunk('x'));
    expect(length).toBe(200_000);
    expect(bytes).toBeLessThan(2 * length + 65_536);
  });

  it('[6455-10.4-c] follows the bytes that came, not those that were announced', () => {
    const before = heldBytes();
    const assembler = new Assembler();
    assembler.begin(false);
    for (let i = 1; i <= 30; i++) {
      assembler.write(chunk(noise(10_000)), true, 100_000_000 - i * 10_000);
      expect(heldBytes() - before).toBeLessThan(3 * assembler.length + 200_000);
    }
    // Close enough to the end for all of it to be set aside.
    assembler.write(chunk(noise(10_000)), true, 600_000);
    expect(heldBytes() - before).toBeLessThan(3 * assembler.length + 200_000);
    assembler.reset();
  });

  it('[6455-10.4-c] takes memory by the bytes, however many frames come byte by byte', () => {
    const assembler = new Assembler();
    assembler.begin(false);
    let blocks = 0;
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow').mockImplementation((size) => {
      blocks += size;
      return Buffer.from(new ArrayBuffer(size));
    });
    try {
      for (let frame = 0; frame < 30; frame++) {
        for (let rest = 4095; rest >= 0; rest--) assembler.write(chunk('x'), true, rest);
      }
    } finally {
      allocate.mockRestore();
    }
    expect(blocks).toBeLessThan(3 * assembler.length);
    expect(assembler.end().length).toBe(30 * 4096);
  });

  it('[6455-10.4-c] is nothing for empty pieces', () => {
    expect(held(50_000, () => chunk('')).held).toBeLessThan(16_384);
  });

  it('[6455-10.4-c] follows the bytes when small pieces and kept ones take turns', () => {
    const { held: bytes, length } = held(1000, (i) =>
      i % 2 === 0 ? chunk('x') : chunk(Buffer.alloc(4096, 'y')),
    );
    expect(length).toBe(500 * 4097);
    expect(bytes).toBeLessThan(3 * length + 65_536);
  });

  it('[6455-10.4-c] follows the bytes when each is a small part of its chunk', () => {
    const { held: bytes, length } = held(300, () => chunk(Buffer.alloc(5000, 'y'), 60_000));
    expect(bytes).toBeLessThan(2 * length + 65_536);
  });
});

describe('invalidUtf8', () => {
  it('[6455-7.4.1-f] makes the error for text that is not text: 1007', () => {
    expect(invalidUtf8()).toMatchObject({ closeCode: 1007, code: 'WS_ERR_INVALID_UTF8' });
  });
});
