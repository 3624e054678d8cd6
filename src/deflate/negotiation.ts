// What the two ends of a connection agree on for permessage-deflate (RFC 7692 §5, §7.1), for both
// roles and as functions of their arguments alone. Knows neither the text of the header field nor
// how a message is compressed.

import { HandshakeError } from '../errors.ts';
import type { Extension } from '../handshake/extensions.ts';
import type { DeflateOptions } from './options.ts';

/** The registered name of the extension (RFC 7692 §7). Compared with case. */
export const EXTENSION_NAME = 'permessage-deflate';

/**
 * What was agreed, as the end that holds it has to act on it: for its own direction the most it may
 * use, for the other direction the most it must expect. 8 bits are agreed to although zlib has no
 * compressor for them: whoever compresses must keep all distances within 256 bytes in another way,
 * such as leaving messages uncompressed, which RFC 7692 §6 allows for each of them.
 */
export interface DeflateParameters {
  /** RFC 7692 §7.1.1.1: no message of the server's refers to those before it. */
  readonly serverNoContextTakeover: boolean;
  /** RFC 7692 §7.1.1.2: no message of the client's refers to those before it. */
  readonly clientNoContextTakeover: boolean;
  /** RFC 7692 §7.1.2.1: the logarithm of the server's window in bytes, 8 to 15. */
  readonly serverMaxWindowBits: number;
  /** RFC 7692 §7.1.2.2: the logarithm of the client's window in bytes, 8 to 15. */
  readonly clientMaxWindowBits: number;
}

/** The parameters of one element; `true` stands for one without a value. */
interface Element {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  serverMaxWindowBits: number | undefined;
  clientMaxWindowBits: number | true | undefined;
}

// RFC 7692 §7.1.2.1, §7.1.2.2: without a parameter the window is 32768 bytes.
const DEFAULT_BITS = 15;

// RFC 7692 §7.1.2.1: a decimal integer without leading zeros, 8 to 15
const WINDOW_BITS = /^(?:[89]|1[0-5])$/;

/** The element with which a client offers the extension (RFC 7692 §7.1). */
export function formatOffer(options: DeflateOptions): Extension {
  const { serverMaxWindowBits, clientMaxWindowBits } = options;
  return formatElement({
    serverNoContextTakeover: options.serverNoContextTakeover === true,
    clientNoContextTakeover: options.clientNoContextTakeover === true,
    // RFC 7692 §7.1.2.1: not without a value; and a server may choose one without being asked.
    serverMaxWindowBits: numberOf(serverMaxWindowBits),
    // RFC 7692 §7.1.2.2: without a value it says that an answer with one will be understood.
    clientMaxWindowBits:
      clientMaxWindowBits === false ? undefined : (numberOf(clientMaxWindowBits) ?? true),
  });
}

/**
 * A server's choice among all extensions offered: the first element that is permessage-deflate,
 * well-formed and in accord with `options`; `null` when there is none, and then the connection goes
 * on without (RFC 7692 §5.1). Elements of other names, and those that must be declined (§7.1), are
 * passed over.
 */
export function acceptOffer(
  offers: readonly Extension[],
  options: DeflateOptions,
): { parameters: DeflateParameters; response: Extension } | null {
  for (const offer of offers) {
    if (offer.name !== EXTENSION_NAME) continue;
    const element = parseElement(offer);
    // RFC 7692 §7: unknown, doubled or ill-valued parameters decline this offer, not the handshake.
    if (typeof element === 'string') continue;
    const answer = answerTo(element, options);
    if (answer === null) continue;
    return { parameters: completed(answer), response: formatElement(answer) };
  }
  return null;
}

/** The answer to one well-formed offer, or `null` when it is to be declined. */
function answerTo(offer: Element, options: DeflateOptions): Element | null {
  // RFC 7692 §7.1.1.1: to accept this wish is to repeat it.
  if (offer.serverNoContextTakeover && options.serverNoContextTakeover === false) return null;

  // RFC 7692 §7.1.2.1: the same or a smaller value is repeated, or the offer declined.
  const asked = offer.serverMaxWindowBits;
  const serverBits = numberOf(options.serverMaxWindowBits);
  if (asked !== undefined) {
    if (options.serverMaxWindowBits === false) return null;
    if (serverBits !== undefined && serverBits > asked) return null;
  }

  // RFC 7692 §7.1.2.2: only when offered, and not above the value offered
  const promised = offer.clientMaxWindowBits;
  const clientBits = numberOf(options.clientMaxWindowBits);
  if (clientBits !== undefined) {
    if (promised === undefined) return null;
    if (promised !== true && clientBits > promised) return null;
  }

  return {
    serverNoContextTakeover:
      offer.serverNoContextTakeover || options.serverNoContextTakeover === true,
    // RFC 7692 §7.1.1.2: offered, it holds whatever the answer says; repeated, both ends see it.
    clientNoContextTakeover:
      offer.clientNoContextTakeover || options.clientNoContextTakeover === true,
    serverMaxWindowBits: serverBits ?? asked,
    // Silent, the answer leaves the server to expect 32768 bytes, whatever was promised.
    clientMaxWindowBits:
      clientBits ?? (options.clientMaxWindowBits === false ? undefined : numberOf(promised)),
  };
}

