// Redirects of the opening handshake (§4.1, RFC 9110 §15.4): what may travel on to where they lead.

import type { WebSocketUrl } from '../handshake/url.ts';

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
