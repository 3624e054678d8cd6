// What the memory of an idle connection is made of, from rounds as any run measures them: JavaScript's
// objects, and the rest, which is handles and pages. Formats it too.

import { findCost, middle } from '../figures.ts';
import type { Result } from '../measure.ts';
import { formatNumber, formatShare } from '../numbers.ts';
import { formatColumns } from '../report.ts';

/** One contestant's memory per connection, in KiB. */
export interface Memory {
  readonly title: string;
  /** By what resident memory grew. */
  readonly resident: number;
  /** By what JavaScript's heap grew, garbage collected; null where the runtime does not tell. */
  readonly heap: number | null;
}

/** Those that have figures. */
export function findMemory(results: readonly Result[]): Memory[] {
  return results.flatMap((result) => {
    const cost = findCost(result);
    const heap = middle(result.rounds, 'heapPerConnection');
    return cost === null ? [] : [{ title: result.title, resident: cost.value, heap }];
  });
}

/** Rows of a table: a name, KiB and share for each contestant. */
export function listMemoryRows(memory: readonly Memory[]): string[][] {
  const cells = (value: number | null, { resident }: Memory): string[] =>
    value === null ? ['–', ''] : [formatNumber(value), formatShare(value / resident)];
  const rest = ({ resident, heap }: Memory) => (heap === null ? null : resident - heap);
  return [
    ['resident', ...memory.flatMap((one) => cells(one.resident, one))],
    ['JavaScript’s objects', ...memory.flatMap((one) => cells(one.heap, one))],
    ['the rest: handles, pages', ...memory.flatMap((one) => cells(rest(one), one))],
  ];
}

/** The table; empty without any. */
export function formatMemory(memory: readonly Memory[]): string {
  if (memory.length === 0) return '';
  const heads = ['KiB/connection', ...memory.flatMap(({ title }) => [title, ''])];
  return `${formatColumns([heads, ...listMemoryRows(memory)]).join('\n')}\n`;
}
