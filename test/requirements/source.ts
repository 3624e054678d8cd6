// TypeScript source text taken apart just far enough to be asked questions: what is code, what is a
// comment, what is text. No syntax tree; it must not know what the questions are.

/** One source text, seen three ways. Offsets and line breaks are the same in `code` and `bare` as in the file. */
export interface Source {
  /** Comments blanked out, everything else as written. */
  readonly code: string;
  /** Comments, and the contents of strings, templates and regular expressions, blanked out. */
  readonly bare: string;
  /** The contents of all string literals and template chunks, raw, in order. */
  readonly texts: readonly string[];
}

// Where a `/` cannot be a division: after an operator, an opening bracket, or one of these words.
const BEFORE_REGEX =
  /(?:^|[([{,;:=!&|?+\-*%~^<>}]|\b(?:return|typeof|case|in|of|void|delete|throw))\s*$/;

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

/** Takes a TypeScript source text apart. Throws SyntaxError when a comment, string or template does not end. */
export function readSource(source: string): Source {
  const texts: string[] = [];
  // One entry per open `${`: how many `{` are open inside it.
  const templates: number[] = [];
  let code = '';
  let bare = '';
  let at = 0;

  const take = (pattern: RegExp, what: string): string => {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match === null) throw new SyntaxError(`unfinished ${what} at offset ${at}`);
    at = pattern.lastIndex;
    return match[0];
  };
  const text = (raw: string, open: number, close: number): void => {
    const content = raw.slice(open, raw.length - close);
    texts.push(content);
    code += raw;
    bare += raw.slice(0, open) + blank(content) + raw.slice(raw.length - close);
  };
  const template = (): void => {
    const raw = take(/[`}](?:[^`\\$]|\\.|\$(?!\{))*(?:`|\$\{)/sy, 'template');
    const goesOn = raw.endsWith('{');
    if (goesOn) templates.push(0);
    text(raw, 1, goesOn ? 2 : 1);
  };

  while (at < source.length) {
    const char = source[at] as string;
    const next = source[at + 1];
    const depth = templates.length - 1;
    if (char === '/' && (next === '/' || next === '*')) {
      const gone = blank(take(next === '/' ? /\/\/[^\n]*/y : /\/\*.*?\*\//sy, 'comment'));
      code += gone;
      bare += gone;
    } else if (char === "'" || char === '"') {
      text(take(/(['"])(?:(?!\1)[^\\\n]|\\.)*\1/sy, 'string'), 1, 1);
    } else if (char === '`') {
      template();
    } else if (char === '}' && templates[depth] === 0) {
      templates.pop();
      template();
    } else if (char === '/' && BEFORE_REGEX.test(bare.slice(-40))) {
      const raw = take(/\/(?:[^\\/[\n]|\\.|\[(?:[^\\\]\n]|\\.)*\])+\//y, 'regular expression');
      code += raw;
      bare += `/${blank(raw.slice(1, -1))}/`;
    } else {
      if (depth >= 0 && char === '{') templates[depth] = (templates[depth] as number) + 1;
      if (depth >= 0 && char === '}') templates[depth] = (templates[depth] as number) - 1;
      code += char;
      bare += char;
      at += 1;
    }
  }
  return { code, bare, texts };
}
