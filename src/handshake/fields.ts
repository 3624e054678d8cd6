// The header fields of a message in the two forms that Node gives them: `rawHeaders` as they came,
// `headers` by lower-case name with repeated lines combined (RFC 9110 §5.2, §5.3).
// Knows nothing of what any field means.

/** Fields by lower-case name, as in Node's IncomingMessage; a hand-made object may hold numbers. */
export type Headers = Readonly<Record<string, string | string[] | number | undefined>>;

// Fields that Node does not combine: the first line counts and later ones are dropped.
const FIRST_COUNTS: ReadonlySet<string> = new Set([
  'age',
  'authorization',
  'content-length',
  'content-type',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'user-agent',
]);

/** The value of the field `name`, given in lower case; several lines joined with a comma. */
export function getField(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  if (typeof value === 'string' || value === undefined) return value;
  return Array.isArray(value) ? value.join(', ') : String(value);
}

/** How many lines of the field `name`, given in lower case, `rawHeaders` holds. */
export function countLines(rawHeaders: readonly string[], name: string): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const line = rawHeaders[i];
    if (line.length === name.length && line.toLowerCase() === name) count++;
  }
  return count;
}

/**
 * `rawHeaders` by lower-case name, combined as Node's http combines them: the first line of a field
 * of which there is to be one, a list of lines for Set-Cookie, else the lines joined with a comma
 * (Cookie: with a semicolon). The object has no prototype, so that no name can reach one.
 */
export function collectFields(
  rawHeaders: readonly string[],
): Record<string, string | string[] | undefined> {
  const headers: Record<string, string | string[] | undefined> = Object.create(null);
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i].toLowerCase();
    const value = rawHeaders[i + 1];
    const before = headers[name];
    if (before === undefined) headers[name] = name === 'set-cookie' ? [value] : value;
    else if (typeof before !== 'string') before.push(value);
    else if (name === 'cookie') headers[name] = `${before}; ${value}`;
    else if (!FIRST_COUNTS.has(name)) headers[name] = `${before}, ${value}`;
  }
  return headers;
}
