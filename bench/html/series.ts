// Who is drawn in which colour: every contestant keeps its own on the whole page.

import type { Report } from '../measure.ts';
import { escapeText } from './svg.ts';

/** A contestant as it is drawn. */
export interface Series {
  readonly id: string;
  readonly title: string;
  /** A CSS value, which follows the page's light and dark. */
  readonly colour: string;
  /** Dashed in curves, for those that are variants or no rivals. */
  readonly dashed: boolean;
}

const SLOTS: Readonly<Record<string, number>> = {
  handfast: 0,
  ws: 1,
  'ws-plain': 2,
  bun: 3,
  deno: 4,
  net: 5,
  a: 1,
  b: 0,
};

export function createSeries(id: string, title: string): Series {
  const dashed = id === 'ws-plain' || id.startsWith('net');
  return { id, title, colour: `var(--series-${SLOTS[id] ?? 5})`, dashed };
}

/** All contestants of a run, in order. */
export function listSeries(reports: readonly Report[]): Series[] {
  const found = new Map<string, Series>();
  for (const { results } of reports) {
    for (const { rival, title } of results) found.set(rival, createSeries(rival, title));
  }
  return [...found.values()];
}

/** The key to the colours. */
export function formatLegend(series: readonly Series[]): string {
  const items = series.map(({ title, colour, dashed }) => {
    const style = dashed ? 'dashed' : 'solid';
    return `<li><i style="border-top:3px ${style} ${colour}"></i>${escapeText(title)}</li>`;
  });
  return `<ul class="legend">${items.join('')}</ul>`;
}
