// Memory for long messages: its length, whose it is, and how little is held on to.

import { expect, it } from 'vitest';
import { allocateBlock } from '../../src/message/block.ts';
import { heldBytes } from './memory.ts';

it('has the length asked for, and memory of its own', () => {
  for (const length of [0, 1, 1024, 131_071, 131_072, 1_000_000]) {
    const block = allocateBlock(length);
    expect(block.length).toBe(length);
    expect(block.buffer.byteLength).toBe(length);
    expect(block.byteOffset).toBe(0);
  }
});

it('holds on to little, however many there were', () => {
  const before = heldBytes();
  for (let i = 0; i < 200; i++) allocateBlock(200_000);
  expect(heldBytes() - before).toBeLessThan(400_000);
});
