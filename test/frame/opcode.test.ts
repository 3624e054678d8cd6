// The opcode table, number by number (§11.8).

import { describe, expect, it } from 'vitest';
import { isControl, Opcode } from '../../src/frame/opcode.ts';

describe('Opcode', () => {
  it('[6455-5.2-f] numbers the six frame types', () => {
    expect(Opcode).toEqual({ CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 });
  });
});

describe('isControl', () => {
  it('holds for the opcodes from 8 up, known or reserved', () => {
    for (let opcode = 0; opcode < 16; opcode++) expect(isControl(opcode)).toBe(opcode >= 8);
  });
});
