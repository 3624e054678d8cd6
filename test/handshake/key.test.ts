import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKey, isKey } from '../../src/handshake/key.ts';
import { key } from './arbitraries.ts';

describe('createKey', () => {
  it('[6455-4.1-r] [6455-4.1-t] is canonical base64 of 16 bytes, 24 characters (property 36)', () => {
    const seen = { first: new Set<string>(), last: new Set<string>() };
    for (let i = 0; i < 2000; i++) {
      const made = createKey();
      expect(made).toMatch(/^[A-Za-z0-9+/]{21}[AQgw]==$/);
      const bytes = Buffer.from(made, 'base64');
      expect(bytes.length).toBe(16);
      expect(bytes.toString('base64')).toBe(made);
      seen.first.add(made[0]);
      seen.last.add(made[21]);
    }
    // Both ends of the nonce vary: 64 first letters, 4 last ones.
    expect(seen.first.size).toBe(64);
    expect(seen.last.size).toBe(4);
  });

  it('[6455-4.1-s] is new every time', () => {
    expect(new Set(Array.from({ length: 1000 }, createKey)).size).toBe(1000);
  });
});

describe('isKey', () => {
  it('[6455-4.2.1-h] [6455-4.2.2-a] takes any 22 base64 characters with "==" (property 37)', () => {
    fc.assert(fc.property(key, (text) => isKey(text)));
    expect(isKey('dGhlIHNhbXBsZSBub25jZQ==')).toBe(true);
  });

  it('[6455-4.2.1-h] takes nothing else (property 37)', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.string({ unit: 'binary', minLength: 24, maxLength: 24 }),
      fc.base64String({ maxLength: 32 }),
      fc
        .tuple(key, fc.nat(23), fc.string({ unit: 'binary', maxLength: 2 }))
        .map(([whole, at, piece]) => whole.slice(0, at) + piece + whole.slice(at + 1)),
    );
    fc.assert(
      fc.property(text, (value) => {
        // What Node decodes is compared by length; what it skips over is ruled out by the alphabet.
        const decodes =
          /^[A-Za-z0-9+/=]*$/.test(value) &&
          value.indexOf('=') === 22 &&
          value.length === 24 &&
          value.endsWith('==') &&
          Buffer.from(value, 'base64').length === 16;
        expect(isKey(value)).toBe(decodes);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    '',
    'dGhlIHNhbXBsZSBub25jZQ',
    'dGhlIHNhbXBsZSBub25jZQ=',
    'dGhlIHNhbXBsZSBub25jZQ==\n',
    ' dGhlIHNhbXBsZSBub25jZQ==',
    'dGhlIHNhbXBsZSBub25j-_==',
    'dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==',
    'AAAAAAAAAAAAAAAAAAAAAAA=',
    'AAAAAAAAAAAAAAAAAAAAAAAA',
  ])('[6455-4.2.1-h] refuses %j', (value) => {
    expect(isKey(value)).toBe(false);
  });
});
