// The page of a run: one file that needs nothing else, made from what was kept. Sections that have nothing
// to show are left out, so the same page serves all commands.

import { findCost, findRatios } from '../figures.ts';
import type { Kept } from '../kept.ts';
import type { Report } from '../measure.ts';
import { findUnits } from '../report.ts';
import { FLOORS } from '../rivals.ts';
import { drawBars } from './bars.ts';
import { drawLatencyCurves, drawMemoryCurves, drawPeaks, drawSizeCurves } from './charts.ts';
import { formatDetails } from './details.ts';
import { formatFloorTable } from './floors.ts';
import { formatMicroSection } from './micro.ts';
import { listNotes } from './notes.ts';
import { formatOverheadTable } from './overhead.ts';
import { formatProfileTables } from './profiles.ts';
import { formatRatioTable } from './ratios.ts';
import { createSeries, formatLegend, listSeries } from './series.ts';
import { STYLE } from './style.ts';
import { escapeText } from './svg.ts';

/** A section under a heading; nothing when its content is empty. */
function formatSection(heading: string, text: string, content: string): string {
  if (content === '') return '';
  return `<section><h2>${heading}</h2>\n<p>${text}</p>\n${content}</section>\n`;
}

function formatFacts({ machine, date, reports, command }: Kept): string {
  const versions = reports.flatMap(({ results }) => results.map(({ version }) => version));
  const facts = [
    date.slice(0, 10),
    `${machine.cpu}, ${machine.cores} cores`,
    machine.system,
    ...new Set(versions.filter((version) => version !== '')),
    ...(versions.length === 0 ? [`Node ${machine.node}`] : []),
    ...(machine.commit === null || command === 'compare' ? [] : [`commit ${machine.commit}`]),
  ];
  return `<ul class="facts">${facts.map((fact) => `<li>${escapeText(fact)}</li>`).join('')}</ul>`;
}

const TITLES = {
  run: [
    'handfast, measured',
    'What WebSockets cost a server: CPU time per message and memory per connection, for handfast and for what else there is.',
  ],
  compare: ['handfast, compared', 'Two revisions of handfast, measured in turns in one run.'],
  profile: [
    'handfast, profiled',
    'Where the CPU time of a message goes, and how near it is to a bare socket’s.',
  ],
  micro: ['handfast, part by part', 'CPU time of the parts that need no sockets.'],
} as const;

const SHORT = {
  run: 'Server CPU per message, for idle connections memory. Above 1 the rival costs more than handfast.',
  profile: 'Server CPU per message. Above 1 the rival costs more than handfast.',
  compare:
    'Server CPU per message, for idle connections memory. Above 1 the second costs more than the first.',
  micro: '',
} as const;

const KEY = `<p class="key"><span><i style="background:color-mix(in srgb, var(--above) 40%, var(--card))"></i>above 1: it costs more than the first</span>
<span><i style="background:color-mix(in srgb, var(--below) 40%, var(--card))"></i>below 1: it costs less</span>
<span><i style="background:var(--card)"></i>too close to tell: rounds on both sides of 1, or within 3 %</span></p>`;

function drawCosts(reports: readonly Report[]): string {
  const figures = reports.map(({ scenario, results }) => {
    const unit = findUnits(scenario.group).cost;
    const bars = results.map((result) => {
      const { title, colour } = createSeries(result.rival, result.title);
      const note = result.declined === null ? 'left out, see below' : 'not offered';
      return { title, colour, range: findCost(result), note };
    });
    const caption = `${escapeText(scenario.title)}<small>${escapeText(unit)}, less is better</small>`;
    return `<figure><figcaption>${caption}</figcaption>${drawBars(bars, unit)}</figure>`;
  });
  return figures.length === 0 ? '' : `<div class="grid">${figures.join('\n')}</div>`;
}

