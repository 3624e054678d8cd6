import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSubprotocols, parseSubprotocols } from '../../src/handshake/subprotocol.ts';
import { cpuTimeOf } from '../support/cpu.ts';
import { NO_TOKEN_CHARACTERS, token } from './arbitraries.ts';

describe('parseSubprotocols', () => {
  it('keeps order and case', () => {
    expect([...parseSubprotocols('chat, Chat ,superchat')]).toEqual(['chat', 'Chat', 'superchat']);
  });

  it('[6455-4.3-a] tolerates empty elements and white space', () => {
    expect([...parseSubprotocols(' ,\ta ,, b,')]).toEqual(['a', 'b']);
  });

  it('[6455-4.3-c] [7936-2-a] refuses a name that stands twice, in the same case (property 43)', () => {
    fc.assert(
      fc.property(fc.array(token, { minLength: 1, maxLength: 6 }), (list) => {
        const unique = new Set(list).size === list.length;
        if (unique) expect([...parseSubprotocols(list.join(', '))]).toEqual(list);
        else expect(() => parseSubprotocols(list.join(', '))).toThrow(/subprotocol is duplicated$/);
      }),
    );
    expect(() => parseSubprotocols('chat, b, chat')).toThrow(
      new SyntaxError('The "chat" subprotocol is duplicated'),
    );
  });

  it.each(['', ' ', ',', 'a b', 'a, b/c', 'a;b', '"a"', 'a, \u00e9'])('refuses %j', (value) => {
    expect(() => parseSubprotocols(value)).toThrow(SyntaxError);
  });

  it('[6455-4.3-d] is harmless with names from Object.prototype, and linear with 32k spaces', () => {
    expect([...parseSubprotocols('__proto__, constructor')]).toEqual(['__proto__', 'constructor']);
    const hostile = `b${' '.repeat(32_000)}x`;
    const cost = cpuTimeOf(() => expect(() => parseSubprotocols(hostile)).toThrow(SyntaxError));
    expect(cost).toBeLessThan(100);
  });
});

describe('checkSubprotocols', () => {
  const error = new SyntaxError('An invalid or duplicated subprotocol was specified');

  it('takes a list of different tokens, also an empty one', () => {
    expect(() => checkSubprotocols([])).not.toThrow();
    expect(() => checkSubprotocols(['chat', 'Chat', '__proto__'])).not.toThrow();
  });

  it('[6455-4.1-y] [wh-3.1-f] refuses what is no token (property 43)', () => {
    for (const character of [...NO_TOKEN_CHARACTERS, '\u{1f600}']) {
      expect(() => checkSubprotocols([`a${character}b`])).toThrow(error);
    }
    expect(() => checkSubprotocols([''])).toThrow(error);
    expect(() => checkSubprotocols([undefined as unknown as string])).toThrow(error);
    expect(() => checkSubprotocols([['a'] as unknown as string])).toThrow(error);
  });

  it('[6455-4.1-z] [wh-3.1-f] refuses a name given twice, compared with case (property 43)', () => {
    fc.assert(
      fc.property(fc.array(token, { maxLength: 6 }), (list) => {
        const unique = new Set(list).size === list.length;
        if (unique) checkSubprotocols(list);
        else expect(() => checkSubprotocols(list)).toThrow(error);
      }),
    );
    expect(() => checkSubprotocols(['a', 'b', 'a'])).toThrow(error);
  });
});
