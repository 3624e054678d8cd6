// What has to be said with the figures, found in the figures themselves: who was left out, where the load
// was the limit, what was noisy, and where handfast costs more than a rival.

import { findCost, findRatios, halfSpread, middle, SATURATED } from '../figures.ts';
import type { Kept } from '../kept.ts';
import type { Report } from '../measure.ts';
import { formatShare } from '../numbers.ts';
import { explainAbsence } from '../report.ts';
import { FLOORS } from '../rivals.ts';
import { judge } from './ratios.ts';
import { escapeText } from './svg.ts';

/** Spreads from here on are told of. */
const NOISY = 0.15;

function listLosses({ reports }: Kept): string[] {
  const { base, rivals, rows } = findRatios(reports, FLOORS);
  return rivals.flatMap(({ title }, index) => {
    const lost = rows.flatMap(({ scenario, ratios }) => {
      const ratio = ratios[index];
      if (ratio === null || judge(ratio) !== 'below') return [];
      return [`${scenario.name} (${ratio.value.toFixed(2)})`];
    });
    if (lost.length === 0) return [];
    return [
      `<b>${escapeText(base)} costs more than ${escapeText(title)}</b> in ${lost.join(', ')}.`,
    ];
  });
}

/** So many of the widest spreads are named. */
const NAMED = 5;

function listNoise(reports: readonly Report[]): string[] {
  const spreads = reports.flatMap(({ scenario, results }) =>
    results.flatMap((result) => {
      const cost = findCost(result);
      const name = `${scenario.name}/${result.title}`;
      return cost === null ? [] : [{ name, spread: halfSpread(cost) }];
    }),
  );
  const noisy = spreads.filter(({ spread }) => spread >= NOISY).sort((a, b) => b.spread - a.spread);
  if (noisy.length === 0) return [];
  const named = noisy.slice(0, NAMED).map(({ name, spread }) => `${name} ±${formatShare(spread)}`);
  const more = noisy.length > NAMED ? ', and others' : '';
  return [
    `<b>Rounds disagree</b> by more than ±${formatShare(NOISY)} in ${noisy.length} of ${spreads.length} medians: ${escapeText(named.join(', '))}${more}.`,
  ];
}

function listSaturated(reports: readonly Report[]): string[] {
  const shares: number[] = [];
  const limited = reports.flatMap(({ scenario, results }) =>
    results.flatMap(({ rounds, title }) => {
      const share = middle(rounds, 'loadShare');
      if (share !== null) shares.push(share);
      return share !== null && share >= SATURATED ? [`${scenario.name}/${title}`] : [];
    }),
  );
  if (shares.length === 0) return [];
  const most = formatShare(Math.max(...shares));
  const rest =
    limited.length === 0
      ? 'It was never the limit.'
      : `It was the limit, so that rates are lower bounds, in ${escapeText(limited.join(', '))}.`;
  return [`<b>The load generator</b> used at most ${most} of its core. ${rest}`];
}

function listAbsent(reports: readonly Report[]): string[] {
  const reasons = new Map<string, string[]>();
  for (const { scenario, results } of reports) {
    for (const result of results) {
      const absence = explainAbsence(result);
      if (absence === null) continue;
      const text = `${result.title}, ${absence}`;
      reasons.set(text, [...(reasons.get(text) ?? []), scenario.name]);
    }
  }
  return [...reasons].map(([text, names]) => `${escapeText(text)} (${names.join(', ')}).`);
}

/** Sentences in HTML, the most important first. */
export function listNotes(kept: Kept): string[] {
  const { machine, cores, reports, rounds, seconds } = kept;
  const notes = listLosses(kept);
  if (machine.loadAverage >= 0.5) {
    const load = machine.loadAverage.toFixed(2);
    const paired =
      reports.length === 0
        ? ''
        : ' Ratios are paired round by round, which evens out some of it, not all.';
    notes.push(
      `<b>The machine was not idle</b>: its load average before the run was ${load}.${paired}`,
    );
  }
  if (cores === null) {
    notes.push('<b>Processes were not bound to cores</b>: server and load may have met on one.');
  }
  if (cores?.siblings && reports.length > 0) {
    notes.push(
      '<b>Server and load ran on two threads of one core</b>, and slowed each other down.',
    );
  }
  if (rounds === 1) notes.push('<b>One round only</b>: nothing is known of how far to trust it.');
  const window = kept.command === 'micro' ? 'of each case' : 'of each server in each scenario';
  notes.push(
    `${rounds === 1 ? '1 round' : `${rounds} rounds`} of ${seconds} s ${window}, in alternating order; all figures are medians.`,
  );
  return [...notes, ...listSaturated(reports), ...listNoise(reports), ...listAbsent(reports)];
}
