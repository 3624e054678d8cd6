// ws, wss, http, https and ws+unix addresses (§3, §11.1; WHATWG WebSockets §3.1) taken apart into
// what a client has to connect to and to ask for. Leans on the global URL and nothing else.

/** What a client needs to know of an address. */
export interface WebSocketUrl {
  /** The serialised, normalised URL: ws for http, no default port. */
  href: string;
  /** The secure flag: TLS is to be spoken (§3). */
  secure: boolean;
  /** The scheme with its colon. */
  protocol: 'ws:' | 'wss:' | 'ws+unix:';
  /** The name or address to connect to, an IPv6 address without its brackets. */
  hostname: string;
  /** The port to connect to. */
  port: number;
  /** The value of the Host field: brackets kept, default port left out (§4.1 item 4). */
  host: string;
  /** The request target: path and, if not empty, "?" and query (§3). */
  resourceName: string;
  /** The ASCII serialisation of the URL's origin; `'null'` for ws+unix. */
  origin: string;
  /** User name in the URL, percent-decoded; `''` if none. Never part of target or Host. */
  username: string;
  /** Password in the URL, percent-decoded; `''` if none. */
  password: string;
  /** The Unix socket to connect to, percent-decoded; only for ws+unix. */
  socketPath?: string;
}

const INVALID_PROTOCOL =
  'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"';

/**
 * Takes an address apart. `ws+unix:/path/to.sock:/resource?query` names a Unix socket and the
 * resource behind it.
 *
 * @throws {SyntaxError} when it is not a URL, has another scheme, or has a fragment, be it empty.
 */
export function parseUrl(address: string | URL): WebSocketUrl {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw new SyntaxError(`Invalid URL: ${address}`);
  }
  // WHATWG WebSockets §3.1: http becomes ws and https wss.
  if (url.protocol === 'http:') url.protocol = 'ws:';
  else if (url.protocol === 'https:') url.protocol = 'wss:';

  const { protocol } = url;
  if (protocol !== 'ws:' && protocol !== 'wss:' && protocol !== 'ws+unix:') {
    throw new SyntaxError(INVALID_PROTOCOL);
  }
  if (url.pathname === '') throw new SyntaxError("The URL's pathname is empty");
  // §3: no fragment; `hash` is empty for a bare "#", which counts as one as well.
  if (url.href.includes('#')) throw new SyntaxError('The URL contains a fragment identifier');

  return protocol === 'ws+unix:' ? splitUnix(url, protocol) : splitInternet(url, protocol);
}

function splitInternet(url: URL, protocol: 'ws:' | 'wss:'): WebSocketUrl {
  const secure = protocol === 'wss:';
  const { hostname } = url;
  return {
    href: url.href,
    secure,
    protocol,
    hostname: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    // §3: 80 for ws and 443 for wss, if left out
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    host: url.host,
    // §3: a path is never empty here, and `search` of an empty query is
    resourceName: url.pathname + url.search,
    origin: url.origin,
    username: decodePercent(url.username),
    password: decodePercent(url.password),
  };
}

function splitUnix(url: URL, protocol: 'ws+unix:'): WebSocketUrl {
  const { pathname, search } = url;
  const colon = pathname.indexOf(':');
  const path = colon === -1 ? '' : pathname.slice(colon + 1);
  const resourceName = (path.startsWith('/') ? path : `/${path}`) + search;
  return {
    href: url.href,
    secure: false,
    protocol,
    hostname: 'localhost',
    port: 80,
    host: 'localhost',
    // A path without a slash in front is opaque to URL, which then leaves spaces as they are.
    resourceName: resourceName.replaceAll(' ', '%20'),
    origin: 'null',
    username: decodePercent(url.username),
    password: decodePercent(url.password),
    socketPath: decodePercent(colon === -1 ? pathname : pathname.slice(0, colon)),
  };
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone "%" is legal in a URL: then the text is meant as it stands.
    return text;
  }
}
