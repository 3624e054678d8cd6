// The micro benchmarks on the page: masking as curves over size, everything else as rows.

import { type Range, summarize } from '../figures.ts';
import type { MicroGroup } from '../micro/groups.ts';
import type { MicroResult } from '../micro/measure.ts';
import { formatBytes, formatCompact, formatNumber } from '../numbers.ts';
import { drawCurves } from './curves.ts';
import { formatLegend, type Series } from './series.ts';
import { escapeText } from './svg.ts';

const OFFSET = /^in place, .*, offset (\d)$/;

/** Masking in place: GB/s against size, one curve for each alignment. */
export function drawMaskCurves(results: readonly MicroResult[]): string {
  const offsets = [0, 1, 2, 3];
  const curves = offsets.map((offset) => {
    const points = results.flatMap(({ name, bytes, rounds }): [number, number][] => {
      const range = summarize(rounds);
      if (OFFSET.exec(name)?.[1] !== String(offset) || range === null) return [];
      return [[bytes, bytes / range.value]];
    });
    const colour = `var(--series-${offset === 0 ? 0 : offset + 1})`;
    return { title: `offset ${offset}`, colour, dashed: offset !== 0, points };
  });
  const sizes = [...new Set(curves.flatMap(({ points }) => points.map(([size]) => size)))];
  const xAxis = {
    title: 'payload',
    log: true,
    format: formatBytes,
    ticks: sizes.sort((a, b) => a - b),
  };
  const yAxis = { title: 'GB per second of CPU', log: true, format: formatCompact };
  const drawing = drawCurves(curves, xAxis, yAxis);
  if (drawing === '') return '';
  const series: Series[] = curves.map((curve) => ({ ...curve, id: curve.title }));
  return `<figure><figcaption>Masking in place</figcaption>${formatLegend(series)}${drawing}</figure>`;
}

const HEADINGS: Readonly<Record<MicroGroup, string>> = {
  mask: 'Masking into a frame',
  header: 'Frame header',
  reader: 'Frame reader',
  writer: 'Frame writer',
  utf8: 'UTF-8 validation',
  connection: 'A whole connection',
  accept: 'Keys',
  handshake: 'Opening handshake',
  negotiation: 'Extension negotiation',
};

/** Rows of one group. */
function drawGroup(group: MicroGroup, results: readonly MicroResult[]): string {
  const moving = results.some(({ bytes }) => bytes > 0);
  const rows = results.map(({ name, bytes, rounds }) => {
    const range = summarize(rounds) as Range;
    const speed = bytes === 0 ? '' : `${formatNumber(bytes / range.value)} GB/s`;
    const spread = `${formatNumber(range.low)} to ${formatNumber(range.high)}`;
    return `<tr><th scope="row">${escapeText(name)}</th><td title="${spread}">${formatNumber(range.value)}</td>${moving ? `<td>${speed}</td>` : ''}</tr>`;
  });
  return `<figure><figcaption>${HEADINGS[group]}</figcaption><table class="micro"><thead><tr><th></th>
<th scope="col">CPU ns</th>${moving ? '<th scope="col"></th>' : ''}</tr></thead><tbody>${rows.join('')}</tbody></table></figure>`;
}

/** The whole section's content; empty without results. */
export function formatMicroSection(results: readonly MicroResult[]): string {
  const measured = results.filter(({ rounds }) => rounds.length > 0);
  const groups = [...new Set(measured.map(({ group }) => group))];
  const tables = groups.map((group) => {
    const own = measured.filter((result) => result.group === group && !OFFSET.test(result.name));
    const curves = group === 'mask' ? drawMaskCurves(measured) : '';
    return curves + (own.length === 0 ? '' : drawGroup(group, own));
  });
  return tables.join('');
}
