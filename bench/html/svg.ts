// Drawing as text: elements with escaped attributes, scales from values to positions, and round ticks for
// axes. Knows nothing of benchmarks.

/** Text as it may stand in HTML and SVG, between tags and in attributes. */
export function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

type Attributes = Readonly<Record<string, string | number>>;

/** One element. Numbers are rounded to a tenth; `content` is markup already, attributes are text. */
export function draw(name: string, attributes: Attributes, ...content: readonly string[]): string {
  const list = Object.entries(attributes).map(([key, value]) => {
    const text = typeof value === 'number' ? String(Math.round(value * 10) / 10) : value;
    return ` ${key}="${escapeText(text)}"`;
  });
  return `<${name}${list.join('')}>${content.join('')}</${name}>`;
}

/** Text at a position. */
export function label(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return draw('text', { x, y, ...attributes }, escapeText(text));
}

/** From values to positions. */
export type Scale = (value: number) => number;

export function createLinearScale(
  domain: readonly [number, number],
  range: readonly [number, number],
): Scale {
  const [from, to] = domain;
  const factor = to === from ? 0 : (range[1] - range[0]) / (to - from);
  return (value) => range[0] + (value - from) * factor;
}

/** Positions by powers; both ends of `domain` must be above 0. */
export function createLogScale(
  domain: readonly [number, number],
  range: readonly [number, number],
): Scale {
  const linear = createLinearScale([Math.log(domain[0]), Math.log(domain[1])], range);
  return (value) => linear(Math.log(value));
}

/** Round values from 0 to `most` or a bit above it, about four of them. */
export function findTicks(most: number): number[] {
  if (!(most > 0)) return [0, 1];
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** Powers of ten that enclose the values, with 2 and 5 between where there are few. */
export function findLogTicks(least: number, most: number): number[] {
  const decades = Math.log10(most / least);
  const factors = decades > 2.5 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power++) {
    for (const factor of factors) ticks.push(Number((factor * 10 ** power).toPrecision(6)));
  }
  const first = Math.max(
    0,
    ticks.findLastIndex((tick) => tick <= least * 1.0001),
  );
  const last = ticks.findIndex((tick) => tick >= most * 0.9999);
  return ticks.slice(first, last < 0 ? ticks.length : last + 1);
}
