// The writer: what the frames look like on the wire, how they are gathered, and whose bytes are whose.

import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { FrameWriter } from '../../src/frame/writer.ts';
import { decodeFrames, encodeFrame, type WireFrame } from '../support/wire.ts';

const TEXT = 0x81;
const BINARY = 0x82;
const KEY = 0x3d21fa37;
const KEY_OCTETS = Buffer.from('37fa213d', 'hex');

/** At the borders of the length forms, of the fast path for short text, and of copying. */
const LENGTHS = [
  0, 1, 40, 41, 42, 43, 125, 126, 127, 8191, 8192, 32_767, 32_768, 32_769, 65535, 65536, 100_000,
];

function framesOf(writer: FrameWriter): WireFrame[] {
  const { frames, rest } = decodeFrames(Buffer.concat(writer.take()));
  expect(rest.length).toBe(0);
  return frames;
}

describe('a server writer', () => {
  it.each(LENGTHS)(
    '[6455-5.2-m] [6455-5.1-e] [6455-5.2-b] writes %d bytes unmasked, in the shortest form',
    (length) => {
      const writer = new FrameWriter('server');
      const bytes = Buffer.alloc(length, 'handfast');
      const text = 'x'.repeat(length);
      expect(writer.write(BINARY, bytes)).toBe(length);
      expect(writer.write(TEXT, text)).toBe(length);
      const expected = [
        encodeFrame({ opcode: 2, payload: bytes }),
        encodeFrame({ opcode: 1, payload: text }),
      ];
      const whole = Buffer.concat(expected);
      expect(writer.length).toBe(whole.length);
      expect(Buffer.concat(writer.take()).equals(whole)).toBe(true);
      expect(writer.length).toBe(0);
      expect(writer.take()).toEqual([]);
    },
  );

  it.each([32_768, 40_000, 70_000])('keeps %d bytes by reference and copies a few', (length) => {
    const writer = new FrameWriter('server');
    const large = Buffer.alloc(length, 'a');
    const small = Buffer.from('small');
    writer.write(BINARY, small);
    writer.write(BINARY, large);
    small.fill('z');
    const chunks = writer.take();
    expect(chunks.some((chunk) => chunk.buffer === large.buffer)).toBe(true);
    expect(Buffer.concat(chunks).subarray(2, 7).toString()).toBe('small');
  });
});

