// Sec-WebSocket-Extensions as text (§9.1, §11.3.2): the same list in offers and in answers.
// Knows no extension by name; what parameters mean is for each extension to say.

import { type Cursor, isToken, parseList } from './grammar.ts';

/** One element of the list: an extension with its parameters. */
export interface Extension {
  /** The registered name, in the case in which it was written. */
  name: string;
  /**
   * The parameters in their order. Every occurrence of a parameter is kept, so that one given twice
   * can be seen; `true` stands for a parameter without a value.
   */
  params: Map<string, (string | true)[]>;
}

/**
 * The extensions that a field value lists, in its order, which is preference in an offer and order
 * of processing in an answer (§9.1). Several lines of the field are joined with a comma before.
 *
 * @throws {SyntaxError} when the value breaks the grammar of §9.1 or lists nothing.
 */
export function parseExtensions(value: string): Extension[] {
  const list = parseList(value, parseExtension);
  // §9.1: extension-list = 1#extension
  if (list.length === 0) throw new SyntaxError('Unexpected end of input');
  return list;
}

/**
 * The field value for a list of extensions, without empty elements; `''` for an empty list, which
 * means that the field is to be left out (§4.2.2 step 5.6).
 *
 * @throws {TypeError} when a name or a value is not a token.
 */
export function formatExtensions(list: readonly Extension[]): string {
  return list.map(formatExtension).join(', ');
}

function parseExtension(cursor: Cursor): Extension {
  const name = cursor.takeToken();
  const params: Extension['params'] = new Map();
  while (cursor.take(';')) {
    const param = cursor.takeToken();
    // §9.1: a quoted value is a token once unescaped, so "10" and 10 are the same.
    const value = cursor.take('=') ? cursor.takeValue() : true;
    const values = params.get(param);
    if (values === undefined) params.set(param, [value]);
    else values.push(value);
  }
  return { name, params };
}

function formatExtension({ name, params }: Extension): string {
  let text = checkToken(name);
  for (const [param, values] of params) {
    for (const value of values) {
      text += `; ${checkToken(param)}`;
      if (value !== true) text += `=${checkToken(value)}`;
    }
  }
  return text;
}

function checkToken(text: string): string {
  if (!isToken(text)) {
    throw new TypeError(`${JSON.stringify(text)} is not a token, as extensions require`);
  }
  return text;
}
