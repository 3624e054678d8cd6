// The errors a peer can cause, and nothing else. A ProtocolError says which Close code goes on the
// wire (§7.4.1), a HandshakeError which HTTP status (§4.2.1, §4.2.2). Wrong calls by the application
// are plain TypeError, RangeError and SyntaxError, thrown where they happen.

/** Names the rule that a peer broke. The same names as in the `ws` package, where it has one. */
export type ProtocolErrorCode =
  | 'WS_ERR_EXPECTED_FIN'
  | 'WS_ERR_EXPECTED_MASK'
  | 'WS_ERR_INVALID_CLOSE_CODE'
  | 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'
  | 'WS_ERR_INVALID_OPCODE'
  | 'WS_ERR_INVALID_UTF8'
  | 'WS_ERR_NON_MINIMAL_LENGTH'
  | 'WS_ERR_TOO_MANY_BUFFERED_PARTS'
  | 'WS_ERR_UNEXPECTED_MASK'
  | 'WS_ERR_UNEXPECTED_RSV_1'
  | 'WS_ERR_UNEXPECTED_RSV_2_3'
  | 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH'
  | 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'
  | 'Z_BUF_ERROR'
  | 'Z_DATA_ERROR';

/** A frame or a message that breaks the protocol or a limit: the connection is to be failed (§7.1.7). */
export class ProtocolError extends RangeError {
  /** The rule that was broken. */
  readonly code: ProtocolErrorCode;
  /** The status code for our Close frame (§7.4.1): 1002, 1007, 1008 or 1009. */
  readonly closeCode: number;

  constructor(closeCode: number, code: ProtocolErrorCode, message: string) {
    super(message);
    this.closeCode = closeCode;
    this.code = code;
  }
}

/** An opening handshake that cannot be accepted: on a server, the HTTP answer that says so (§4.2.2). */
export class HandshakeError extends Error {
  /** HTTP status of the answer: 400, 405, 417, 431 or 505. A client, which answers nothing, gives 502. */
  readonly status: number;
  /** Header fields that the answer must carry, such as `Sec-WebSocket-Version` (§4.4). */
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'HandshakeError';
    this.status = status;
    this.headers = headers;
  }
}
