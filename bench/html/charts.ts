// Which curves a run has: cost against message size, latency by percentile, memory against connections.

import { findCost, findLatency, summarize } from '../figures.ts';
import { SHARES } from '../jobs/job.ts';
import type { Report, Result } from '../measure.ts';
import { formatBytes, formatCompact } from '../numbers.ts';
import { drawBars } from './bars.ts';
import { type Axis, type Curve, drawCurves } from './curves.ts';
import { createSeries, type Series } from './series.ts';
import { escapeText } from './svg.ts';

function createCurve({ title, colour, dashed }: Series, points: Curve['points']): Curve {
  return { title, colour, dashed, points };
}

function frame(title: string, drawing: string, note = ''): string {
  const small = note === '' ? '' : `<small>${escapeText(note)}</small>`;
  return `<figure><figcaption>${escapeText(title)}${small}</figcaption>${drawing}</figure>`;
}

const cpuAxis: Axis = { title: 'server CPU, µs per message', log: true, format: formatCompact };

const speedAxis: Axis = {
  title: 'payload, MiB per second of CPU',
  log: true,
  format: formatCompact,
};
const MIB = 1024 * 1024;

/** Echo with one message in flight against its size; empty with fewer than two sizes. */
export function drawSizeCurves(reports: readonly Report[], series: readonly Series[]): string {
  const echoes = reports.filter(({ scenario }) => scenario.group === 'echo');
  const sizes = [...new Set(echoes.map(({ scenario }) => scenario.message.size))];
  if (sizes.length < 2) return '';
  const ticks = sizes.sort((a, b) => a - b);
  const axis = { title: 'message size', log: true, format: formatBytes, ticks };
  const collect = (convert: (cost: number, size: number) => number): Curve[] =>
    series.map((one) => {
      const points = echoes.flatMap(({ scenario, results }): [number, number][] => {
        const { size } = scenario.message;
        const result = results.find(({ rival }) => rival === one.id);
        const cost = result === undefined ? null : findCost(result);
        return cost === null || cost.value <= 0 ? [] : [[size, convert(cost.value, size)]];
      });
      return createCurve(
        one,
        points.sort(([a], [b]) => a - b),
      );
    });
  const costs = collect((cost) => cost);
  // Bytes per microsecond, which are megabytes per second.
  const speeds = collect((cost, size) => ((size / cost) * 1e6) / MIB);
  return (
    frame('What a message costs', drawCurves(costs, axis, cpuAxis), 'less is better') +
    frame('What a second of CPU carries', drawCurves(speeds, axis, speedAxis), 'more is better')
  );
}

/** Percentiles stand further apart the nearer they are to 100. */
function stretch(share: number): number {
  return -Math.log10(1 - share);
}

const MARKED: readonly number[] = [0.5, 0.9, 0.99, 0.999];

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

/** Highest resident memory under traffic, for the scenarios with the most and the largest messages. */
export function drawPeaks(reports: readonly Report[]): string {
  const telling = ['echo-1m', 'pipeline-16k', 'broadcast-500', 'churn'];
  const frames = reports
    .filter(({ scenario }) => telling.includes(scenario.name))
    .map(({ scenario, results }) => {
      const bars = results.map(({ rival, title, rounds }) => {
        const range = summarize(rounds.map(({ peak }) => (peak === null ? null : peak / 1024)));
        return { title, colour: createSeries(rival, title).colour, range, note: 'not offered' };
      });
      return frame(scenario.title, drawBars(bars, 'MiB'), 'highest resident memory, MiB');
    });
  return frames.join('');
}
