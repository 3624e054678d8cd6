// Masking (§5.3): every size from a few bytes to a mebibyte, at every alignment that a payload can have.

import { randomBytes } from 'node:crypto';
import { formatBytes } from '../numbers.ts';
import type { Library, MicroCase } from './case.ts';

const SIZES = [8, 16, 32, 64, 128, 1024, 16_384, 65_536, 1_048_576] as const;
/** Small spans are masked many times in one call, since a call by itself takes its time. */
const BYTES_PER_RUN = 4096;

function createCase({ mask }: Library, size: number, offset: number): MicroCase {
  const operations = Math.max(1, Math.floor(BYTES_PER_RUN / size));
  // Memory of its own, so that the offset within it is the alignment.
  const bytes = new Uint8Array(new ArrayBuffer(size + 8), offset, size);
  bytes.set(randomBytes(size));
  const run = (): number => {
    let key = 0x12345678;
    for (let i = 0; i < operations; i++) key = mask.mask(bytes, key);
    return key ^ bytes[0];
  };
  const name = `in place, ${formatBytes(size)}, offset ${offset}`;
  return { group: 'mask', name, operations, bytes: size, run };
}

function createCopyingCase({ mask }: Library, size: number): MicroCase {
  const source = randomBytes(size);
  const target = Buffer.allocUnsafeSlow(size + 14);
  const run = (): number => mask.maskInto(source, target, 6, 0x12345678) ^ target[7];
  const name = `into a frame, ${formatBytes(size)}`;
  return { group: 'mask', name, operations: 1, bytes: size, run };
}

export function createMaskCases(library: Library): MicroCase[] {
  const inPlace = SIZES.flatMap((size) =>
    [0, 1, 2, 3].map((offset) => createCase(library, size, offset)),
  );
  return [...inPlace, ...[64, 1024, 65_536].map((size) => createCopyingCase(library, size))];
}
