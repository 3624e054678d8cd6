// The body of a Close frame (§5.5.1) and the status codes that may stand in it (§7.4).

import { Buffer, isUtf8 } from 'node:buffer';
import { ProtocolError } from '../errors.ts';

/** What a Close frame says. */
export interface CloseBody {
  /** Status code; 1005 stands for a body without one and is never on the wire (§7.4.1). */
  readonly code: number;
  /** UTF-8 text, at most 123 bytes. */
  readonly reason: Buffer;
}

/** §7.1.5: the code of a Close frame that carries none. */
export const NO_STATUS_RECEIVED = 1005;
/** §7.1.5: the code of a connection that ended without a Close frame from the peer. */
export const ABNORMAL_CLOSURE = 1006;

/** §5.5: 125 bytes in a control frame, two of which are the code. */
export const MAX_REASON_LENGTH = 123;

const EMPTY = Buffer.alloc(0);

/**
 * §7.4: may this code stand in a Close frame? Registered ones without 1004 (reserved), 1005, 1006
 * and 1015 (MUST NOT be sent), those for libraries (3000–3999) and for private use (4000–4999).
 */
export function isCloseCode(code: number): boolean {
  // A fraction would be cut off in the two bytes that it is written to, unseen.
  if (!Number.isInteger(code)) return false;
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) ||
    (code >= 3000 && code <= 4999)
  );
}

/**
 * Decodes a Close frame's payload. `reason` is a view of it. Throws ProtocolError: 1002 for a code
 * that may not be sent (§7.4), 1007 for a reason that is not UTF-8 (§8.1). The length of one byte
 * is refused by the frame rules already, and here for those who call this alone (§5.5.1).
 * `checkText: false` takes the reason on trust.
 */
export function decodeClose(payload: Buffer, checkText = true): CloseBody {
  if (payload.length === 0) return { code: NO_STATUS_RECEIVED, reason: EMPTY };
  if (payload.length === 1) {
    throw new ProtocolError(
      1002,
      'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
      'Invalid WebSocket frame: invalid payload length 1',
    );
  }
  const code = payload.readUInt16BE(0);
  if (!isCloseCode(code)) {
    throw new ProtocolError(
      1002,
      'WS_ERR_INVALID_CLOSE_CODE',
      `Invalid WebSocket frame: invalid status code ${code}`,
    );
  }
  const reason = payload.subarray(2);
  // §5.5.1, §8.1: the reason is UTF-8 text.
  if (checkText && !isUtf8(reason)) {
    throw new ProtocolError(
      1007,
      'WS_ERR_INVALID_UTF8',
      'Invalid WebSocket frame: invalid UTF-8 sequence',
    );
  }
  return { code, reason };
}

/**
 * Encodes a Close frame's payload. Without a code the body is empty (§5.5.1: a code is optional).
 * Throws TypeError for a code that may not be sent, for a reason without a code and for one of another
 * type, RangeError for one above 123 bytes. What has no length, as plain JavaScript may give it, is no
 * reason.
 */
export function encodeClose(code?: number, reason: string | Uint8Array = EMPTY): Buffer {
  const bytes = typeof reason === 'string' ? Buffer.from(reason) : reason?.length ? reason : EMPTY;
  if (code === undefined) {
    if (bytes.length > 0) {
      throw new TypeError('A close reason needs a code: give one, 1000 for a normal closure');
    }
    return EMPTY;
  }
  if (!isCloseCode(code)) {
    throw new TypeError('First argument must be a valid error code number');
  }
  // By their nature and not by their class: those of another realm are as good.
  if (!ArrayBuffer.isView(bytes) || bytes[Symbol.toStringTag] !== 'Uint8Array') {
    throw new TypeError('Second argument must be a string or a Uint8Array');
  }
  if (bytes.length > MAX_REASON_LENGTH) {
    throw new RangeError('The message must not be greater than 123 bytes');
  }
  const body = Buffer.allocUnsafe(2 + bytes.length);
  body.writeUInt16BE(code, 0);
  body.set(bytes, 2);
  return body;
}