const READING = `<dl>
<dt>server CPU</dt><dd>CPU time of the server's process, all threads, user and kernel, divided by the messages it dealt with. It says how many servers you need, and it hardly depends on whether the load could keep up.</dd>
<dt>multiple of</dt><dd>That cost divided by the first contestant's in the same round; the median over the rounds. The small figure is half the distance between the best and the worst round.</dd>
<dt>whiskers</dt><dd>The best and the worst round. Where whiskers overlap, do not believe the difference.</dd>
<dt>latency</dt><dd>From sending a message until its last byte is back, in a loop that is never idle: latencies of full queues, not of a server at rest.</dd>
<dt>bare</dt><dd>Servers without a protocol: a <code>net.Socket</code> that gives bytes back unread; one that was upgraded by <code>node:http</code>; one that reads into a buffer which all share; and the handle below, without a stream. Their cost is the runtime's and the kernel's. “Over bare” in the tables is what a server costs above the first. They write for every chunk they read, so batching may beat them, and nobody keeps what they read.</dd>
<dt>GC</dt><dd>Time in garbage collections as a share of the run's, where the runtime tells.</dd>
<dt>load</dt><dd>How busy the load generator was, on a core of its own. With ! it was the limit.</dd>
</dl>`;

/** What a run begins with: who was measured, the ratios, and what has to be said with them. */
function formatOpening(kept: Kept): string {
  const { reports, command } = kept;
  const [title, lead] = TITLES[command];
  const ratios = formatRatioTable(findRatios(reports, FLOORS));
  // What a rival costs more is good news; what a newer revision costs more is bad news.
  const table = `<div${command === 'compare' ? ' class="flip"' : ''}>${ratios}${KEY}</div>`;
  const notes = listNotes(kept).map((note) => `<li>${note}</li>`);
  const list = `<ul class="plain">${notes.join('')}</ul>`;
  return [
    `<header><h1>${title}</h1><p class="lead">${lead}</p>${formatFacts(kept)}</header>\n`,
    formatSection('The short of it', SHORT[command], ratios === '' ? '' : table),
    formatSection('What has to be said with it', 'Found in the figures of this run.', list),
  ].join('');
}

/** What is drawn. */
function formatDrawings(reports: readonly Report[]): string {
  const series = listSeries(reports);
  const inGrid = (drawing: string): string =>
    drawing === '' ? '' : `${formatLegend(series)}<div class="grid">${drawing}</div>`;
  return [
    formatSection(
      'Cost',
      'Medians; whiskers from the best to the worst round.',
      drawCosts(reports),
    ),
    formatSection(
      'Cost against message size',
      'Text up to 1 KiB, binary above; both axes are logarithmic.',
      inGrid(drawSizeCurves(reports, series)),
    ),
    formatSection(
      'Latency',
      'By percentile; further to the right are the rarer, slower messages.',
      inGrid(drawLatencyCurves(reports)),
    ),
    formatSection(
      'Memory',
      'What resident memory grew by as connections were opened, after garbage collections; and its peaks under traffic, garbage and runtime included.',
      inGrid(drawMemoryCurves(reports) + drawPeaks(reports)),
    ),
  ].join('');
}

/** What is told in figures only. */
function formatTables({ reports, micro, profiles = [] }: Kept): string {
  const parts = formatMicroSection(micro);
  return [
    formatSection(
      'How near the floor',
      'A bare server reads no frames: what it costs is Node’s and the kernel’s. At 1 in the first column nothing is left to save on such a socket, and the last column is the most by which anything on it could beat the rival.',
      formatFloorTable(reports),
    ),
    formatSection(
      'Where the time goes',
      'CPU time per message from rounds without a profiler, divided up by a run under one.',
      formatProfileTables(profiles),
    ),
    formatSection(
      'Above a bare socket',
      'CPU µs per message that are not the runtime’s or the kernel’s.',
      formatOverheadTable(reports),
    ),
    formatSection(
      'Part by part',
      'CPU time per operation on the compiled library, no sockets.',
      parts === '' ? '' : `<div class="columns">${parts}</div>`,
    ),
    formatSection(
      'Every figure',
      'Medians over the rounds; the JSON file beside this page has each round.',
      reports.map(formatDetails).join('\n'),
    ),
  ].join('');
}

function formatRun(kept: Kept): string {
  return formatOpening(kept) + formatDrawings(kept.reports) + formatTables(kept);
}

/** The page of one or several runs, one after the other. */
export function formatPage(runs: readonly Kept[]): string {
  const [first] = runs;
  const again = '<code>npm run bench</code> measures all of this on your machine.';
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${TITLES[first.command][0]}</title>
<style>${STYLE}</style></head>
<body><main>
${runs.map(formatRun).join('<hr>\n')}
${formatSection('How to read it', 'In the order in which it is met above.', READING)}
<footer>${again} Ratios carry over to other machines better than figures do; neither carries over to another workload.</footer>
</main></body></html>
`;
}