/**
 * A client's reading of the extensions that a server accepted, given the options of its offer;
 * `null` when it accepted none.
 *
 * @throws {HandshakeError} when the connection is to be failed (RFC 7692 §5.1, §7): an extension that
 * was not offered or stands twice, a parameter that is unknown, doubled, ill-valued or not allowed by
 * the offer, or a wish of the offer that was not honoured.
 */
export function acceptResponse(
  extensions: readonly Extension[],
  offered: DeflateOptions,
): DeflateParameters | null {
  const [extension, second] = extensions;
  if (extension === undefined) return null;
  for (const { name } of extensions) {
    // §9.1: nothing that was not offered
    if (name !== EXTENSION_NAME) fail(`the extension ${JSON.stringify(name)} was not requested`);
  }
  // RFC 7692 §6: both would use RSV1.
  if (second !== undefined) fail(`${EXTENSION_NAME} stands twice`);

  const response = parseElement(extension);
  if (typeof response === 'string') fail(response);
  // RFC 7692 §7.1.1.1: accepted means repeated.
  if (offered.serverNoContextTakeover === true && !response.serverNoContextTakeover) {
    fail('server_no_context_takeover was requested and is missing');
  }
  checkServerBits(response.serverMaxWindowBits, numberOf(offered.serverMaxWindowBits));
  checkClientBits(response.clientMaxWindowBits, offered.clientMaxWindowBits);

  const promise: Element = {
    ...response,
    // RFC 7692 §7.1.1.2, §7.1.2.2: what was offered of ourselves binds us, answered or not.
    clientNoContextTakeover:
      response.clientNoContextTakeover || offered.clientNoContextTakeover === true,
    clientMaxWindowBits: response.clientMaxWindowBits ?? numberOf(offered.clientMaxWindowBits),
  };
  return completed(promise);
}

// RFC 7692 §7.1.2.1: unasked any value will do; asked, one that is not larger has to be there.
function checkServerBits(bits: number | undefined, asked: number | undefined): void {
  if (asked === undefined) return;
  if (bits === undefined) fail('server_max_window_bits was requested and is missing');
  if (bits > asked) fail(`server_max_window_bits=${bits} is larger than the ${asked} requested`);
}

// RFC 7692 §7.1.2.2: only when offered, always with a value, not above the value offered
function checkClientBits(
  bits: Element['clientMaxWindowBits'],
  promised: DeflateOptions['clientMaxWindowBits'],
): void {
  if (bits === undefined) return;
  if (bits === true) fail('client_max_window_bits needs a value');
  if (promised === false) fail('client_max_window_bits was not offered');
  if (typeof promised === 'number' && bits > promised) {
    fail(`client_max_window_bits=${bits} is larger than the ${promised} offered`);
  }
}

function fail(reason: string): never {
  // The message is that of ws; what is wrong stands behind it.
  const error = new HandshakeError(502, 'Invalid Sec-WebSocket-Extensions header');
  error.cause = new Error(reason);
  throw error;
}

/** The number among a number, a flag and nothing. */
function numberOf(value: number | boolean | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** The parameters in force where `element` says all there is to say. */
function completed(element: Element): DeflateParameters {
  return {
    serverNoContextTakeover: element.serverNoContextTakeover,
    clientNoContextTakeover: element.clientNoContextTakeover,
    serverMaxWindowBits: element.serverMaxWindowBits ?? DEFAULT_BITS,
    clientMaxWindowBits: numberOf(element.clientMaxWindowBits) ?? DEFAULT_BITS,
  };
}

function formatElement(element: Element): Extension {
  const { serverMaxWindowBits, clientMaxWindowBits } = element;
  const params: Extension['params'] = new Map();
  if (element.serverNoContextTakeover) params.set('server_no_context_takeover', [true]);
  if (element.clientNoContextTakeover) params.set('client_no_context_takeover', [true]);
  if (serverMaxWindowBits !== undefined) {
    params.set('server_max_window_bits', [String(serverMaxWindowBits)]);
  }
  if (clientMaxWindowBits !== undefined) {
    const value = clientMaxWindowBits === true ? true : String(clientMaxWindowBits);
    params.set('client_max_window_bits', [value]);
  }
  return { name: EXTENSION_NAME, params };
}

/** The parameters of an offer or of a response, or in words what is wrong with them (RFC 7692 §7.1). */
function parseElement({ params }: Extension): Element | string {
  const element: Element = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: undefined,
    clientMaxWindowBits: undefined,
  };
  for (const [name, [value, ...more]] of params) {
    if (more.length > 0) return `${name} stands twice`;
    const wrong = `${name} has an invalid value`;
    switch (name) {
      case 'server_no_context_takeover':
        if (value !== true) return wrong;
        element.serverNoContextTakeover = true;
        break;
      case 'client_no_context_takeover':
        if (value !== true) return wrong;
        element.clientNoContextTakeover = true;
        break;
      case 'server_max_window_bits':
        if (!isWindowBits(value)) return wrong;
        element.serverMaxWindowBits = Number(value);
        break;
      case 'client_max_window_bits':
        // RFC 7692 §7.1.2.2: an offer may leave the value out.
        if (value !== true && !isWindowBits(value)) return wrong;
        element.clientMaxWindowBits = value === true ? true : Number(value);
        break;
      default:
        return `the parameter ${JSON.stringify(name)} is unknown`;
    }
  }
  return element;
}

function isWindowBits(value: string | true | undefined): value is string {
  return typeof value === 'string' && WINDOW_BITS.test(value);
}
