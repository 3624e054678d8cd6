// Kept zlib contexts: that they work in this version of Node, at once and on the thread pool, and that
// they say what became of their input.

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { Context } from '../../src/deflate/context.ts';

const OUTPUT = 65_536;
const SYNC = { finishFlush: 2 };
const open: Context[] = [];

function context(direction: 'deflate' | 'inflate', windowBits = 15): Context {
  const made = new Context(direction, { windowBits });
  open.push(made);
  return made;
}

afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

const all = (of: Context, bytes: Buffer): Buffer | null => {
  const output = of.run(bytes, 0, bytes.length);
  return output && Buffer.from(output);
};

interface Later {
  readonly pieces: Buffer[];
  readonly used: number;
}

const later = (of: Context, bytes: Buffer): Promise<Later> =>
  new Promise((resolve) => {
    const pieces: Buffer[] = [];
    of.runLater(
      bytes,
      (piece) => pieces.push(Buffer.from(piece)),
      (used) => resolve({ pieces, used }),
    );
  });

describe('a context', () => {
  it('is supported here: without it everything works, at several times the cost', () => {
    expect(Context.isSupported()).toBe(true);
    expect(Context.isSupported()).toBe(true);
  });

  it('keeps its window from run to run, until it is reset', () => {
    const deflate = context('deflate');
    const inflate = context('inflate');
    const text = Buffer.from('one and the same message');
    const [first, second] = [all(deflate, text), all(deflate, text)] as [Buffer, Buffer];
    expect(second.length).toBeLessThan(first.length);
    expect(inflateRawSync(first, SYNC)).toEqual(text);
    expect(all(inflate, first)).toEqual(text);
    expect(all(inflate, second)).toEqual(text);
    expect(inflate.inputLeft).toBe(0);
    deflate.reset();
    expect(all(deflate, text)).toEqual(first);
    inflate.reset();
    // A window that is gone cannot be referred to.
    expect(all(inflate, second)).toBeNull();
  });

  it('reads from where it is told', () => {
    const inflate = context('inflate');
    const data = Buffer.concat([Buffer.from('xx'), deflateRawSync('abc', SYNC), Buffer.from('y')]);
    expect(inflate.run(data, 2, data.length - 3)?.toString()).toBe('abc');
  });

  it('says when its output is full, and goes on with what is left', () => {
    const inflate = context('inflate');
    const plain = Buffer.alloc(OUTPUT + 10, 'a');
    const data = deflateRawSync(plain, SYNC);
    expect(all(inflate, data)).toEqual(plain.subarray(0, OUTPUT));
    expect(inflate.isOutputFull).toBe(true);
    const start = data.length - inflate.inputLeft;
    expect(inflate.run(data, start, inflate.inputLeft)).toEqual(plain.subarray(OUTPUT));
    expect(inflate.isOutputFull).toBe(false);
  });

  it('stops behind a final block, and reads no more until it is reset', () => {
    const inflate = context('inflate');
    const data = Buffer.concat([deflateRawSync('abc'), Buffer.from('rest')]);
    expect(all(inflate, data)?.toString()).toBe('abc');
    expect(inflate.inputLeft).toBe(4);
    expect(all(inflate, data)).toHaveLength(0);
    expect(inflate.inputLeft).toBe(data.length);
    inflate.reset();
    expect(all(inflate, data)?.toString()).toBe('abc');
  });

  it('gives null for what is no DEFLATE data, then and later', () => {
    const inflate = context('inflate');
    expect(all(inflate, Buffer.from([0xff]))).toBeNull();
    expect(all(inflate, deflateRawSync('abc', SYNC))).toBeNull();
  });

  it('takes a run on the thread pool in its turn', async () => {
    const deflate = context('deflate');
    const inflate = context('inflate');
    const small = Buffer.from('small');
    const large = Buffer.concat([randomBytes(200_000), Buffer.alloc(500_000, 'large')]);
    expect(all(inflate, all(deflate, small) as Buffer)).toEqual(small);
    const { pieces: deflated } = await later(deflate, large);
    // The pool runs until its input is used up; what zlib holds back comes with a flush.
    const data = Buffer.concat([...deflated, all(deflate, Buffer.from('!')) as Buffer]);
    const { pieces, used } = await later(inflate, data);
    expect(used).toBe(data.length);
    expect(Buffer.concat(pieces).equals(Buffer.concat([large, Buffer.from('!')]))).toBe(true);
    // Nothing of it stays behind.
    expect(all(inflate, all(deflate, small) as Buffer)).toEqual(small);
  });

  it('tells on the pool, too, how much was read before a final block', async () => {
    const stream = deflateRawSync(Buffer.alloc(100_000, 'b'));
    const { pieces, used } = await later(
      context('inflate'),
      Buffer.concat([stream, Buffer.from('rest')]),
    );
    expect(Buffer.concat(pieces)).toEqual(Buffer.alloc(100_000, 'b'));
    expect(used).toBe(stream.length);
  });

  it('tells on the pool, too, that something is no DEFLATE data', async () => {
    const { used } = await later(context('inflate'), Buffer.alloc(100, 0xff));
    expect(used).toBe(-1);
  });

  it('calls nobody any more once it is closed, also from the middle of a run', async () => {
    const inflate = context('inflate');
    const calls: string[] = [];
    inflate.runLater(
      deflateRawSync(Buffer.alloc(1_000_000), SYNC),
      () => calls.push('output'),
      () => calls.push('end'),
    );
    inflate.close();
    inflate.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(calls).toEqual([]);
  });
});
