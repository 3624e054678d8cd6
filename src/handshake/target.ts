// The request target (RFC 9112 §3.2), from which the resource name follows (§3, §4.2.1 item 1).
// Knows no header field and no policy about paths.

import { isHost } from './grammar.ts';

/** What a request target names. */
export interface Target {
  /** The authority of a target in absolute form, else `undefined`. */
  host: string | undefined;
  /** Path, at least "/", and with its "?" the query. */
  resourceName: string;
}

// RFC 9112 §3.2.1: absolute path and query, ASCII without space and without "#".
const ORIGIN_FORM = /^\/[\x21\x22\x24-\x7e]*$/;
// RFC 9112 §3.2.2: an http or ws URI; its authority ends before "/" or "?".
const ABSOLUTE_FORM =
  /^(?:https?|wss?):\/\/([\x21\x22\x24-\x2e\x30-\x3e\x40-\x7e]+)([/?][\x21\x22\x24-\x7e]*)?$/i;

/** Whether `text` is a resource name (§3) fit to be sent: begins with "/", percent-encoded, no fragment. */
export function isResourceName(text: string): boolean {
  return ORIGIN_FORM.test(text);
}

/**
 * What a target names, in origin form or in absolute form (§4.2.1 item 1); `undefined` when it is
 * neither, among others when it has a fragment, userinfo (RFC 9110 §4.2.4) or bytes beyond ASCII.
 */
export function parseTarget(text: string): Target | undefined {
  if (ORIGIN_FORM.test(text)) return { host: undefined, resourceName: text };
  const match = ABSOLUTE_FORM.exec(text);
  if (match === null || !isHost(match[1])) return undefined;
  const path = match[2] ?? '';
  return { host: match[1], resourceName: path.startsWith('/') ? path : `/${path}` };
}
