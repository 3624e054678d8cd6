import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Cursor,
  hasToken,
  isFieldValue,
  isHost,
  isToken,
  parseTokenList,
  trimSpace,
} from '../../src/handshake/grammar.ts';
import { anyCase, NO_TOKEN_CHARACTERS, space, token } from './arbitraries.ts';

describe('isToken', () => {
  it('[6455-4.1-y] takes U+0021–U+007E without the separators, at least one', () => {
    const separators = '()<>@,;:\\"/[]?={} \t';
    for (let code = 0; code < 0x180; code++) {
      const character = String.fromCharCode(code);
      const fits = code > 0x20 && code < 0x7f && !separators.includes(character);
      expect(isToken(character), `U+${code.toString(16)}`).toBe(fits);
      expect(isToken(`a${character}b`)).toBe(fits);
    }
    expect(isToken('')).toBe(false);
    expect(isToken('chat\n')).toBe(false);
  });
});

describe('isFieldValue', () => {
  it('takes bytes without controls, except HTAB', () => {
    for (let code = 0; code < 0x200; code++) {
      const fits = code === 9 || (code >= 0x20 && code < 0x7f) || (code >= 0x80 && code < 0x100);
      expect(isFieldValue(`a${String.fromCharCode(code)}b`), `U+${code.toString(16)}`).toBe(fits);
    }
    expect(isFieldValue('')).toBe(true);
    // Cut to a byte these would be CR and LF.
    expect(isFieldValue('\u010d\u010a')).toBe(false);
  });
});

describe('isHost', () => {
  it.each([
    'a',
    'example.com',
    'example.com:80',
    'h:',
    '127.0.0.1:8080',
    '[::1]',
    '[::ffff:1.2.3.4]:9',
    'a_b',
    'x%20y',
  ])('takes %s', (text) => {
    expect(isHost(text)).toBe(true);
  });

  it.each([
    '',
    ':80',
    'a b',
    'a/b',
    'a@b',
    'a:b',
    'a:1:2',
    '::1',
    '[]',
    '[::1',
    'a:123456',
    'é',
    'a%2',
    'a\r\n',
    'a, b',
    'a#',
    'a?',
  ])('refuses %j', (text) => {
    expect(isHost(text)).toBe(false);
  });
});

describe('trimSpace', () => {
  it('takes spaces and tabs away from both ends and nothing else', () => {
    expect(trimSpace(' \t a \t b \t')).toBe('a \t b');
    expect(trimSpace('\u00a0a\v')).toBe('\u00a0a\v');
    expect(trimSpace(' \t ')).toBe('');
    expect(trimSpace('a')).toBe('a');
  });
});

describe('hasToken', () => {
  it('[6455-4.2.1-g] [6455-4.2.1-f] finds the token in any case, anywhere in the list', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(token, fc.constant('')), { maxLength: 4 }),
        anyCase('upgrade'),
        fc.array(fc.oneof(token, fc.constant('')), { maxLength: 4 }),
        space,
        (before, wanted, after, gap) => {
          expect(hasToken([...before, wanted, ...after].join(`${gap},${gap}`), 'upgrade')).toBe(
            true,
          );
        },
      ),
    );
  });

  it('[6455-4.2.1-g] finds no other token', () => {
    fc.assert(
      fc.property(fc.array(token, { maxLength: 4 }), (list) => {
        const present = list.some((element) => element.toLowerCase() === 'upgrade');
        expect(hasToken(list.join(','), 'upgrade')).toBe(present);
      }),
    );
  });

  it.each([
    '',
    'upgraded',
    'x-upgrade',
    'up grade',
    'upgrade;q=1',
    '"upgrade"',
    'upgrade keep-alive',
    'upgrad\u00e9',
    'upgrade,@',
    'a b, upgrade',
    ',,,,,,,',
  ])('is false for %j', (value) => {
    expect(hasToken(value, 'upgrade')).toBe(false);
  });

  it('passes over a protocol with a version, and does not fold letters beyond ASCII', () => {
    expect(hasToken('HTTP/2.0, WebSocket', 'websocket')).toBe(true);
    expect(hasToken('websocket/13', 'websocket')).toBe(false);
    // U+212A KELVIN SIGN becomes "k" in lower case.
    expect(hasToken('websoc\u212aet', 'websocket')).toBe(false);
    expect(hasToken('a, websoc\u212aet', 'websocket')).toBe(false);
  });
});

describe('parseTokenList', () => {
  it('[6455-4.3-a] passes over white space and empty elements (property 42)', () => {
    const element = fc.tuple(space, fc.oneof(token, fc.constant('')), space);
    fc.assert(
      fc.property(fc.array(element, { maxLength: 6 }), (list) => {
        const expected = list.map(([, text]) => text).filter((text) => text !== '');
        expect(parseTokenList(list.map((parts) => parts.join('')).join(','))).toEqual(expected);
      }),
    );
  });

  it('refuses every character that no token, list or white space has (property 42)', () => {
    for (const character of NO_TOKEN_CHARACTERS.filter((c) => !', \t'.includes(c))) {
      expect(() => parseTokenList(`a${character}b`)).toThrow(SyntaxError);
      expect(() => parseTokenList(`a, ${character}`)).toThrow(SyntaxError);
    }
    expect(() => parseTokenList('a b')).toThrow('Unexpected character at index 2');
  });
});

describe('Cursor', () => {
  it('takes a quoted string as the token that it stands for', () => {
    const value = (text: string): string => new Cursor(text).takeValue();
    expect(value('"10"')).toBe('10');
    expect(value(' \t"\\1\\0"')).toBe('10');
    expect(value('"a\\bc"')).toBe('abc');
    expect(value('ten')).toBe('ten');
  });

  it.each([
    ['""', 'Unexpected character at index 1'],
    ['"', 'Unexpected end of input'],
    ['"a', 'Unexpected end of input'],
    ['"a\\', 'Unexpected end of input'],
    ['"a b"', 'Unexpected character at index 2'],
    ['"a\\ "', 'Unexpected character at index 3'],
    ['"\\""', 'Unexpected character at index 2'],
    ['', 'Unexpected end of input'],
    [';', 'Unexpected character at index 0'],
  ])('refuses %j and says where', (text, message) => {
    expect(() => new Cursor(text).takeValue()).toThrow(new SyntaxError(message));
  });
});
