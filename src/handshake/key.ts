// Sec-WebSocket-Key: the client's nonce (§4.1 item 7, §11.3.1).
// Knows nothing of the header field around it.

import { randomBytes } from 'node:crypto';

// §4.2.1 item 5: base64 that decodes to 16 bytes. The last letter before "==" may carry pad bits that
// are not zero, as in the RFC's own example (erratum 3150): the key is never decoded (§4.2.2).
const KEY = /^[+/0-9A-Za-z]{22}==$/;

/**
 * A new key: 16 bytes from the CSPRNG as canonical base64, 24 characters (§4.1 item 7). To be made
 * afresh for every connection, also for a reconnect or a redirect.
 */
export function createKey(): string {
  return randomBytes(16).toString('base64');
}

/** Whether `value` is the base64 of 16 bytes (§4.2.1 item 5); pad bits that are not zero are allowed. */
export function isKey(value: string): boolean {
  return KEY.test(value);
}
