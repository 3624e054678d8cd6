// The server's answer to an opening request: formatted for a server (§4.2.2), checked by a client
// (§4.1 "Once the client's opening handshake has been sent"). Knows no sockets, and no extension.

import { Buffer } from 'node:buffer';
import { HandshakeError } from '../errors.ts';
import { acceptKey } from './accept.ts';
import { type Extension, formatExtensions, parseExtensions } from './extensions.ts';
import { getField, type Headers } from './fields.ts';
import { hasToken, isFieldValue, isToken } from './grammar.ts';
import { formatReason } from './reason.ts';

/** What an accepted request is answered with. */
export interface AcceptOptions {
  /** The request's key. */
  key: string;
  /** The subprotocol chosen; none if left out or empty. */
  protocol?: string | undefined;
  /** The extensions in use, in order of processing, or their field value; none if left out or empty. */
  extensions?: readonly Extension[] | string | undefined;
}

/** A response as far as it is looked at: Node's IncomingMessage fits and so does a ResponseHead. */
export interface ResponseLike {
  statusCode?: number | undefined;
  httpVersionMajor?: number;
  httpVersionMinor?: number;
  headers: Headers;
}

/** What was asked for in the request that is being answered. */
export interface Expected {
  /** The request's key. */
  key: string;
  /** The subprotocols asked for. */
  protocols: ReadonlySet<string> | readonly string[];
  /** The names of the extensions offered. */
  extensions?: readonly string[] | undefined;
}

/** What a valid response agrees to. */
export interface UpgradeResponse {
  /** The subprotocol in use, `''` for none. */
  protocol: string;
  /** The extensions in use, in order of processing. */
  extensions: Extension[];
}

// §11.3.3, §11.3.4: not more than once. The two others formatAccept has written already.
const ONCE: ReadonlySet<string> = new Set([
  'connection',
  'sec-websocket-accept',
  'sec-websocket-protocol',
  'upgrade',
]);
// RFC 9110 §15.2, RFC 9112 §6.1: a 1xx has no body, and nothing that speaks of one.
const NEVER: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

/**
 * The lines of the 101 (§4.2.2 step 5) without line ends and without the blank line, so that further
 * fields can be pushed before {@link formatResponse} joins them. The array is the caller's.
 *
 * @throws {TypeError} when the subprotocol is not a token, or the extensions are no field value.
 */
