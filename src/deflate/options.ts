// What one end wants of permessage-deflate, by the names that the `ws` package has for it, and which
// values make sense. What comes of them with a peer is for negotiation.ts.

/** What may be tuned in zlib: nothing that the peer would have to know of. */
export interface ZlibSettings {
  /** Accepted and without effect: what is compressed at once leaves through one buffer that all share. */
  chunkSize?: number | undefined;
  /** Effort of the compressor, 0 to 9; -1 for zlib's default, 6. */
  level?: number | undefined;
  /** Memory of the compressor, 1 to 9. */
  memLevel?: number | undefined;
  /** One of the strategies in `zlib.constants`. */
  strategy?: number | undefined;
}

/**
 * What one end wants of permessage-deflate. An option left out leaves the point to the peer. A
 * window is given in bits: the logarithm of its size in bytes, 8 to 15 (RFC 7692 §7.1.2).
 */
export interface DeflateOptions {
  /**
   * The server forgets its window after every message. `true`: a client insists on it, a server does
   * it unasked. `false`: a server declines offers that ask for it; the same as left out for a client.
   */
  serverNoContextTakeover?: boolean | undefined;
  /**
   * The client forgets its window after every message. `true`: a client does so and says so, a
   * server demands it. `false` is the same as left out: a client has to obey a server that demands
   * it, a server cannot forbid it (RFC 7692 §7.1.1.2).
   */
  clientNoContextTakeover?: boolean | undefined;
  /**
   * The server's window. A number: a client wants at most this, a server uses this and declines
   * offers that allow only less. `false`: a server declines offers that ask for a limit. `true` is
   * the same as left out: a server obeys the client, a client lets the server choose.
   */
  serverMaxWindowBits?: number | boolean | undefined;
  /**
   * The client's window. A number: a client never uses more and says so; a server demands this and
   * declines offers that do not let it, or that promise less. `false`: a client accepts no demand, a
   * server makes none. `true` is the same as left out: a client obeys the server, a server repeats
   * what the client promised.
   */
  clientMaxWindowBits?: number | boolean | undefined;
  /** Messages below this number of bytes are not worth compressing. */
  threshold?: number | undefined;
  /** For the compressor. */
  zlibDeflateOptions?: ZlibSettings | undefined;
  /** Checked and without effect: a decompressor has nothing to tune but the window, which is agreed on. */
  zlibInflateOptions?: ZlibSettings | undefined;
  /** How many runs of zlib may be under way at once; 0 and Infinity set no limit. */
  concurrencyLimit?: number | undefined;
}

/**
 * What is meant by the option `perMessageDeflate`: null for not to offer or accept the extension.
 * Throws as `checkDeflateOptions`.
 */
export function toDeflateOptions(
  given: boolean | DeflateOptions | null | undefined,
  byDefault: boolean,
): DeflateOptions | null {
  const options = given ?? byDefault;
  if (options === false) return null;
  if (options === true) return {};
  checkType('perMessageDeflate', options, ['boolean', 'object']);
  checkDeflateOptions(options);
  return options;
}

/**
 * Checks options before a handshake takes place.
 *
 * @throws {TypeError} when an option is of the wrong type.
 * @throws {RangeError} when a number is out of its range.
 */
export function checkDeflateOptions(options: DeflateOptions): void {
  for (const name of ['serverNoContextTakeover', 'clientNoContextTakeover'] as const) {
    checkType(name, options[name], ['boolean']);
  }
  for (const name of ['serverMaxWindowBits', 'clientMaxWindowBits'] as const) {
    const bits = options[name];
    checkType(name, bits, ['number', 'boolean']);
    if (typeof bits === 'number' && !(Number.isInteger(bits) && bits >= 8 && bits <= 15)) {
      throw new RangeError(`${name} must be an integer from 8 to 15, not ${bits}`);
    }
  }
  for (const name of ['threshold', 'concurrencyLimit'] as const) {
    const count = options[name];
    checkType(name, count, ['number']);
    if (typeof count === 'number' && !(count >= 0 && (count % 1 === 0 || count === Infinity))) {
      throw new RangeError(`${name} must be Infinity or an integer from 0 up, not ${count}`);
    }
  }
  for (const name of ['zlibDeflateOptions', 'zlibInflateOptions'] as const) {
    checkType(name, options[name], ['object']);
    for (const [setting, least, most] of ZLIB_RANGES) {
      const value = options[name]?.[setting];
      if (value === undefined || (Number.isInteger(value) && value >= least && value <= most))
        continue;
      const path = `${name}.${setting}`;
      throw new RangeError(`${path} must be an integer from ${least} to ${most}, not ${value}`);
    }
  }
}

/** What zlib takes; it would complain with the first message. */
const ZLIB_RANGES = [
  ['level', -1, 9],
  ['memLevel', 1, 9],
  ['strategy', 0, 4],
] as const;

function checkType(name: string, value: unknown, types: readonly string[]): void {
  // From plain JavaScript null comes for an option left out.
  if (value === undefined || value === null || types.includes(typeof value)) return;
  throw new TypeError(`${name} must be of type ${types.join(' or ')}, not ${typeof value}`);
}