describe('a client writer', () => {
  it.each(LENGTHS)(
    '[6455-5.1-b] [6455-5.3-a] [6455-5.3-g] [6455-6.1-e] masks a copy of %d bytes',
    (length) => {
      const writer = new FrameWriter('client', () => KEY);
      const bytes = Buffer.alloc(length, 'handfast');
      const text = 'x'.repeat(length);
      expect(writer.write(BINARY, bytes)).toBe(length);
      expect(writer.write(TEXT, text)).toBe(length);
      expect(bytes.equals(Buffer.alloc(length, 'handfast'))).toBe(true);
      // §10.3: from here on the frame is not the application's any more.
      bytes.fill(0);
      const expected = [
        encodeFrame({ opcode: 2, payload: Buffer.alloc(length, 'handfast'), mask: KEY_OCTETS }),
        encodeFrame({ opcode: 1, payload: text, mask: KEY_OCTETS }),
      ];
      expect(Buffer.concat(writer.take()).equals(Buffer.concat(expected))).toBe(true);
    },
  );

  it('[6455-5.3-b] asks for a key for each frame, empty ones and control frames included', () => {
    let asked = 0;
    const writer = new FrameWriter('client', () => ++asked);
    const payloads = ['', 'short', 'long'.repeat(100), 'x'.repeat(40_000), Buffer.alloc(40_000)];
    for (const payload of payloads) writer.write(BINARY, payload);
    writer.write(0x89, '');
    expect(framesOf(writer).map(({ key }) => key?.readUInt32LE(0))).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('[6455-5.3-c] draws its keys from the CSPRNG unless told', () => {
    const writer = new FrameWriter('client');
    for (let i = 0; i < 20; i++) writer.write(BINARY, '');
    const keys = framesOf(writer).map(({ key }) => key?.toString('hex'));
    expect(new Set(keys).size).toBe(20);
  });
});

describe.each(['server', 'client'] as const)('a %s writer', (role) => {
  it.each(['é', '日本', '😀', '\u{10ffff}', '\0', '\ufeffBOM'])(
    '[6455-5.6-a] writes text as UTF-8, short, long and large: %j',
    (text) => {
      const writer = new FrameWriter(role);
      const texts = [1, 20, 60, 5000, 20_000].map((count) => text.repeat(count));
      for (const text of texts) expect(writer.write(TEXT, text)).toBe(Buffer.byteLength(text));
      expect(framesOf(writer).map(({ payload }) => payload.toString())).toEqual(texts);
    },
  );

  it('[6455-5.6-c] writes U+FFFD for a lone surrogate, short, long and large', () => {
    const writer = new FrameWriter(role);
    for (const count of [1, 50, 5000, 20_000]) {
      expect(writer.write(TEXT, 'a\ud800b\udc00'.repeat(count))).toBe(8 * count);
    }
    expect(framesOf(writer).map(({ payload }) => payload.toString('hex'))).toEqual(
      [1, 50, 5000, 20_000].map((count) => '61efbfbd62efbfbd'.repeat(count)),
    );
  });

  it('takes any view of memory', () => {
    const writer = new FrameWriter(role);
    const memory = new Uint8Array(50_000).map((_, i) => i);
    for (const view of [memory.subarray(3, 10), memory.subarray(5)]) writer.write(BINARY, view);
    expect(framesOf(writer).map(({ payload }) => payload.toString('hex'))).toEqual([
      Buffer.from(memory.subarray(3, 10)).toString('hex'),
      Buffer.from(memory.subarray(5)).toString('hex'),
    ]);
  });

  it('[6455-2.1-a] [6455-6.1-f] gathers small frames in one buffer, in order', () => {
    const writer = new FrameWriter(role);
    const texts = Array.from({ length: 500 }, (_, i) => `message ${i}`);
    for (const text of texts) writer.write(TEXT, text);
    const chunks = writer.take();
    expect(chunks.length).toBe(1);
    expect(decodeFrames(Buffer.concat(chunks)).frames.map((frame) => `${frame.payload}`)).toEqual(
      texts,
    );
  });

  it('keeps what it gave while it writes on', () => {
    const writer = new FrameWriter(role);
    const taken: Buffer[] = [];
    const copies: Buffer[] = [];
    // Far more than one slab, so that every way of running out of room occurs.
    for (let i = 0; i < 3000; i++) {
      writer.write(BINARY, Buffer.alloc((i * 37) % 3000, i));
      if (i % 7 !== 0) continue;
      const [...chunks] = writer.take();
      taken.push(...chunks);
      copies.push(...chunks.map((chunk) => Buffer.from(chunk)));
    }
    expect(taken.every((chunk, i) => chunk.equals(copies[i] as Buffer))).toBe(true);
  });

  it('shares memory with other writers and is never mixed up with them', () => {
    const writers = [0, 1, 2].map(() => new FrameWriter(role));
    const sent: string[][] = [[], [], []];
    const got: string[][] = [[], [], []];
    for (let i = 0; i < 2000; i++) {
      const which = (i * i + (i >> 3)) % 3;
      const text = `${which}:${i}:${'.'.repeat(i % 90)}`;
      sent[which]?.push(text);
      writers[which]?.write(TEXT, text);
      if (i % 50 !== 49) continue;
      writers.forEach((writer, n) => {
        const chunks = writer.take();
        // What is small leaves in one buffer, however often the writers took turns.
        expect(chunks.length).toBeLessThanOrEqual(1);
        const { frames } = decodeFrames(Buffer.concat(chunks));
        got[n]?.push(...frames.map(({ payload }) => payload.toString()));
      });
    }
    expect(got).toEqual(sent);
  });

  it('writes again over what was given back, and over nothing else', () => {
    const writers = [0, 1, 2].map(() => new FrameWriter(role));
    /** Batches that somebody still reads, and what they have to go on saying. */
    const out: { chunk: Buffer; copy: Buffer }[] = [];
    let reused = 0;
    let last: ArrayBufferLike | null = null;
    let lastEnd = 0;
    for (let i = 0; i < 6000; i++) {
      const writer = writers[(i * i + (i >> 3)) % 3] as FrameWriter;
      for (let n = 0; n <= i % 3; n++) writer.write(TEXT, `${i}:${'.'.repeat((i * 31) % 900)}`);
      if (i % 5 === 4) continue;
      const chunks = writer.take();
      const [chunk] = chunks as [Buffer];
      if (chunk.buffer === last && chunk.byteOffset < lastEnd) reused++;
      last = chunk.buffer;
      lastEnd = chunk.byteOffset + chunk.length;
      if ((i >> 6) % 2 === 0) writer.reclaim();
      else out.push(...chunks.map((chunk) => ({ chunk, copy: Buffer.from(chunk) })));
      // Giving back twice gives back nothing more.
      if (i % 11 === 0 && (i >> 6) % 2 === 0) writer.reclaim();
    }
    expect(out.length).toBeGreaterThan(1000);
    expect(out.every(({ chunk, copy }) => chunk.equals(copy))).toBe(true);
    expect(reused).toBeGreaterThan(100);
  });

  it('takes what was given back of an older slab for gone', () => {
    const [early, other] = [new FrameWriter(role), new FrameWriter(role)];
    early.write(TEXT, 'early');
    const first = early.take().map((chunk) => Buffer.from(chunk));
    // A region in one slab, another in the next, in one batch.
    early.write(TEXT, 'in the old slab');
    for (let i = 0; i < 20; i++) {
      other.write(BINARY, Buffer.alloc(8000, i));
      other.take();
    }
    early.write(TEXT, 'in the new slab');
    const kept = early.take();
    const copy = Buffer.concat(kept);
    other.reclaim();
    for (let i = 0; i < 5; i++) other.write(BINARY, Buffer.alloc(8000, i));
    other.take();
    expect(Buffer.concat(kept).equals(copy)).toBe(true);
    early.reclaim();
    early.write(TEXT, 'early');
    expect(
      decodeFrames(Buffer.concat(early.take())).frames.map(({ payload }) => `${payload}`),
    ).toEqual(decodeFrames(Buffer.concat(first)).frames.map(({ payload }) => `${payload}`));
  });

  it('has nothing to give back of a slab that is gone', () => {
    const [early, other] = [new FrameWriter(role), new FrameWriter(role)];
    early.write(TEXT, 'early');
    early.take();
    // Slabs come and go meanwhile, and the last one is in use.
    for (let i = 0; i < 20; i++) {
      other.write(BINARY, Buffer.alloc(8000, i));
      if (i < 19) other.take();
    }
    const kept = other.take();
    const copy = Buffer.concat(kept);
    early.reclaim();
    for (let i = 0; i < 5; i++) early.write(BINARY, Buffer.alloc(8000, 0xff));
    early.take();
    expect(Buffer.concat(kept).equals(copy)).toBe(true);
  });

  it('puts frames made elsewhere in their place', () => {
    const writer = new FrameWriter(role);
    const prepared = encodeFrame({ opcode: 2, payload: Buffer.alloc(50_000, 'p') });
    writer.write(TEXT, 'before');
    writer.append(prepared);
    writer.write(TEXT, 'after');
    const chunks = writer.take();
    expect(chunks).toContain(prepared);
    const { frames } = decodeFrames(Buffer.concat(chunks));
    expect(frames.map(({ opcode }) => opcode)).toEqual([1, 2, 1]);
  });
});

describe.each(['client', 'server'] as const)('a frame made beforehand, on a %s', (role) => {
  const KEYED = role === 'client' ? KEY_OCTETS : (false as const);

  it.each([0, 5, 32_000, 32_768, 70_000])(
    'with %d bytes keeps its place and is not changed',
    (size) => {
      const writer = new FrameWriter(role, () => KEY);
      const frame = encodeFrame({ opcode: 2, payload: Buffer.alloc(size, 'p'), mask: KEYED });
      const original = Buffer.from(frame);
      const start = frame.length - size;
      writer.write(TEXT, 'before');
      writer.writeEncoded([frame.subarray(0, start), frame.subarray(start)]);
      writer.write(TEXT, 'after');
      const before = encodeFrame({ opcode: 1, payload: 'before', mask: KEYED });
      const after = encodeFrame({ opcode: 1, payload: 'after', mask: KEYED });
      expect(writer.length).toBe(before.length + frame.length + after.length);
      const chunks = writer.take();
      expect(Buffer.concat(chunks).equals(Buffer.concat([before, original, after]))).toBe(true);
      expect(frame.equals(original)).toBe(true);
      expect(chunks.some(({ buffer }) => buffer === frame.buffer)).toBe(size >= 32_768);
    },
  );
});
