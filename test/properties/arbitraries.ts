// What the properties are tried on: frames, legal sequences of them, text good and bad, and ways in
// which a transport cuts bytes. Values print short and shrink well; `cut` and `wire` make bytes of them.

import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { encodeFrame, type FrameSpec } from '../support/wire.ts';
import type { Heard } from './reference.ts';

/** Runs of a property: `HANDFAST_RUNS=100` tries a hundred times as many. */
export function runs(count: number): { numRuns: number } {
  return { numRuns: Math.ceil(count * Number(process.env.HANDFAST_RUNS ?? 1)) };
}

export type Role = 'client' | 'server';
export const role = fc.constantFrom<Role>('client', 'server');

/** Lengths around the borders of the length forms; the large ones are rare, as they are slow. */
export const length = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0, 1, 2, 3, 124, 125, 126, 127, 128) },
  { weight: 6, arbitrary: fc.nat(300) },
  { weight: 1, arbitrary: fc.constantFrom(4095, 4096, 8191, 32_767, 32_768, 65535, 65536) },
);

/** Bytes of every length above, none of them telling where it came from. */
export const payload = fc.tuple(length, fc.nat(255)).map(([size, seed]) => {
  const bytes = Buffer.from(Array.from({ length: size }, (_, i) => (i * 167 + seed) & 255));
  // A counterexample is to be read by people.
  const print = () => `${size} bytes from ${seed}`;
  return Object.defineProperty(bytes, fc.toStringMethod, { value: print });
});

export const key = fc
  .tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
  .map((octets) => Buffer.from(octets));

/** Sizes of pieces, used in turn: many single bytes, some small ones, empty ones, and the rest. */
export const cuts = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.constant(0) },
    { weight: 4, arbitrary: fc.integer({ min: 2, max: 20 }) },
    { weight: 1, arbitrary: fc.integer({ min: 21, max: 70_000 }) },
  ),
  { maxLength: 40 },
);

/**
 * Cuts `bytes`: pieces of the given sizes, then again from the first one while `bytes` are short,
 * then the rest in one. Each piece is a copy, at an offset of its own into memory of its own.
 */
export function cut(bytes: Uint8Array, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  const again = bytes.length < 4096 && sizes.some((size) => size > 0);
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const rest = bytes.length - at;
    const size = again ? sizes[i % sizes.length] : sizes[i];
    const piece = bytes.subarray(at, at + Math.min(size ?? rest, rest));
    const copy = Buffer.from(new ArrayBuffer(piece.length + (i % 4)), i % 4, piece.length);
    copy.set(piece);
    pieces.push(copy);
    at += piece.length;
  }
  return pieces;
}

/** The frames as the peer of `role` puts them on the wire: masked for a server only. */
export function wire(role: Role, specs: readonly FrameSpec[]): Buffer {
  const zero = Buffer.alloc(4);
  return Buffer.concat(
    specs.map((spec) =>
      encodeFrame({ ...spec, mask: role === 'server' ? spec.mask || zero : false }),
    ),
  );
}

/** Any frame: legal or not, in its shortest form or not. */
export const frame: fc.Arbitrary<FrameSpec> = fc.record({
  fin: fc.boolean(),
  rsv: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.nat(7)),
  opcode: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(0, 1, 2, 8, 9, 10) }, fc.nat(15)),
  mask: key,
  payload,
});

/** Text of all of Unicode, without lone surrogates. */
export const text = fc.oneof(
  { weight: 5, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 150 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 30 }) },
  fc.constantFrom('\0', '\ufeffBOM', '\ufffe\uffff', '\u{1ffff}', '\u{10ffff}', '\ud7ff\ue000'),
);

/** Text whose UTF-16 may be broken. */
export const brokenText = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0xd800, max: 0xdfff }),
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: 0x61, max: 0x7a }),
    ),
    { maxLength: 60 },
  )
  .map((units) => String.fromCharCode(...units));

