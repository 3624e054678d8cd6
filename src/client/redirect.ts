// Redirects of the opening handshake (§4.1, RFC 9110 §15.4): where they lead, and what may travel there.

import { parseUrl, type WebSocketUrl } from '../handshake/url.ts';

/** Whether both URLs name the same server: host and port, or the same Unix socket. */
export function sameHost(a: WebSocketUrl, b: WebSocketUrl): boolean {
  return a.socketPath === b.socketPath && a.hostname === b.hostname && a.port === b.port;
}

/**
 * Takes the fields out of `headers` (lower-case names) that were meant for the first server alone;
 * its name as well, unless the host is the same.
 */
export function withoutCredentials(headers: Record<string, unknown>, isSameHost: boolean): void {
  delete headers.authorization;
  delete headers['proxy-authorization'];
  delete headers.cookie;
  if (!isSameHost) delete headers.host;
}

/**
 * Where `location` leads from `base` (RFC 9110 §10.2.2).
 *
 * @throws {SyntaxError} when that is no address of a WebSocket.
 */
export function resolveLocation(location: string, base: WebSocketUrl): WebSocketUrl {
  let href: string;
  try {
    href = new URL(location, base.href).href;
    // To URL the Unix socket is a part of the path; the redirect is about the resource behind it.
    if (base.socketPath !== undefined && !URL.canParse(location)) {
      const { pathname, search, hash } = new URL(location, `ws://localhost${base.resourceName}`);
      const socketPath = encodeURIComponent(base.socketPath).replaceAll('%2F', '/');
      href = `ws+unix:${socketPath}:${pathname}${search}${hash}`;
    }
  } catch {
    throw new SyntaxError(`Invalid URL: ${location}`);
  }
  return parseUrl(href);
}
