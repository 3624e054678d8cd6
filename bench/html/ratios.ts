// The table that the page begins with: what every rival costs as a multiple of handfast, by scenario.

import { halfSpread, type Range, type Ratios } from '../figures.ts';
import { formatShare } from '../numbers.ts';
import type { Group } from '../scenarios.ts';
import { escapeText } from './svg.ts';

/** How sure a cell is of what it says. */
export type Verdict = 'above' | 'even' | 'below';

/** A difference counts when no round contradicts it and it is more than 3 %. */
export function judge({ value, low, high }: Range): Verdict {
  if (value > 1.03 && low > 1) return 'above';
  return value < 0.97 && high < 1 ? 'below' : 'even';
}

/** How strong a cell's colour is, in per cent: a factor of four has the full one. */
export function findStrength({ value }: Range): number {
  const share = Math.min(1, Math.abs(Math.log2(value)) / 2);
  return Math.round(14 + share * 40);
}

function formatCell(ratio: Range | null): string {
  if (ratio === null) return '<td><div class="none">–</div></td>';
  const range = `${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)}`;
  const spread = `<small>±${formatShare(halfSpread(ratio))}</small>`;
  const style = `--strength:${findStrength(ratio)}%`;
  const text = `${ratio.value.toFixed(2)}<span class="times">×</span>${spread}`;
  return `<td><div class="${judge(ratio)}" style="${style}" title="rounds: ${range}">${text}</div></td>`;
}

/** What the groups are called where they begin. */
const HEADINGS: Readonly<Record<Group, string>> = {
  echo: 'Echo, one message in flight',
  pipeline: 'Echo, several in flight',
  fragments: 'Fragments',
  broadcast: 'Broadcast',
  prepared: 'Broadcast, serialised once',
  burst: 'Burst',
  chat: 'Chat',
  upload: 'One-way upload',
  download: 'One-way download',
  deflate: 'permessage-deflate',
  handshake: 'Handshake',
  churn: 'Churn',
  idle: 'Memory',
};

/** The empty text when there is nobody to compare with. */
export function formatRatioTable({ base, rivals, rows }: Ratios): string {
  if (rivals.length === 0) return '';
  const heads = rivals.map(({ title }) => `<th scope="col">${escapeText(title)}</th>`).join('');
  let group: Group | null = null;
  const lines = rows.map(({ scenario, ratios }) => {
    const begins = scenario.group !== group;
    group = scenario.group;
    const heading = begins ? `<b>${HEADINGS[scenario.group]}</b>` : '';
    const name = `<th scope="row">${heading}<span>${escapeText(scenario.title)}</span></th>`;
    return `<tr${begins ? ' class="begins"' : ''}>${name}${ratios.map(formatCell).join('')}</tr>`;
  });
  return `<div class="scroll"><table class="ratios">
<thead><tr><th scope="col">as a multiple of ${escapeText(base)}</th>${heads}</tr></thead>
<tbody>${lines.join('\n')}</tbody></table></div>`;
}
