// Bars with whiskers, one a contestant: what each costs in one scenario. Draws what it is given.

import type { Range } from '../figures.ts';
import { formatNumber } from '../numbers.ts';
import { createLinearScale, draw, escapeText, label } from './svg.ts';

/** One bar; without a range the note stands in its place. */
export interface Bar {
  readonly title: string;
  readonly colour: string;
  readonly range: Range | null;
  readonly note: string;
}

const WIDTH = 340;
const ROW = 26;
const BAR = 14;
/** About the width of a letter of the labels. */
const LETTER = 7.2;
/** Longer names are cut, from the end. */
const LONGEST = 20;
/** Room for the value, to the right of the longest whisker. */
const VALUE = 62;

function shorten(title: string): string {
  return title.length <= LONGEST ? title : `${title.slice(0, LONGEST - 1)}…`;
}

/** A whisker from the best round to the worst. */
function drawWhisker(
  { low, high }: Range,
  scale: (value: number) => number,
  middle: number,
): string {
  const [from, to] = [scale(low), scale(high)];
  if (to - from < 1) return '';
  const path = `M${from.toFixed(1)} ${middle - 4}v8m0-4H${to.toFixed(1)}m0-4v8`;
  return draw('path', { d: path, class: 'whisker' });
}

/** The bars of one scenario, from 0. `unit` is told in each bar's tooltip. */
export function drawBars(bars: readonly Bar[], unit: string): string {
  const longest = Math.max(...bars.map(({ title }) => shorten(title).length));
  const left = Math.ceil(longest * LETTER) + 10;
  const most = Math.max(0, ...bars.map(({ range }) => range?.high ?? 0));
  const scale = createLinearScale([0, most || 1], [left, WIDTH - VALUE]);
  const height = bars.length * ROW + 2;
  const rows = bars.map(({ title, colour, range, note }, index) => {
    const top = index * ROW + (ROW - BAR) / 2;
    const middle = top + BAR / 2;
    const name = label(left - 8, middle + 4, shorten(title), {
      class: 'name',
      'text-anchor': 'end',
    });
    if (range === null) return name + label(left, middle + 4, note, { class: 'note' });
    const shown = `${formatNumber(range.value)} ${unit} (${formatNumber(range.low)} to ${formatNumber(range.high)})`;
    const bar = draw(
      'rect',
      {
        x: left,
        y: top,
        width: Math.max(1, scale(range.value) - left),
        height: BAR,
        rx: 2,
        style: `fill:${colour}`,
      },
      `<title>${escapeText(`${title}: ${shown}`)}</title>`,
    );
    const end = Math.max(scale(range.value), scale(range.high));
    const value = label(end + 7, middle + 4, formatNumber(range.value), { class: 'value' });
    return name + bar + drawWhisker(range, scale, middle) + value;
  });
  const summary = bars.map(({ title, range, note }) =>
    range === null ? `${title}: ${note}` : `${title}: ${formatNumber(range.value)} ${unit}`,
  );
  const box = { viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', class: 'bars' };
  return draw('svg', { ...box, 'aria-label': summary.join('; ') }, ...rows);
}
