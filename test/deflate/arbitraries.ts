import fc from 'fast-check';
import type { DeflateOptions } from '../../src/deflate/options.ts';

const flagOption = fc.constantFrom(undefined, false, true);
const bitsOption = fc.oneof(
  fc.constantFrom(undefined, false, true),
  fc.integer({ min: 8, max: 15 }),
);
/** Any options that take part in the negotiation. */
export const deflateOptions: fc.Arbitrary<DeflateOptions> = fc.record({
  serverNoContextTakeover: flagOption,
  clientNoContextTakeover: flagOption,
  serverMaxWindowBits: bitsOption,
  clientMaxWindowBits: bitsOption,
});
