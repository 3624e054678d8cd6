// The client's opening request: checked by a server (§4.2.1), formatted for a client (§4.1).
// Works on a message that has been parsed; knows neither sockets nor who is to be let in.

import { HandshakeError } from '../errors.ts';
import { type Extension, formatExtensions, parseExtensions } from './extensions.ts';
import { countLines, getField, type Headers } from './fields.ts';
import { hasToken, isFieldValue, isHost, isToken } from './grammar.ts';
import { isKey } from './key.ts';
import { checkSubprotocols, parseSubprotocols } from './subprotocol.ts';
import { isResourceName, parseTarget, type Target } from './target.ts';

/**
 * A request as far as it is looked at. Node's IncomingMessage fits and so does a RequestHead. In a
 * hand-made object names are in lower case; without `rawHeaders` nothing is known of repeated lines
 * and no Host is asked for, without `httpVersionMajor` no version.
 */
export interface RequestLike {
  method?: string | undefined;
  url?: string | undefined;
  httpVersionMajor?: number;
  httpVersionMinor?: number;
  rawHeaders?: readonly string[];
  headers: Headers;
}

/** What a valid request asks for. */
export interface UpgradeRequest {
  /** Sec-WebSocket-Key as it came. */
  key: string;
  /** Subprotocols in the client's order of preference; empty if it named none. */
  protocols: Set<string>;
  /** Extensions offered, in the client's order of preference; empty if none. */
  extensions: Extension[];
  /** The Origin field: from browsers always, from others perhaps, and then not to be trusted (§10.1). */
  origin: string | undefined;
  /** Host and port that the request is for. */
  host: string | undefined;
  /** Path and query that the request is for, also where the target is an absolute URI. */
  resourceName: string | undefined;
}

/** What a client's request is formatted from. */
export interface RequestOptions {
  /** Path and query (§3), percent-encoded, beginning with "/". */
  resourceName: string;
  /** Host with its port unless that is the default one (§4.1 item 4). */
  host: string;
  /** A fresh key, see createKey. */
  key: string;
  /** Subprotocols in order of preference. */
  protocols?: readonly string[] | undefined;
  /** Extensions offered in order of preference. */
  extensions?: readonly Extension[] | undefined;
  /** The value of Origin, if one is to be sent. */
  origin?: string | undefined;
  /** Further fields; an array stands for several lines. */
  headers?: Readonly<Record<string, string | number | readonly string[]>> | undefined;
}

// RFC 6454 §6.1: serialised origins are ASCII, separated by one space.
const ORIGIN = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;

// §4.1: the fields that the handshake itself is made of, and those that would change where the
// message ends.
const PROTOCOL_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
  'transfer-encoding',
  'upgrade',
]);

const INVALID_VERSION = 'Missing or invalid Sec-WebSocket-Version header';
/** §4.4: a refusal lists the versions spoken. */
const VERSION_FIELDS = { 'Sec-WebSocket-Version': '13' };

/**
 * Checks a client's opening request (§4.2.1) and says what it asks for. Names and tokens compare
 * without case, several lines of a list field equal one combined line, unknown fields are ignored.
 *
 * @throws {HandshakeError} with the status and the fields of the answer to give: 405 for a method
 *   other than GET, 505 for HTTP below 1.1, 417 for an expectation, 400 for everything else.
 */
export function checkRequest(request: RequestLike): UpgradeRequest {
  const { headers } = request;
  checkMethod(request);
  const target = checkTarget(request.url);
  // §4.2.1 item 3, §4.2.1 item 4
  if (!hasToken(getField(headers, 'upgrade') ?? '', 'websocket')) refuse('Invalid Upgrade header');
  if (!hasToken(getField(headers, 'connection') ?? '', 'upgrade')) {
    refuse('Invalid Connection header');
  }
  const host = checkHost(request);
  const key = checkKey(request);
  checkVersion(request);
  checkEmpty(request);
  return {
    key,
    protocols: readProtocols(headers),
    extensions: readExtensions(headers),
    origin: readOrigin(headers),
    // RFC 9112 §3.2.2: the authority of an absolute target replaces what Host says.
    host: target?.host ?? host,
    resourceName: target?.resourceName,
  };
}

function refuse(message: string): never {
  throw new HandshakeError(400, message);
}

function checkMethod({ method, httpVersionMajor, httpVersionMinor }: RequestLike): void {
  // §4.2.1 item 1: GET and HTTP/1.1 or higher. RFC 9110 §10.2.1: a 405 says what is allowed.
  if (method !== 'GET') throw new HandshakeError(405, 'Invalid HTTP method', { Allow: 'GET' });
  // RFC 9110 §7.8: Upgrade has no meaning in an HTTP/1.0 request.
  if (httpVersionMajor === 0 || (httpVersionMajor === 1 && httpVersionMinor === 0)) {
    throw new HandshakeError(505, 'Invalid HTTP version');
  }
}

function checkTarget(url: string | undefined): Target | undefined {
  if (url === undefined) return undefined;
  // §4.2.1 item 1; §8.1: bytes of a target are ASCII
  const target = parseTarget(url);
  if (target === undefined) refuse('Invalid request target');
  return target;
}

function checkHost({ headers, rawHeaders }: RequestLike): string | undefined {
  const host = getField(headers, 'host');
  // §4.2.1 item 2: Host is there. RFC 9112 §3.2: once, and valid; Node drops further lines silently.
  if (rawHeaders !== undefined) {
    if (host === undefined || countLines(rawHeaders, 'host') !== 1) {
      refuse('Missing or invalid Host header');
    }
  }
  if (host !== undefined && !isHost(host)) refuse('Missing or invalid Host header');
  return host;
}

