import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkDeflateOptions,
  type DeflateOptions,
  toDeflateOptions,
} from '../../src/deflate/options.ts';
import { deflateOptions } from './arbitraries.ts';

describe('checkDeflateOptions', () => {
  it('takes every option in its range, and none', () => {
    expect(() => checkDeflateOptions({})).not.toThrow();
    expect(() => checkDeflateOptions({ threshold: 0, concurrencyLimit: Infinity })).not.toThrow();
    const nulls = { clientMaxWindowBits: null, zlibDeflateOptions: null };
    expect(() => checkDeflateOptions(nulls as unknown as DeflateOptions)).not.toThrow();
    expect(() =>
      checkDeflateOptions({ zlibDeflateOptions: { level: 1 }, zlibInflateOptions: {} }),
    ).not.toThrow();
    fc.assert(fc.property(deflateOptions, (options) => checkDeflateOptions(options)));
  });

  it.each(['serverMaxWindowBits', 'clientMaxWindowBits'])(
    'refuses windows of %s beyond 8 to 15 bits',
    (option) => {
      for (const bits of [7, 16, 0, -8, 8.5, NaN, Infinity]) {
        expect(() => checkDeflateOptions({ [option]: bits })).toThrow(
          new RangeError(`${option} must be an integer from 8 to 15, not ${bits}`),
        );
      }
      expect(() => checkDeflateOptions({ [option]: '10' })).toThrow(
        new TypeError(`${option} must be of type number or boolean, not string`),
      );
    },
  );

  it.each(['threshold', 'concurrencyLimit'])('refuses a %s that counts nothing', (option) => {
    for (const count of [-1, 0.5, NaN, -Infinity]) {
      expect(() => checkDeflateOptions({ [option]: count })).toThrow(
        new RangeError(`${option} must be Infinity or an integer from 0 up, not ${count}`),
      );
    }
    expect(() => checkDeflateOptions({ [option]: '1' })).toThrow(
      new TypeError(`${option} must be of type number, not string`),
    );
  });

  it.each([
    ['serverNoContextTakeover', 'boolean'],
    ['clientNoContextTakeover', 'boolean'],
    ['zlibDeflateOptions', 'object'],
    ['zlibInflateOptions', 'object'],
  ])('refuses a %s that is not of type %s', (option, type) => {
    expect(() => checkDeflateOptions({ [option]: 1 })).toThrow(
      new TypeError(`${option} must be of type ${type}, not number`),
    );
  });

  it.each([
    ['level', -1, 9],
    ['memLevel', 1, 9],
    ['strategy', 0, 4],
  ])('refuses a %s that zlib would refuse with the first message', (setting, least, most) => {
    for (const name of ['zlibDeflateOptions', 'zlibInflateOptions']) {
      for (const value of [least, most, undefined]) {
        expect(() => checkDeflateOptions({ [name]: { [setting]: value } })).not.toThrow();
      }
      for (const value of [least - 1, most + 1, 1.5, '6']) {
        expect(() => checkDeflateOptions({ [name]: { [setting]: value } })).toThrow(
          new RangeError(
            `${name}.${setting} must be an integer from ${least} to ${most}, not ${value}`,
          ),
        );
      }
    }
  });
});

describe('toDeflateOptions', () => {
  it('knows on, off and left out, and takes options as they are', () => {
    const options = { threshold: 5 };
    expect(toDeflateOptions(true, false)).toEqual({});
    expect(toDeflateOptions(false, true)).toBeNull();
    for (const given of [undefined, null]) {
      expect(toDeflateOptions(given, true)).toEqual({});
      expect(toDeflateOptions(given, false)).toBeNull();
    }
    expect(toDeflateOptions(options, false)).toBe(options);
  });

  it('refuses what makes no sense', () => {
    expect(() => toDeflateOptions({ threshold: -1 }, false)).toThrow(RangeError);
    expect(() => toDeflateOptions('yes' as unknown as boolean, false)).toThrow(
      new TypeError('perMessageDeflate must be of type boolean or object, not string'),
    );
  });
});
