// The same scripts on handfast and on the installed `ws`: everything that a user or a peer can see is the
// same, but for the allowances, each of which has an example and stands in docs/migrating-from-ws.md.
// HANDFAST_SEED and HANDFAST_RUNS choose other scripts and more of them.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowances } from './allowances.ts';
import { meant, mended } from './examples.ts';
import { type Outcome, play } from './player.ts';
import { type Script, script, waitingScript } from './script.ts';
import { ours, theirs } from './subjects.ts';

const SEED = Number(process.env.HANDFAST_SEED ?? 6455);
const RUNS = Math.ceil(2500 * Number(process.env.HANDFAST_RUNS ?? 1));

async function both(each: Script): Promise<[Outcome, Outcome]> {
  return [await play(ours, each), await play(theirs, each)];
}

async function compare(each: Script): Promise<void> {
  const [mine, other] = await both(each);
  for (const allowance of allowances) allowance.apply(mine, other, each);
  expect(mine).toEqual(other);
}

describe('beside ws', () => {
  it(`any script comes to the same (seed ${SEED}, ${RUNS} scripts)`, async () => {
    await fc.assert(fc.asyncProperty(script, compare), { seed: SEED, numRuns: RUNS });
  });

  it(`any script with Blobs that wait comes to the same (seed ${SEED}, ${RUNS} scripts)`, async () => {
    await fc.assert(fc.asyncProperty(waitingScript, compare), { seed: SEED, numRuns: RUNS });
  });

  it.each(Object.entries(mended))('%s', async (_, steps) => {
    for (const role of ['client', 'server'] as const) {
      const [mine, other] = await both({ role, maxPayload: 0, steps });
      expect(mine).toEqual(other);
    }
  });

  it.each(meant)('on purpose: $name', async ({ role, steps, ...expected }) => {
    const [mine, other] = await both({ role, maxPayload: 0, steps });
    expect(mine).toMatchObject(expected.ours);
    expect(other).toMatchObject(expected.theirs);
    expect(mine).not.toEqual(other);
  });

  it('has an example for every allowance', () => {
    const names = meant.map(({ name }) => name);
    expect(allowances.filter(({ name }) => !names.includes(name))).toEqual([]);
  });
});
