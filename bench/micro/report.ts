// The tables of the micro benchmarks for the terminal. Formats only.

import { halfSpread, summarize } from '../figures.ts';
import { formatNumber, formatShare } from '../numbers.ts';
import { formatColumns } from '../report.ts';
import type { MicroResult } from './measure.ts';

function createRow({ name, bytes, rounds }: MicroResult): string[] {
  const range = summarize(rounds);
  if (range === null) return [name, '–', '–', '–'];
  // Bytes per nanosecond are gigabytes per second.
  const speed = bytes === 0 ? '' : formatNumber(bytes / range.value);
  const rate = formatNumber(1e9 / range.value);
  return [name, formatNumber(range.value), `±${formatShare(halfSpread(range))}`, rate, speed];
}

/** One table a group. */
export function formatMicro(results: readonly MicroResult[]): string {
  const groups = [...new Set(results.map(({ group }) => group))];
  const tables = groups.map((group) => {
    const rows = results.filter((result) => result.group === group).map(createRow);
    const columns = formatColumns([['', 'CPU ns/op', 'spread', 'op/s', 'GB/s'], ...rows]);
    return `\n${group}\n${columns.join('\n')}\n`;
  });
  return tables.join('');
}
