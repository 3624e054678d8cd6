// The text grammar of header fields: token, list, quoted string (RFC 2616 §2.1, §2.2, which §4.3
// refers to), field value (RFC 9110 §5.5), host (RFC 3986 §3.2.2). Every rule takes time linear in
// the length of its text. Knows no field by name.

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const TOKEN_HERE = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
// One element of Upgrade is a protocol with or without a version (RFC 9110 §7.8).
const PROTOCOL = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:\/[!#$%&'*+\-.^_`|~0-9A-Za-z]+)?$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const HOST =
  /^(?:\[[0-9A-Fa-f:.]+\]|(?:[0-9A-Za-z\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+)(?::[0-9]{0,5})?$/;

/** Whether `text` is a token (RFC 2616 §2.2): one or more of U+0021–U+007E without the separators. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/**
 * Whether `text` may be a field value: no CR, LF, NUL or other control but HTAB, and nothing above
 * U+00FF, which would be cut to a byte, perhaps a line end, when written as latin1 (RFC 9110 §5.5).
 */
export function isFieldValue(text: string): boolean {
  return FIELD_VALUE.test(text);
}

/** Whether `text` is a host with or without a port, as in the Host field (RFC 9112 §3.2). */
export function isHost(text: string): boolean {
  return HOST.test(text);
}

/** `text` without the spaces and tabs around it (OWS, RFC 9110 §5.6.3), and nothing else trimmed. */
export function trimSpace(text: string): string {
  // Two loops instead of a regular expression, which would be quadratic on inner runs of spaces.
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

/**
 * Whether the list in `value` has the element `token`, which is given in lower case, without regard
 * to case (§4.2.1 items 3 and 4). `false` as well when any element of the list is malformed.
 */
export function hasToken(value: string, token: string): boolean {
  if (value.length === token.length) return TOKEN.test(value) && value.toLowerCase() === token;
  let found = false;
  for (const part of value.split(',')) {
    const element = trimSpace(part);
    // RFC 2616 §2.1: empty elements are allowed and do not count.
    if (element === '') continue;
    if (!PROTOCOL.test(element)) return false;
    if (element.toLowerCase() === token) found = true;
  }
  return found;
}

/**
 * The elements of a list of tokens in their order and case; empty elements and white space around
 * elements are passed over (RFC 2616 §2.1, §4.3), so that the result may be empty.
 *
 * @throws {SyntaxError} when an element is not a token.
 */
export function parseTokenList(value: string): string[] {
  return parseList(value, (cursor) => cursor.takeToken());
}

/**
 * The elements of a list, each read by `parseElement` (the `#rule` of RFC 2616 §2.1).
 *
 * @throws {SyntaxError} when something other than a comma follows an element, or by `parseElement`.
 */
export function parseList<T>(value: string, parseElement: (cursor: Cursor) => T): T[] {
  const cursor = new Cursor(value);
  const list: T[] = [];
  for (;;) {
    while (cursor.take(','));
    if (cursor.isAtEnd) return list;
    list.push(parseElement(cursor));
    if (!cursor.take(',') && !cursor.isAtEnd) cursor.fail();
  }
}

/** A place in a field value, moved on by taking the next piece, with white space before it skipped. */
export class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Whether everything has been taken. */
  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** Takes the separator `char` if it comes next, and says whether it did. */
  take(char: string): boolean {
    // RFC 2616 §2.1: implied white space may stand between any two adjacent tokens and separators.
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at++;
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  /** Takes a token. Throws a SyntaxError if none comes next. */
  takeToken(): string {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at++;
    TOKEN_HERE.lastIndex = this.#at;
    const match = TOKEN_HERE.exec(this.#text);
    if (match === null) this.fail();
    this.#at = TOKEN_HERE.lastIndex;
    return match[0];
  }

  /**
   * Takes a token, or a quoted string that is a token once unescaped (§9.1), and returns the token.
   * Throws a SyntaxError if neither comes next.
   */
  takeValue(): string {
    if (!this.take('"')) return this.takeToken();
    let value = '';
    for (;;) {
      TOKEN_HERE.lastIndex = this.#at;
      const match = TOKEN_HERE.exec(this.#text);
      if (match !== null) {
        value += match[0];
        this.#at = TOKEN_HERE.lastIndex;
      }
      const char = this.#text[this.#at];
      if (char === '"' && value !== '') break;
      // RFC 2616 §2.2: a quoted pair stands for its second character, which has to fit a token too.
      if (char !== '\\') this.fail();
      this.#at++;
      const escaped = this.#text[this.#at];
      if (escaped === undefined || !TOKEN.test(escaped)) this.fail();
      value += escaped;
      this.#at++;
    }
    this.#at++;
    return value;
  }

  /** Throws the SyntaxError that names the place. */
  fail(): never {
    throw new SyntaxError(
      this.isAtEnd ? 'Unexpected end of input' : `Unexpected character at index ${this.#at}`,
    );
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
