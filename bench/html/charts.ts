// Which curves a run has: cost against message size, latency by percentile, memory against connections.

import { findCost, findLatency, middle, summarize } from '../figures.ts';
import { SHARES } from '../jobs/job.ts';
import type { Report, Result } from '../measure.ts';
import { formatBytes, formatCompact, formatNumber } from '../numbers.ts';
import { type Axis, type Curve, drawCurves } from './curves.ts';
import { createSeries, type Series } from './series.ts';
import { escapeText } from './svg.ts';

function createCurve({ title, colour, dashed }: Series, points: Curve['points']): Curve {
  return { title, colour, dashed, points };
}

function frame(title: string, drawing: string): string {
  return `<figure><figcaption>${escapeText(title)}</figcaption>${drawing}</figure>`;
}

const cpuAxis: Axis = { title: 'server CPU, µs per message', log: true, format: formatCompact };

/** Cost of an echo with one message in flight against its size; empty with fewer than two sizes. */
export function drawSizeCurves(reports: readonly Report[], series: readonly Series[]): string {
  const echoes = reports.filter(({ scenario }) => scenario.group === 'echo');
  const sizes = [...new Set(echoes.map(({ scenario }) => scenario.message.size))];
  if (sizes.length < 2) return '';
  const curves = series.map((one) => {
    const points = echoes.flatMap(({ scenario, results }): [number, number][] => {
      const result = results.find(({ rival }) => rival === one.id);
      const cost = result === undefined ? null : findCost(result);
      return cost === null || cost.value <= 0 ? [] : [[scenario.message.size, cost.value]];
    });
    return createCurve(
      one,
      points.sort(([a], [b]) => a - b),
    );
  });
  const axis = {
    title: 'message size',
    log: true,
    format: formatBytes,
    ticks: sizes.sort((a, b) => a - b),
  };
  return frame('Echo, one message in flight', drawCurves(curves, axis, cpuAxis));
}

/** Percentiles stand further apart the nearer they are to 100. */
function stretch(share: number): number {
  return -Math.log10(1 - share);
}

const MARKED: readonly number[] = [0.1, 0.5, 0.9, 0.99, 0.999];

function formatStretched(value: number): string {
  return `p${Number(((1 - 10 ** -value) * 100).toFixed(1))}`;
}

/** Whether everything in a scenario is told of by latency. */
function hasLatency({ results }: Report): boolean {
  return results.some(({ rounds }) => findLatency(rounds, 0.5) !== null);
}

/** One frame for each scenario that has latencies. */
export function drawLatencyCurves(reports: readonly Report[]): string {
  const xAxis = {
    title: 'percentile',
    log: false,
    format: formatStretched,
    ticks: MARKED.map(stretch),
  };
  const yAxis = { title: 'ms', log: true, format: formatCompact };
  const frames = reports.filter(hasLatency).map(({ scenario, results }) => {
    const curves = results.map(({ rival, title, rounds }) => {
      const points = SHARES.flatMap((share): [number, number][] => {
        const latency = findLatency(rounds, share);
        return latency === null || latency.value <= 0 ? [] : [[stretch(share), latency.value]];
      });
      return createCurve(createSeries(rival, title), points);
    });
    return frame(scenario.title, drawCurves(curves, xAxis, yAxis));
  });
  return frames.join('');
}

/** The growth of one contestant, medians over the rounds, in MiB. */
function findGrowth({ rounds }: Result): [number, number][] {
  const [first] = rounds;
  const steps = first?.growth?.map(({ connections }) => connections) ?? [];
  const points = steps.flatMap((connections, index): [number, number][] => {
    const kib = summarize(rounds.map(({ growth }) => growth?.[index]?.kib ?? null));
    return kib === null ? [] : [[connections, Math.max(0, kib.value) / 1024]];
  });
  return points.length === 0 ? [] : [[0, 0], ...points];
}

/** One frame for each scenario about memory. */
export function drawMemoryCurves(reports: readonly Report[]): string {
  const xAxis = { title: 'idle connections', log: false, format: formatCompact };
  const yAxis = { title: 'MiB on top of the start', log: false, format: formatCompact };
  const frames = reports.map(({ scenario, results }) => {
    const curves = results.map((result) =>
      createCurve(createSeries(result.rival, result.title), findGrowth(result)),
    );
    const drawing = drawCurves(curves, xAxis, yAxis);
    return drawing === '' ? '' : frame(scenario.title, drawing);
  });
  return frames.join('');
}

/** What one message costs above what a socket costs by itself, as text for those who run on Node. */
export function formatOverheads(reports: readonly Report[]): string {
  const lines = reports.flatMap(({ scenario, results }) => {
    const bare = results.find(({ rival }) => rival === 'net');
    const floor = bare === undefined ? null : middle(bare.rounds, 'cpu');
    if (floor === null || (scenario.group !== 'echo' && scenario.group !== 'pipeline')) return [];
    const parts = results.flatMap((result) => {
      const cost = middle(result.rounds, 'cpu');
      if (cost === null || result === bare) return [];
      const over = cost - floor;
      return [`${escapeText(result.title)} ${over < 0 ? '−' : '+'}${formatNumber(Math.abs(over))}`];
    });
    const title = escapeText(scenario.title);
    return [`<li><b>${title}</b>: bare socket ${formatNumber(floor)} µs; ${parts.join(', ')}</li>`];
  });
  return lines.length === 0 ? '' : `<ul class="plain">${lines.join('')}</ul>`;
}
