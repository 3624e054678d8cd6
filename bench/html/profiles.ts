// Where the time of a message goes, by part and by file, and the memory of an idle connection. Formats
// what the profile command has kept.

import { listMemoryRows } from '../profile/memory.ts';
import {
  formatCells,
  formatCircumstances,
  listRows,
  type Profile,
  type ProfileReport,
  selectFiles,
} from '../profile/report.ts';
import { findUnits } from '../report.ts';
import { escapeText } from './svg.ts';

function formatHeads(titles: readonly string[]): string {
  const heads = titles.map((title) => `<th scope="col" colspan="2">${escapeText(title)}</th>`);
  return `<thead><tr><th></th>${heads.join('')}</tr></thead>`;
}

function formatLine(title: string, cells: readonly string[]): string {
  const columns = cells.map((cell) => `<td>${cell}</td>`).join('');
  return `<tr><th scope="row">${escapeText(title)}</th>${columns}</tr>`;
}

function formatFiles(profile: Profile): string {
  const rows = selectFiles(profile).map(([file, ...cells]) => formatLine(file, cells));
  if (rows.length === 0) return '';
  const heads = formatHeads([profile.title]);
  return `<table class="figures">${heads}<tbody>${rows.join('')}</tbody></table>`;
}

function formatMemoryTable({ scenario, memory }: ProfileReport): string {
  if (memory.length === 0) return '';
  const rows = listMemoryRows(memory).map(([title, ...cells]) => formatLine(title, cells));
  return `<h3>${escapeText(scenario.title)}</h3>
<p><small>KiB per connection, and the share of it</small></p>
<div class="scroll"><table class="figures">${formatHeads(memory.map(({ title }) => title))}
<tbody>${rows.join('\n')}</tbody></table></div>`;
}

function formatReport(report: ProfileReport): string {
  const { scenario, profiles } = report;
  if (profiles.length === 0) return formatMemoryTable(report);
  const rows = listRows().map(([title, find]) =>
    formatLine(
      title,
      profiles.flatMap((profile) => formatCells(profile, find(profile))),
    ),
  );
  const files = profiles.map(formatFiles).join('');
  return `<h3>${escapeText(scenario.title)}</h3>
<p><small>${escapeText(findUnits(scenario.group).cost)}, and the share of it</small></p>
<div class="scroll"><table class="figures">${formatHeads(profiles.map(({ title }) => title))}
<tbody>${rows.join('\n')}</tbody></table></div>
<details><summary>By file</summary><div class="columns scroll">${files}</div></details>
<p><small>${escapeText(profiles.map(formatCircumstances).join('; '))}.</small></p>`;
}

/** All scenarios that were profiled; empty without any. */
export function formatProfileTables(reports: readonly ProfileReport[]): string {
  return reports.map(formatReport).join('\n');
}
