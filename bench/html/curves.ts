// Lines over an axis: latency over percentiles, cost over size, memory over connections. Draws what it is
// given, on linear or logarithmic axes.

import {
  createLinearScale,
  createLogScale,
  draw,
  escapeText,
  findLogTicks,
  findTicks,
  label,
  type Scale,
} from './svg.ts';

/** One line. */
export interface Curve {
  readonly title: string;
  readonly colour: string;
  readonly dashed: boolean;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** An axis: what it is called, how its values are written. */
export interface Axis {
  readonly title: string;
  readonly log: boolean;
  format(value: number): string;
  /** Where to mark it; chosen from the values when left out. */
  readonly ticks?: readonly number[];
}

const WIDTH = 340;
const HEIGHT = 250;
const TOP = 26;
const RIGHT = 18;
const BOTTOM = 46;

interface Placed {
  readonly ticks: readonly number[];
  readonly scale: Scale;
}

function place(axis: Axis, values: readonly number[], range: readonly [number, number]): Placed {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const ticks = axis.ticks ?? (axis.log ? findLogTicks(least, most) : findTicks(most));
  const low = axis.log ? Math.min(ticks[0], least) : 0;
  const high = Math.max(ticks[ticks.length - 1], most);
  // A single value has no width on a logarithmic axis.
  const domain = [low, high === low ? low * 10 || 1 : high] as const;
  return {
    ticks,
    scale: axis.log ? createLogScale(domain, range) : createLinearScale(domain, range),
  };
}

/** Marks that would overlap those before them stay without a text. */
function drawX({ ticks, scale }: Placed, axis: Axis, left: number): string {
  const base = HEIGHT - BOTTOM;
  let free = 0;
  const marks = ticks.map((tick) => {
    const x = scale(tick);
    const text = axis.format(tick);
    const half = text.length * 3.3;
    const line = draw('path', { d: `M${x.toFixed(1)} ${TOP}V${base}`, class: 'grid' });
    if (x - half < free) return line;
    free = x + half + 6;
    return line + label(x, base + 17, text, { 'text-anchor': 'middle' });
  });
  const middle = (left + WIDTH - RIGHT) / 2;
  return (
    marks.join('') +
    label(middle, HEIGHT - 6, axis.title, { class: 'axis', 'text-anchor': 'middle' })
  );
}

function drawY({ ticks, scale }: Placed, axis: Axis, left: number): string {
  const marks = ticks.map((tick) => {
    const y = scale(tick);
    const line = draw('path', { d: `M${left} ${y.toFixed(1)}H${WIDTH - RIGHT}`, class: 'grid' });
    return line + label(left - 7, y + 4, axis.format(tick), { 'text-anchor': 'end' });
  });
  return marks.join('') + label(2, 13, axis.title, { class: 'axis' });
}

function drawCurve(
  { title, colour, dashed, points }: Curve,
  x: Placed,
  y: Placed,
  axes: readonly [Axis, Axis],
): string {
  const at = points.map(([a, b]) => [x.scale(a), y.scale(b)] as const);
  const path = at.map(
    ([a, b], index) => `${index === 0 ? 'M' : 'L'}${a.toFixed(1)} ${b.toFixed(1)}`,
  );
  const line = { d: path.join(''), class: 'curve', style: `stroke:${colour}` };
  const dots = at.map(([cx, cy], index) => {
    const [a, b] = points[index];
    const text = `${title}: ${axes[0].format(a)}, ${axes[1].format(b)}`;
    const circle = { cx, cy, r: 3, style: `fill:${colour}` };
    return draw('circle', circle, `<title>${escapeText(text)}</title>`);
  });
  return draw('path', dashed ? { ...line, 'stroke-dasharray': '5 4' } : line) + dots.join('');
}

/** All curves in one frame; the empty text when there is not one point. */
export function drawCurves(curves: readonly Curve[], xAxis: Axis, yAxis: Axis): string {
  const points = curves.flatMap((curve) => curve.points);
  if (points.length === 0) return '';
  const y = place(
    yAxis,
    points.map(([, b]) => b),
    [HEIGHT - BOTTOM, TOP],
  );
  const left = Math.max(...y.ticks.map((tick) => yAxis.format(tick).length)) * 6.6 + 14;
  const x = place(
    xAxis,
    points.map(([a]) => a),
    [left, WIDTH - RIGHT],
  );
  const axes = [xAxis, yAxis] as const;
  // The first contestant is drawn last, on top of the others.
  const lines = [...curves].reverse().map((curve) => drawCurve(curve, x, y, axes));
  const names = curves.map(({ title }) => title).join(', ');
  const box = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', class: 'curves' };
  const text = `${yAxis.title} by ${xAxis.title}: ${names}`;
  const content = [drawX(x, xAxis, left), drawY(y, yAxis, left), ...lines];
  return draw('svg', { ...box, 'aria-label': text }, ...content);
}
