// Sec-WebSocket-Protocol as text (§4.1 item 10, §11.3.4). Names match with case (RFC 7936 §2).
// Knows nothing of who chooses among the names.

import { isToken, parseTokenList } from './grammar.ts';

/**
 * The subprotocols that a request lists, in the client's order of preference. Several lines of the
 * field are joined with a comma before (§11.3.4).
 *
 * @throws {SyntaxError} when a name is not a token or stands twice, or nothing is listed.
 */
export function parseSubprotocols(value: string): Set<string> {
  const list = parseTokenList(value);
  // §4.1 item 10: one or more subprotocols
  if (list.length === 0) throw new SyntaxError('Unexpected end of input');
  const protocols = new Set<string>();
  for (const protocol of list) {
    // §4.1 item 10: all names are unique
    if (protocols.has(protocol)) {
      throw new SyntaxError(`The "${protocol}" subprotocol is duplicated`);
    }
    protocols.add(protocol);
  }
  return protocols;
}

/**
 * Checks the subprotocols that a client is about to ask for (§4.1 item 10): tokens, none twice.
 *
 * @throws {SyntaxError} when one is not a non-empty token or stands twice.
 */
export function checkSubprotocols(list: readonly string[]): void {
  const seen = new Set<string>();
  for (const protocol of list) {
    // From plain JavaScript anything may come; a RegExp would turn it into text first.
    if (typeof protocol !== 'string' || !isToken(protocol) || seen.has(protocol)) {
      throw new SyntaxError('An invalid or duplicated subprotocol was specified');
    }
    seen.add(protocol);
  }
}
