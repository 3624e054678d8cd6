// Arbitraries for the text and the bytes of the opening handshake.

import fc from 'fast-check';
import type { RequestLike } from '../../src/handshake/index.ts';

const TOKEN_CHARACTERS =
  "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Every ASCII character that a token cannot hold, and two beyond ASCII. */
export const NO_TOKEN_CHARACTERS: readonly string[] = [
  ...Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).filter(
    (character) => !TOKEN_CHARACTERS.includes(character),
  ),
  '\x80',
  'é',
];

/** A token, now and then one that is the name of something on Object.prototype. */
export const token: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.string({
      unit: fc.constantFrom(...TOKEN_CHARACTERS),
      minLength: 1,
      maxLength: 12,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty'),
  },
);

/** White space as it may stand between tokens. */
export const space: fc.Arbitrary<string> = fc.string({
  unit: fc.constantFrom(' ', '\t'),
  maxLength: 3,
});

/** `text` with every letter in a case of its own. */
export function anyCase(text: string): fc.Arbitrary<string> {
  return fc
    .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
    .map((upper) =>
      [...text].map((c, i) => (upper[i] ? c.toUpperCase() : c.toLowerCase())).join(''),
    );
}

/** The key of an opening request: any 22 base64 characters, so that pad bits may be set. */
export const key: fc.Arbitrary<string> = fc
  .string({
    unit: fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'),
    minLength: 22,
    maxLength: 22,
  })
  .map((text) => `${text}==`);

/** Any cut of `bytes` into pieces, weighted to single bytes, with empty pieces between. */
export function chunks(bytes: Buffer): fc.Arbitrary<Buffer[]> {
  const cut = (lengths: readonly number[]): Buffer[] => {
    const pieces: Buffer[] = [];
    let at = 0;
    for (const length of lengths) {
      if (at === bytes.length) break;
      pieces.push(bytes.subarray(at, at + length));
      at += Math.min(length, bytes.length - at);
    }
    pieces.push(bytes.subarray(at));
    return pieces;
  };
  return fc.oneof(
    fc.constant<Buffer[]>([bytes]),
    fc.constant(Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))),
    fc.array(fc.oneof(fc.constant(1), fc.nat(3), fc.nat(bytes.length)), { maxLength: 60 }).map(cut),
  );
}

/** Header fields as pairs of name and value. */
export type Pairs = readonly (readonly [name: string, value: string])[];

/** The fields of a plain valid opening request. */
export const VALID: Pairs = [
  ['Host', 'example.com'],
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ['Sec-WebSocket-Version', '13'],
];

/** A request as Node's http would hand it over, from the fields that came. */
export function requestOf(pairs: Pairs, overrides: Partial<RequestLike> = {}): RequestLike {
  const headers: Record<string, string> = {};
  for (const [name, value] of pairs) {
    const lower = name.toLowerCase();
    // Node keeps the first Host and Content-Length, and joins all that matter else.
    if (headers[lower] === undefined) headers[lower] = value;
    else if (lower !== 'host' && lower !== 'content-length') headers[lower] += `, ${value}`;
  }
  return {
    method: 'GET',
    url: '/',
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    rawHeaders: pairs.flat(),
    headers,
    ...overrides,
  };
}

/** `VALID` with the value of one field replaced, or the field left out, or with more fields behind. */
export function withField(name: string, ...values: readonly string[]): Pairs {
  const at = VALID.findIndex(([known]) => known === name);
  const added = values.map((value) => [name, value] as const);
  if (at === -1) return [...VALID, ...added];
  return [...VALID.slice(0, at), ...added, ...VALID.slice(at + 1)];
}
