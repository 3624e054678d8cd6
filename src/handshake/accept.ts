// The accept key: the server's proof that it read the client's key (§1.3, §4.2.2).
// Knows nothing of header fields. SHA-1 is the protocol's choice and carries no security here (§10.8).

import { hash } from 'node:crypto';

/** The fixed text that is hashed behind the client's key (§1.3). */
export const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * The value of `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` (§4.2.2 step 5.4): base64 of the
 * SHA-1 of key and {@link GUID}. The key is used as the text that came and is not decoded.
 */
export function acceptKey(key: string): string {
  return hash('sha1', key + GUID, 'base64');
}
