// The decompressor on Node's public interface: what it does apart from decompressor.test.ts, which
// runs on both kinds.

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { createDeflateRaw } from 'node:zlib';
import { expect, it } from 'vitest';
import { OneShotDecompressor } from '../../src/deflate/oneshot.ts';
import { inflateMessage, settings } from './decompressors.ts';

it('carries a window of the agreed size over messages of every length', async () => {
  for (const windowBits of [9, 15]) {
    const deflate = createDeflateRaw({ windowBits });
    const each = new OneShotDecompressor(settings({ context: { windowBits } }));
    const noise = randomBytes(40_000);
    for (const length of [10, 300, 3000, 40_000, 10, 300]) {
      const plain = noise.subarray(0, length);
      const parts: Buffer[] = [];
      deflate.on('data', (part: Buffer) => parts.push(part));
      deflate.write(plain);
      await new Promise<void>((resolve) => deflate.flush(2, resolve));
      deflate.removeAllListeners('data');
      const { output } = await inflateMessage(each, [Buffer.concat(parts).subarray(0, -4)]);
      expect(output.equals(plain)).toBe(true);
    }
    each.close();
    deflate.close();
  }
});

it('says nothing of a message that is complete only after it was closed', async () => {
  const each = new OneShotDecompressor(settings());
  const calls: string[] = [];
  const sink = {
    onDecompressed: () => calls.push('output'),
    onDecompressEnd: () => calls.push('end'),
  };
  expect(each.decompress(randomBytes(30_000), true, Infinity, sink)).toBe(false);
  each.close();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(calls).toEqual([]);
});
