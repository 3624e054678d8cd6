import { STATUS_CODES } from 'node:http';
import { describe, expect, it } from 'vitest';
import { formatReason } from '../../src/handshake/reason.ts';

describe('formatReason', () => {
  it('says what http says for every status that it knows', () => {
    const known = Object.keys(STATUS_CODES)
      .map(Number)
      .filter((n) => formatReason(n) !== 'Unknown');
    expect(known.length).toBeGreaterThan(35);
    for (const status of known) expect(formatReason(status)).toBe(STATUS_CODES[status]);
  });

  it.each([400, 401, 403, 404, 405, 417, 426, 429, 431, 500, 503, 505])('knows %i', (status) => {
    expect(formatReason(status)).toBe(STATUS_CODES[status]);
  });

  it('knows no others', () => {
    expect(formatReason(299)).toBe('Unknown');
    expect(formatReason(999)).toBe('Unknown');
  });
});
