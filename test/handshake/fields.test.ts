import { describe, expect, it } from 'vitest';
import { collectFields, countLines, getField } from '../../src/handshake/fields.ts';

describe('getField', () => {
  it('gives text for text, numbers and lists', () => {
    expect(getField({ a: 'x' }, 'a')).toBe('x');
    expect(getField({ a: 13 }, 'a')).toBe('13');
    expect(getField({ a: ['x', 'y'] }, 'a')).toBe('x, y');
    expect(getField({}, 'a')).toBeUndefined();
  });
});

describe('countLines', () => {
  it('counts names without case, and no values', () => {
    const raw = ['Host', 'host', 'HOST', 'b', 'X-Host', 'c', 'Ghost', 'Host'];
    expect(countLines(raw, 'host')).toBe(2);
    expect(countLines([], 'host')).toBe(0);
  });
});

describe('collectFields', () => {
  it('combines lines as http does', () => {
    const raw = ['Host', 'a', 'X', '1', 'host', 'b', 'x', '2', 'Cookie', 'c=1', 'cookie', 'd=2'];
    const headers = collectFields([...raw, 'Set-Cookie', 'e', 'set-cookie', 'f', 'X', '3']);
    expect({ ...headers }).toEqual({
      host: 'a',
      x: '1, 2, 3',
      cookie: 'c=1; d=2',
      'set-cookie': ['e', 'f'],
    });
  });

  it('[6455-4.3-d] has no prototype that a name could reach', () => {
    const headers = collectFields(['__proto__', 'x', 'constructor', 'y']);
    expect(Object.keys(headers)).toEqual(['__proto__', 'constructor']);
    expect(headers.toString).toBeUndefined();
    expect(Object.getPrototypeOf(headers)).toBeNull();
  });
});