/** §8.1: faults, each with the index of its first impossible octet. */
const FAULTS: readonly (readonly [hex: string, at: number])[] = [
  ['c080', 0],
  ['c1bf', 0],
  ['e08080', 1],
  ['e09fbf', 1],
  ['f0808080', 1],
  ['f08fbfbf', 1],
  ['eda080', 1],
  ['edbfbf', 1],
  ['f4908080', 1],
  ['f5', 0],
  ['ff', 0],
  ['80', 0],
  ['bf', 0],
  ['c328', 1],
  ['e228', 1],
  ['e28228', 2],
  ['f1808041', 3],
  ['c3c3a9', 1],
];

/** Valid bytes with one fault spliced in, and the index of the first octet that no text can have there. */
export const badUtf8 = fc
  .tuple(text, fc.constantFrom(...FAULTS), text)
  .map(([before, [fault, at], after]) => ({
    bytes: Buffer.concat([Buffer.from(before), Buffer.from(fault, 'hex'), Buffer.from(after)]),
    impossibleAt: Buffer.byteLength(before) + at,
  }));

/** A sequence of frames and what is to be heard of it. */
export interface Dialogue {
  readonly specs: readonly FrameSpec[];
  readonly heard: readonly Heard[];
}

const control = fc.record({
  opcode: fc.constantFrom(9, 10),
  payload: fc.uint8Array({ maxLength: 125 }).map((bytes) => Buffer.from(bytes)),
  mask: key,
});

function hearControl(spec: { opcode: number; payload: Buffer }): Heard {
  return [spec.opcode === 9 ? 'ping' : 'pong', spec.payload.toString('hex')];
}

/** A message in fragments of the given sizes, empty ones included, control frames between them. */
export const message: fc.Arbitrary<Dialogue> = fc
  .record({
    content: fc.oneof(text, payload),
    sizes: fc.array(fc.nat(40), { maxLength: 4 }),
    controls: fc.array(fc.array(control, { maxLength: 2 }), { maxLength: 4 }),
    mask: key,
  })
  .map(({ content, sizes, controls, mask }) => {
    const isText = typeof content === 'string';
    const fragments = fragment(Buffer.from(content as string), sizes);
    const specs: FrameSpec[] = [];
    const heard: Heard[] = [];
    fragments.forEach((payload, i) => {
      const fin = i === fragments.length - 1;
      specs.push({ opcode: i > 0 ? 0 : isText ? 1 : 2, fin, payload, mask });
      if (fin) return;
      specs.push(...(controls[i] ?? []));
      heard.push(...(controls[i] ?? []).map(hearControl));
    });
    heard.push(isText ? ['text', content] : ['binary', content.toString('hex')]);
    return { specs, heard };
  });

/** Cuts a message at the given sizes; the last fragment is the rest. */
export function fragment(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const fragments: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    fragments.push(bytes.subarray(at, at + size));
    at = Math.min(at + size, bytes.length);
  }
  return [...fragments, bytes.subarray(at)];
}

export const closeCode = fc.oneof(
  fc.constantFrom(1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014),
  fc.integer({ min: 3000, max: 4999 }),
);

/** A reason of at most 123 bytes. */
export const reason = text.filter((text) => Buffer.byteLength(text) <= 123);

const close: fc.Arbitrary<Dialogue> = fc
  .tuple(fc.option(closeCode), reason, key)
  .map(([code, reason, mask]) => {
    if (code === null) return { specs: [{ opcode: 8, mask }], heard: [['close', 1005, '']] };
    const body = Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);
    return { specs: [{ opcode: 8, payload: body, mask }], heard: [['close', code, reason]] };
  });

function join(parts: readonly Dialogue[]): Dialogue {
  return {
    specs: parts.flatMap(({ specs }) => specs),
    heard: parts.flatMap(({ heard }) => heard),
  };
}

const single: fc.Arbitrary<Dialogue> = control.map((spec) => ({
  specs: [spec],
  heard: [hearControl(spec)],
}));

/** Whole messages and control frames, no Close. */
export const talk = fc
  .array(fc.oneof({ weight: 3, arbitrary: message }, single), { maxLength: 5 })
  .map(join);

/** The same, perhaps ended by a Close. */
export const dialogue = fc
  .tuple(talk, fc.option(close, { nil: { specs: [], heard: [] } }))
  .map(join);
