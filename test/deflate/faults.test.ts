// The errors for compressed messages: which Close code each puts on the wire (§7.4.1).

import { expect, it } from 'vitest';
import { invalidData, truncatedData } from '../../src/deflate/faults.ts';
import { ProtocolError } from '../../src/errors.ts';

it('are protocol errors with a close code, a name and a sentence', () => {
  const errors = [invalidData(), truncatedData()];
  for (const error of errors) expect(error).toBeInstanceOf(ProtocolError);
  expect(errors.map(({ closeCode, code }) => [closeCode, code])).toEqual([
    [1007, 'Z_DATA_ERROR'],
    [1007, 'Z_BUF_ERROR'],
  ]);
  expect(errors.map((error) => (error as { errno?: number }).errno)).toEqual([-3, -5]);
  for (const { message } of errors) expect(message).toMatch(/^[A-Z].{15,}$/);
});
