import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Extension,
  formatExtensions,
  parseExtensions,
} from '../../src/handshake/extensions.ts';
import { NO_TOKEN_CHARACTERS, space, token } from './arbitraries.ts';

const extension: fc.Arbitrary<Extension> = fc.record({
  name: token,
  params: fc
    .array(
      fc.tuple(
        token,
        fc.array(fc.oneof(fc.constant<true>(true), token), { minLength: 1, maxLength: 3 }),
      ),
      { maxLength: 4 },
    )
    .map((entries) => new Map(entries)),
});

const list = fc.array(extension, { minLength: 1, maxLength: 4 });

/** Another way to write the same list: white space, empty elements and quotes chosen by `random`. */
function formatLoosely(extensions: readonly Extension[], random: () => string): string {
  const gap = random;
  const parts = extensions.map(({ name, params }) => {
    let text = gap() + name + gap();
    for (const [param, values] of params) {
      for (const value of values) {
        text += `;${gap()}${param}${gap()}`;
        if (value === true) continue;
        const quoted = `"${[...value].map((c) => (gap() === '' ? c : `\\${c}`)).join('')}"`;
        text += `=${gap()}${gap() === '' ? value : quoted}${gap()}`;
      }
    }
    return text;
  });
  return `,${gap()}${parts.join(`,${gap()},`)}${gap()},`;
}

describe('parseExtensions', () => {
  it('reads names, parameters and values, every occurrence in its order', () => {
    expect(parseExtensions('a; x=1; y; x; x="2", b, a')).toEqual([
      {
        name: 'a',
        params: new Map<string, unknown>([
          ['x', ['1', true, '2']],
          ['y', [true]],
        ]),
      },
      { name: 'b', params: new Map() },
      { name: 'a', params: new Map() },
    ]);
  });

  it('[6455-9.1-a] [6455-9.1-c] parse(format(list)) = list, and format has no empty element (property 42)', () => {
    fc.assert(
      fc.property(list, (extensions) => {
        const text = formatExtensions(extensions);
        expect(parseExtensions(text)).toEqual(extensions);
        expect(text).not.toMatch(/^,|,\s*,|,\s*$|;\s*;|;\s*$/);
      }),
    );
  });

  it('[6455-4.3-a] [6455-9.1-b] white space around , ; = , empty elements and quotes mean nothing (property 42)', () => {
    fc.assert(
      fc.property(list, fc.infiniteStream(space), (extensions, gaps) => {
        const text = formatLoosely(extensions, () => gaps.next().value);
        expect(parseExtensions(text)).toEqual(extensions);
      }),
    );
  });

  it('[6455-9.1-a] refuses any character that does not belong (property 42)', () => {
    const meaningful = ',; \t';
    for (const character of NO_TOKEN_CHARACTERS.filter((c) => !meaningful.includes(c))) {
      expect(() => parseExtensions(`fo${character}o`), character).toThrow(SyntaxError);
      if (character !== '=') {
        expect(() => parseExtensions(`foo; b${character}r; c`), character).toThrow(SyntaxError);
      }
      expect(() => parseExtensions(`foo; a=b${character}r; c`), character).toThrow(SyntaxError);
      if (character !== '\\') {
        expect(() => parseExtensions(`foo; a="b${character}r"; c`), character).toThrow(SyntaxError);
      }
      expect(() => parseExtensions(`foo; a="b\\${character}r"; c`), character).toThrow(SyntaxError);
    }
  });

  it.each([
    '',
    ',',
    ' , ,',
    ';',
    'a;',
    'a; ;b',
    'a=1',
    'a;b=',
    'a;=1',
    'a;b=1=2',
    'a b',
    'a;b c',
    'a;b=c d',
    'a;b="',
    'a;b="c" d',
    'a;b="c"d',
    'a;b=""',
    'a;b="c d"',
    'a;b="\\"',
    'a;b="c,d"',
    ',a;',
  ])('[6455-9.1-a] [6455-9.1-b] refuses %j', (value) => {
    expect(() => parseExtensions(value)).toThrow(SyntaxError);
  });

  it('[6455-9.1-b] takes a quoted value for the token in it', () => {
    expect(parseExtensions('a; b="10"')).toEqual(parseExtensions('a; b=10'));
    expect(parseExtensions('a; b="1\\0"')).toEqual(parseExtensions('a; b=10'));
  });

  it('[6455-9.1-f] [6455-9.1-g] keeps the order of the list', () => {
    expect(parseExtensions('c, a, b').map(({ name }) => name)).toEqual(['c', 'a', 'b']);
  });

  it('[6455-4.3-d] names from Object.prototype are names like any other (property 42)', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
    for (const name of names) {
      const [parsed] = parseExtensions(`${name}; ${name}=${name}; ${name}`);
      expect(parsed).toEqual({ name, params: new Map([[name, [name, true]]]) });
    }
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });

  it('[6455-4.3-d] takes time linear in the length, also for what it refuses', () => {
    const hostile = (n: number): string[] => [
      `a; b="${'\\c'.repeat(n)}`,
      `a; b="${'\\c'.repeat(n)}"`,
      `a${' '.repeat(n)}b`,
      `${','.repeat(n)}@`,
      'a;b='.repeat(n),
      `a${'; b'.repeat(n)}`,
      `a; b=${'c'.repeat(n)}\u0000`,
    ];
    for (const [i] of hostile(1).entries()) {
      const small = time(() => attempt(hostile(10_000)[i]));
      const large = time(() => attempt(hostile(160_000)[i]));
      // Sixteen times the text; quadratic work would take 256 times as long.
      expect(large, `case ${i}`).toBeLessThan(100 * Math.max(small, 0.5));
    }
  });
});

function attempt(value: string): void {
  try {
    parseExtensions(value);
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError);
  }
}

/** The least of eight runs in milliseconds: others may have the machine meanwhile. */
function time(work: () => void): number {
  const runs = Array.from({ length: 8 }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  return Math.min(...runs);
}

describe('formatExtensions', () => {
  it('writes an empty list as nothing', () => {
    expect(formatExtensions([])).toBe('');
  });

  it.each([
    { name: 'a b', params: new Map() },
    { name: '', params: new Map() },
    { name: 'a', params: new Map([['b\r\nc', [true as const]]]) },
    { name: 'a', params: new Map([['b', ['c"']]]) },
    { name: 'a', params: new Map([['b', ['']]]) },
  ])('[6455-4.2.2-t] refuses what is no token: %j', (extension) => {
    expect(() => formatExtensions([extension])).toThrow(TypeError);
  });
});
