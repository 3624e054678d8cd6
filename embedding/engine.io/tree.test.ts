// Nothing in this tree can reach another `ws`.

import { expect, it } from 'vitest';
import { expectOnlyHandfast } from '../support/only-handfast.ts';

it('every ws in the tree is handfast, also for the client that asks for ws 7', () => {
  const dependents = expectOnlyHandfast(import.meta.dirname);
  expect(dependents).toEqual(['engine.io', 'engine.io-client']);
});
