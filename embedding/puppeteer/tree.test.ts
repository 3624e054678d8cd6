// Nothing in this tree can reach another `ws`.

import { expect, it } from 'vitest';
import { expectOnlyHandfast } from '../support/only-handfast.ts';

it('every ws in the tree is handfast', () => {
  expect(expectOnlyHandfast(import.meta.dirname)).toEqual(['puppeteer-core']);
});
