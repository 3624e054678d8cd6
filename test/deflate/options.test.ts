import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkDeflateOptions, type DeflateOptions } from '../../src/deflate/options.ts';
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
});
