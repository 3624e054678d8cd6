// The looks of the page: light and dark, wide and narrow. No fonts, images or scripts from anywhere.

export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #1c1d22; --soft: #60636d; --line: #e4e2dc; --grid: #eceae4;
  --good: #1a7f5a; --bad: #c2571a; --above: var(--good); --below: var(--bad);
  --series-0: #2f5be0; --series-1: #d9822b; --series-2: #b59b6a; --series-3: #c2478f; --series-4: #12927f; --series-5: #8b8f99;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14151a; --card: #1c1e25; --ink: #e9e8e4; --soft: #a0a3ad; --line: #30333d; --grid: #292c35;
    --good: #3dbb8b; --bad: #ee8a4a;
    --series-0: #7d9dff; --series-1: #f0a04b; --series-2: #c9b283; --series-3: #e57cba; --series-4: #41c7b1; --series-5: #8f939e;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif;
}
main { max-width: 1120px; margin: 0 auto; padding: 56px 24px 80px; }
h1 { font-size: clamp(30px, 5vw, 44px); line-height: 1.1; letter-spacing: -0.025em; margin: 0 0 12px; }
h2 { font-size: 23px; letter-spacing: -0.015em; line-height: 1.25; margin: 64px 0 6px; }
h3 { font-size: 16px; line-height: 1.35; margin: 36px 0 2px; }
p { margin: 0 0 14px; max-width: 70ch; }
.lead { font-size: 18px; color: var(--soft); }
h2 + p { color: var(--soft); }
code { font: 0.9em ui-monospace, 'SF Mono', Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.facts { display: flex; flex-wrap: wrap; gap: 6px 8px; list-style: none; padding: 0; margin: 20px 0 0; font-size: 13px; }
.facts li { border: 1px solid var(--line); border-radius: 99px; padding: 2px 11px; color: var(--soft); background: var(--card); }
.scroll { overflow-x: auto; }
.flip { --above: var(--bad); --below: var(--good); }
.columns { columns: 330px; column-gap: 16px; }
.columns figure { break-inside: avoid; margin-bottom: 16px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { font-weight: 400; text-align: left; }
td { text-align: right; white-space: nowrap; }
.ratios { margin-top: 18px; }
.ratios thead th { font-size: 13px; color: var(--soft); padding: 0 14px 6px; text-align: right; vertical-align: bottom; }
.ratios thead th:first-child { text-align: left; padding-left: 0; }
.ratios tbody th { padding: 5px 12px 5px 0; font-size: 14.5px; line-height: 1.35; min-width: 190px; vertical-align: bottom; }
.ratios tbody b { display: block; font-size: 12px; font-weight: 600; color: var(--soft); margin-bottom: 2px; }
.ratios td { width: 1%; padding: 2px; vertical-align: bottom; height: 1px; }
.ratios td div { padding: 6px 12px; border-radius: 8px; font-size: 17px; font-weight: 600; line-height: 1.3; min-width: 84px; }
.ratios tr.begins > * { padding-top: 14px; }
.ratios small { display: block; font-size: 11px; font-weight: 400; opacity: 0.75; }
.ratios .times { font-weight: 400; opacity: 0.6; margin-left: 1px; }
.ratios .above { background: color-mix(in srgb, var(--above) var(--strength), var(--card)); }
.ratios .below { background: color-mix(in srgb, var(--below) var(--strength), var(--card)); }
.ratios .even { background: var(--card); }
.ratios .none { color: var(--soft); font-weight: 400; }
.key { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; color: var(--soft); margin: 12px 0 0; }
.key i { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; border: 1px solid var(--line); }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; list-style: none; margin: 10px 0 14px; padding: 0; font-size: 13.5px; }
.legend i { display: inline-block; width: 20px; margin-right: 7px; vertical-align: middle; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 16px; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px 12px; min-width: 0; }
figcaption { text-wrap: balance; font-size: 14.5px; font-weight: 600; line-height: 1.35; margin-bottom: 8px; }
figcaption small { display: block; font-weight: 400; color: var(--soft); font-size: 12.5px; }
svg { display: block; width: 100%; height: auto; max-width: 400px; overflow: visible; }
svg text { font: 12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .name { fill: var(--ink); }
svg .value { fill: var(--ink); font-weight: 600; }
svg .note { font-size: 11.5px; font-style: italic; }
svg .grid { stroke: var(--grid); fill: none; }
svg .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg .whisker { stroke: var(--ink); stroke-opacity: 0.65; fill: none; stroke-width: 1.2; }
details { border-top: 1px solid var(--line); }
details:last-of-type { border-bottom: 1px solid var(--line); }
summary { padding: 10px 0; cursor: pointer; font-size: 15px; }
.figures { font-size: 13.5px; margin: 0 0 14px; }
.figures th, .figures td { padding: 4px 10px; border-top: 1px solid var(--grid); }
.figures thead th { color: var(--soft); font-size: 12.5px; text-align: right; border: 0; white-space: nowrap; }
.figures tbody th { white-space: nowrap; padding-left: 0; }
.figures .absent { text-align: left; color: var(--soft); white-space: normal; }
.micro { font-size: 13px; }
.micro th, .micro td { padding: 3px 0 3px 12px; border-top: 1px solid var(--grid); }
.micro thead th { color: var(--soft); text-align: right; border: 0; white-space: nowrap; }
.micro tbody th { padding-left: 0; }
ul.plain { padding-left: 20px; max-width: 80ch; }
ul.plain li { margin-bottom: 7px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 6px 20px; max-width: 84ch; margin: 14px 0 0; }
dt { font-weight: 600; }
dd { margin: 0; color: var(--soft); }
footer { margin-top: 64px; padding-top: 18px; border-top: 1px solid var(--line); color: var(--soft); font-size: 13.5px; }
@media (min-width: 601px) {
  .ratios thead th { white-space: nowrap; }
}
@media (max-width: 600px) {
  main { padding: 36px 16px 56px; }
  h2 { margin-top: 48px; }
  dl { grid-template-columns: 1fr; gap: 2px; }
  dd { margin-bottom: 10px; }
  .ratios tbody th { min-width: 104px; font-size: 13px; padding-right: 6px; }
  .ratios td { padding: 1.5px; vertical-align: middle; }
  .ratios tbody th { vertical-align: middle; }
  .ratios td div { padding: 5px 6px; font-size: 14px; min-width: 0; }
  .ratios thead th { padding: 0 7px 6px; font-size: 12px; }
  .ratios .times { display: none; }
}
`;