function checkKey({ headers }: RequestLike): string {
  // §4.2.1 item 5. §11.3.1: not more than once; lines combined are no key.
  const key = getField(headers, 'sec-websocket-key');
  if (key === undefined || !isKey(key)) refuse('Missing or invalid Sec-WebSocket-Key header');
  return key;
}

function checkVersion({ headers, rawHeaders }: RequestLike): void {
  // §11.3.5: not more than once in a request, even with the same value
  const isDouble = rawHeaders !== undefined && countLines(rawHeaders, 'sec-websocket-version') > 1;
  // §4.2.1 item 6, §4.3: exactly 13, no leading zeros, no "13 or more"
  if (isDouble || getField(headers, 'sec-websocket-version') !== '13') {
    throw new HandshakeError(400, INVALID_VERSION, VERSION_FIELDS);
  }
}

function checkEmpty({ headers, rawHeaders = [] }: RequestLike): void {
  // RFC 9110 §7.8: the protocol changes after the complete request. A body would be taken for
  // frames, so a request with one is refused. RFC 9112 §6.3: so are two lengths, of which a proxy
  // in front may have believed the other one.
  const length = getField(headers, 'content-length');
  if (
    (length !== undefined && !/^0+$/.test(length)) ||
    countLines(rawHeaders, 'content-length') > 1 ||
    getField(headers, 'transfer-encoding') !== undefined
  ) {
    refuse('Request with a body');
  }
  // RFC 9110 §10.1.1: 417 tells the client to come again without the expectation; with no body
  // there is nothing that a 100 could ask for.
  if (getField(headers, 'expect') !== undefined) {
    throw new HandshakeError(417, 'Invalid Expect header');
  }
}

function readProtocols(headers: Headers): Set<string> {
  const value = getField(headers, 'sec-websocket-protocol');
  if (value === undefined) return new Set();
  try {
    return parseSubprotocols(value);
  } catch {
    // §4.2.1 item 8, §4.1 item 10: no token, or one name twice
    refuse('Invalid Sec-WebSocket-Protocol header');
  }
}

function readExtensions(headers: Headers): Extension[] {
  const value = getField(headers, 'sec-websocket-extensions');
  if (value === undefined) return [];
  try {
    return parseExtensions(value);
  } catch {
    // §9.1: a field that breaks the grammar fails the connection at once.
    refuse('Invalid Sec-WebSocket-Extensions header');
  }
}

function readOrigin(headers: Headers): string | undefined {
  const origin = getField(headers, 'origin');
  // §4.2.1 item 7, RFC 6454 §7.1; two lines, joined with a comma and a space, are no list of origins.
  if (origin !== undefined && (!ORIGIN.test(origin) || origin.includes(','))) {
    refuse('Invalid Origin header');
  }
  return origin;
}

/** Whether the field `name` belongs to the handshake, so that an application may not set it (§4.1). */
export function isProtocolField(name: string): boolean {
  return PROTOCOL_FIELDS.has(name.toLowerCase());
}

/**
 * A complete opening request (§4.1) with its blank line, for those who write it to a socket
 * themselves; to be sent as latin1 or UTF-8 alike where the application's fields are ASCII.
 *
 * @throws {TypeError} when a part is not valid where it would stand, or a further field belongs to
 *   the handshake; nothing in it can end a line.
 * @throws {SyntaxError} when a subprotocol is not a token or stands twice.
 */
export function formatRequest(options: RequestOptions): string {
  const { resourceName, host, key, protocols = [], extensions = [], origin } = options;
  if (!isResourceName(resourceName)) {
    invalid('resourceName', resourceName, 'begin with "/" and be percent-encoded');
  }
  if (!isHost(host)) invalid('host', host, 'be a host with an optional port');
  if (!isKey(key)) invalid('key', key, 'come from createKey()');
  let text =
    `GET ${resourceName} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\n` +
    `Connection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n`;
  checkSubprotocols(protocols);
  if (protocols.length > 0) text += `Sec-WebSocket-Protocol: ${protocols.join(', ')}\r\n`;
  if (extensions.length > 0) {
    text += `Sec-WebSocket-Extensions: ${formatExtensions(extensions)}\r\n`;
  }
  if (origin !== undefined) {
    if (!ORIGIN.test(origin)) invalid('origin', origin, 'be the ASCII serialisation of an origin');
    text += `Origin: ${origin}\r\n`;
  }
  return `${text + formatFields(options)}\r\n`;
}

function formatFields({ headers = {}, origin }: RequestOptions): string {
  let text = '';
  for (const [name, value] of Object.entries(headers)) {
    if (!isToken(name)) invalid('a name in headers', name, 'be a token');
    if (isProtocolField(name)) {
      throw new TypeError(`headers must not contain ${name}: it belongs to the handshake`);
    }
    if (origin !== undefined && name.toLowerCase() === 'origin') {
      throw new TypeError('headers must not contain Origin when the origin option is given');
    }
    for (const line of Array.isArray(value) ? value : [value]) {
      // §10.7, §4.1 item 1: the request is valid HTTP, whatever the application was given.
      if (!isFieldValue(`${line}`)) {
        invalid(
          `headers[${JSON.stringify(name)}]`,
          line,
          'hold no CR, LF or other control character',
        );
      }
      text += `${name}: ${line}\r\n`;
    }
  }
  return text;
}

function invalid(what: string, value: unknown, rule: string): never {
  throw new TypeError(`${what} must ${rule}, not ${JSON.stringify(value)}`);
}
