// Holds the promise that every normative row which binds the library is either pinned by a test that
// names it or decided against in docs/decisions.md; and that the counting itself can be trusted.

import { describe, expect, it } from 'vitest';
import {
  type Chapter,
  findIds,
  findTestIds,
  formatCoverage,
  isComplete,
  readChapters,
  readCoverage,
  weigh,
} from './requirements/coverage.ts';
import { readSource } from './requirements/source.ts';

// Put together here, so that this file itself names no row.
const bracket = (id: string): string => `[${id}]`;

describe('the rows', () => {
  const rows = readChapters().flatMap((chapter) => chapter.rows);

  it('have ids of their own that the brackets in a title can hold', () => {
    const ids = rows.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(findIds(`${bracket(id)} a title`)).toEqual([id]);
  });

  it('are complete: chapters A01 to A24, every field filled in', () => {
    const names = Array.from({ length: 24 }, (_, n) => `A${String(n + 1).padStart(2, '0')}`);
    expect(readChapters().map(({ chapter }) => chapter)).toEqual(names);
    for (const { id, role, level, requirement, test } of rows) {
      expect(['C', 'S', 'both'], id).toContain(role);
      expect(level, id).toMatch(/^(MUST|SHOULD)( NOT)?$|^(MAY|DEF|DERIVED)$/);
      expect(requirement, id).not.toBe('');
      expect(['unit', 'property', 'raw-socket', 'e2e', 'browser', 'n/a'], id).toContain(test);
    }
  });
});

describe('the scan of a test file', () => {
  const id = bracket('6455-5.2-n');

  it.each([
    ['a title', `it('${id} refuses', () => {})`],
    ['a second bracket', `it('${bracket('x')} ${id} refuses', () => {})`],
    ['double quotes', `it("${id} refuses", () => {})`],
    ['a template', `it(\`${id} \${name} refuses\`, () => {})`],
    ['the end of a template', `it(\`\${names.map((n) => { return \`\${n}\` })} ${id}\`, () => {})`],
    ['a table', `const cases = [{ title: '${id}', bytes: [1] }]`],
    ['after a regular expression with a quote', `s.split(/['"\`]/); it('${id}', f)`],
    ['after a division', `const half = (a + b) / 2; it('${id} / 2', f)`],
    ['after an escaped quote', `const s = 'don\\'t'; it('${id}', f)`],
  ])('finds an id in %s', (_, source) => {
    expect(findTestIds(source)).toContain('6455-5.2-n');
  });

  it.each([
    ['a line comment', `// it('${id} refuses')`],
    ['a block comment', `/* it('${id} refuses') */`],
    ['code', `const x = ${id}`],
    ['a regular expression', `const x = /${id}/`],
  ])('finds none in %s', (_, source) => {
    expect(findTestIds(source)).toEqual([]);
  });

  it('keeps offsets and lines while it blanks', () => {
    const source = `a = 1; // one\nb = 'two'; /* th\nree */ c = \`f\${o({ u: "r" })}\`;\n`;
    const { code, bare } = readSource(source);
    expect(code).toBe(`a = 1;       \nb = 'two';      \n       c = \`f\${o({ u: "r" })}\`;\n`);
    expect(bare).toBe(`a = 1;       \nb = '   ';      \n       c = \` \${o({ u: " " })}\`;\n`);
  });

  it('does not guess where a string ends', () => {
    expect(() => readSource("const s = 'open\n")).toThrow(SyntaxError);
    expect(() => readSource('const s = `open')).toThrow(SyntaxError);
  });
});

describe('the verdict', () => {
  const row = { role: 'both', level: 'MUST', requirement: 'be', test: 'unit' } as const;
  const chapters: Chapter[] = [
    { chapter: 'A03', title: 'Bound', rows: ['a', 'b', 'c'].map((id) => ({ ...row, id })) },
    { chapter: 'A24', title: 'Later', rows: ['d', 'e'].map((id) => ({ ...row, id })) },
  ];

  it('counts a row once, as tested before decided, and asks nothing of a deferred chapter', () => {
    const coverage = weigh(
      chapters,
      new Map([['t', ['a', 'd']]]),
      new Map([['d', ['a', 'b', 'c']]]),
    );
    expect(coverage.chapters[0]?.tested.map(({ id }) => id)).toEqual(['a']);
    expect(coverage.chapters[0]?.decided.map(({ id }) => id)).toEqual(['b', 'c']);
    expect(coverage.chapters[1]?.orphaned.map(({ id }) => id)).toEqual(['e']);
    expect(isComplete(coverage)).toBe(true);
    expect(formatCoverage(coverage)).toContain('A03: 3/3 (1 tested, 2 decided)');
  });

  it('refuses an orphan', () => {
    const coverage = weigh(chapters, new Map([['t', ['a']]]), new Map([['d', ['b']]]));
    expect(coverage.orphans.map(({ id }) => id)).toEqual(['c']);
    expect(isComplete(coverage)).toBe(false);
    expect(formatCoverage(coverage)).toContain(`orphaned ${bracket('c')}`);
  });

  it.each([
    ['a test', 't'],
    ['a decision', 'd'],
  ])('refuses an id without a row in %s', (_, file) => {
    const named = new Map([['t', ['a', 'b', 'c']]]);
    const strange = new Map([[file, ['zz']]]);
    const coverage =
      file === 't' ? weigh(chapters, strange, named) : weigh(chapters, named, strange);
    expect(coverage.unknown).toEqual([{ id: 'zz', file }]);
    expect(isComplete(coverage)).toBe(false);
  });
});

describe('the project', () => {
  const coverage = readCoverage();

  it('names every row that binds, in a test or in docs/decisions.md', () => {
    console.log(formatCoverage(coverage));
    expect(coverage.orphans.map(({ id, requirement }) => `${id}: ${requirement}`)).toEqual([]);
  });

  it('names no row that does not exist', () => {
    expect(coverage.unknown).toEqual([]);
  });
});