export function formatAccept({ key, protocol = '', extensions = '' }: AcceptOptions): string[] {
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptKey(key)}`,
  ];
  // §4.2.2 step 5.5: none chosen, no field; an empty value would be invalid
  if (protocol !== '') {
    if (!isToken(protocol)) {
      throw new TypeError(`The subprotocol must be a token, not ${JSON.stringify(protocol)}`);
    }
    lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  }
  const value = typeof extensions === 'string' ? extensions : formatExtensions(extensions);
  if (value !== '') {
    if (!isFieldValue(value)) {
      throw new TypeError(`The extensions must be a field value, not ${JSON.stringify(value)}`);
    }
    lines.push(`Sec-WebSocket-Extensions: ${value}`);
  }
  return lines;
}

/**
 * Joins the lines of a 101 and adds the blank line. Every character is at most U+00FF: the text is
 * to be written as latin1.
 *
 * @throws {TypeError} when a line holds CR, LF, NUL or another control character (response
 *   splitting), is not a header field, doubles a field of the handshake, or speaks of a body.
 */
export function formatResponse(lines: readonly string[]): string {
  const seen = new Set<string>();
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    if (!isFieldValue(line)) {
      refuseLine(i, line, 'has a control character, a line end or a character above U+00FF');
    }
    if (i === 0) continue;
    const name = line.slice(0, Math.max(line.indexOf(':'), 0)).toLowerCase();
    if (!isToken(name)) refuseLine(i, line, 'is not a header field');
    if (NEVER.has(name)) refuseLine(i, line, 'speaks of a body, which a 101 cannot have');
    if (ONCE.has(name) && seen.has(name)) refuseLine(i, line, 'doubles a field of the handshake');
    seen.add(name);
  }
  return joinLines(lines);
}

/** What {@link formatResponse} gives, without its checks: for lines as {@link formatAccept} made them. */
export function joinLines(lines: readonly string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function refuseLine(index: number, line: string, reason: string): never {
  throw new TypeError(`Line ${index} of the response, ${JSON.stringify(line)}, ${reason}`);
}

/**
 * A complete HTTP response that refuses a handshake (§4.2.2) with `Connection: close`, to be written
 * as UTF-8, after which the connection is to be ended. `headers` replace the fields of the same name
 * without regard to case; an array stands for several lines. Framing and `close` stay as they are.
 *
 * @throws {RangeError} when the status is not an integer from 200 to 999.
 * @throws {TypeError} when a name is not a token, or a value holds CR, LF or another control character.
 */
export function formatRefusal(
  status: number,
  body: string,
  headers: Readonly<Record<string, string | number | readonly string[]>> = {},
): string {
  if (!Number.isInteger(status) || status < 200 || status > 999) {
    throw new RangeError(
      `The status of a refusal must be an integer from 200 to 999, not ${status}`,
    );
  }
  const fields = new Map<string, string>([
    ['connection', 'Connection: close\r\n'],
    ['content-type', 'Content-Type: text/plain; charset=utf-8\r\n'],
  ]);
  for (const [name, value] of Object.entries(headers)) {
    fields.set(name.toLowerCase(), formatField(name, value));
  }
  // RFC 9112 §6: where the message ends is for us to say.
  fields.delete('transfer-encoding');
  // RFC 9110 §6.4.1: no content behind 204 and 304
  const content = status === 204 || status === 304 ? '' : body;
  fields.set('content-length', `Content-Length: ${Buffer.byteLength(content)}\r\n`);
  if (status === 204) fields.delete('content-length');
  return `HTTP/1.1 ${status} ${formatReason(status)}\r\n${[...fields.values()].join('')}\r\n${content}`;
}

function formatField(name: string, value: string | number | readonly string[]): string {
  if (!isToken(name)) {
    throw new TypeError(`The header name ${JSON.stringify(name)} must be a token`);
  }
  const values: string[] = (Array.isArray(value) ? value : [value]).map(String);
  // RFC 9112 §9.6: whoever is about to close says so.
  if (name.toLowerCase() === 'connection' && !hasToken(values.join(), 'close'))
    values.push('close');
  let text = '';
  for (const line of values) {
    if (!isFieldValue(line)) {
      throw new TypeError(
        `The value of the header ${name} must hold no control character, not ${JSON.stringify(line)}`,
      );
    }
    text += `${name}: ${line}\r\n`;
  }
  return text;
}

/**
 * Checks the response to our opening request (§4.1) and says what it agrees to. Stricter than §4.1
 * in one point, as browsers are: subprotocols asked for and none answered is a failure
 * (WHATWG WebSockets §2.2).
 *
 * @throws {HandshakeError} when the connection is to be failed; its status, 502, is for gateways.
 */
export function checkResponse(response: ResponseLike, expected: Expected): UpgradeResponse {
  const { statusCode, httpVersionMajor, httpVersionMinor, headers } = response;
  // §4.1 item 1 of the response: 101 and nothing else. §4.2.2 step 5.1: an HTTP/1.1 status line.
  if (statusCode !== undefined && statusCode !== 101) {
    fail(`Unexpected server response: ${statusCode}`);
  }
  if (httpVersionMajor === 0 || (httpVersionMajor === 1 && httpVersionMinor === 0)) {
    fail('Invalid HTTP version');
  }
  // §4.1 items 2 and 3
  if (!hasToken(getField(headers, 'upgrade') ?? '', 'websocket')) fail('Invalid Upgrade header');
  if (!hasToken(getField(headers, 'connection') ?? '', 'upgrade')) {
    fail('Invalid Connection header');
  }
  // §4.1 item 4: compared with case. §11.3.3: not twice; lines combined do not compare equal.
  if (getField(headers, 'sec-websocket-accept') !== acceptKey(expected.key)) {
    fail('Invalid Sec-WebSocket-Accept header');
  }
  return {
    protocol: checkProtocol(headers, expected),
    extensions: checkExtensions(headers, expected),
  };
}

function fail(message: string): never {
  throw new HandshakeError(502, message);
}

function checkProtocol(headers: Headers, expected: Expected): string {
  const protocols = new Set(expected.protocols);
  const protocol = getField(headers, 'sec-websocket-protocol');
  if (protocol === undefined) {
    // Deviation: §4.1 would go on without a subprotocol, WHATWG WebSockets §2.2 fails.
    if (protocols.size > 0) fail('Server sent no subprotocol');
    return '';
  }
  // §4.1 item 6, RFC 7936 §2: one of those asked for, with case; no list, nothing empty
  if (protocols.size === 0) fail('Server sent a subprotocol but none was requested');
  if (!protocols.has(protocol)) fail('Server sent an invalid subprotocol');
  return protocol;
}

function checkExtensions(headers: Headers, { extensions: offered = [] }: Expected): Extension[] {
  const value = getField(headers, 'sec-websocket-extensions');
  if (value === undefined) return [];
  // §4.1 item 5: nothing that was not offered
  if (offered.length === 0) {
    fail('Server sent a Sec-WebSocket-Extensions header but no extension was requested');
  }
  let extensions: Extension[];
  try {
    extensions = parseExtensions(value);
  } catch {
    fail('Invalid Sec-WebSocket-Extensions header');
  }
  if (!extensions.every(({ name }) => offered.includes(name))) {
    fail('Server indicated an extension that was not requested');
  }
  return extensions;
}
