// `extension` and `subprotocol` beside the real ones: the same shapes for what both understand.

import { describe, expect, it } from 'vitest';
import { extension, subprotocol } from '../src/statics.ts';
import { known } from './support/known.ts';

describe('extension', () => {
  it.each([
    'foo',
    'foo, bar;a;b=1,foo;a',
    'foo; a=1; a; a="2"',
    'permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate',
    'toString; hasOwnProperty=1, __proto__; __proto__=2',
  ])('parses %s as ws does, and formats it back', (header) => {
    const offers = extension.parse(header);
    expect(offers).toEqual(known.extension.parse(header));
    expect(Object.getPrototypeOf(offers)).toBe(null);
    expect(extension.format(offers)).toBe(known.extension.format(offers));
    expect(extension.parse(extension.format(offers))).toEqual(offers);
  });

  it.each(['', 'foo;', 'foo bar', 'foo;a="', 'fo\u00f6', ';a'])('refuses %j', (header) => {
    expect(() => extension.parse(header)).toThrow(SyntaxError);
    expect(() => known.extension.parse(header)).toThrow(SyntaxError);
  });

  it('formats single values where lists of one are meant', () => {
    const single = { 'permessage-deflate': { a: 10, b: true as const, c: ['x', true as const] } };
    expect(extension.format(single)).toBe('permessage-deflate; a=10; b; c=x; c');
    expect(known.extension.format(single)).toBe(extension.format(single));
    expect(() => extension.format({ 'no token': {} })).toThrow(TypeError);
  });
});

describe('subprotocol', () => {
  it('parses a list as ws does and refuses what it refuses', () => {
    expect(subprotocol.parse('a, b,c')).toEqual(known.subprotocol.parse('a, b,c'));
    for (const wrong of ['', 'a,a', 'a b', 'a;']) {
      expect(() => subprotocol.parse(wrong)).toThrow(SyntaxError);
      expect(() => known.subprotocol.parse(wrong)).toThrow(SyntaxError);
    }
  });
});
