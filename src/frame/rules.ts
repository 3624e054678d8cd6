// Every MUST that a frame header can break, one rule a line, in the order in which its bytes arrive.
// Each rule throws the ProtocolError that fails the connection (§7.1.7). Payloads are not seen here.

import { ProtocolError, type ProtocolErrorCode } from '../errors.ts';

/** Which end we are: it decides who must mask (§5.1). */
export type Role = 'client' | 'server';

/** What a header is checked against: the connection's agreements and the message in progress. */
export class FrameContext {
  readonly role: Role;
  /** Whether RSV1 may stand on a first data frame: an extension that uses it was negotiated. */
  readonly rsv1: boolean;
  /** Longest message in bytes, over all of its fragments; Infinity for no limit (§10.4). */
  readonly maxPayload: number;
  /** A message has begun and its final fragment has not come (§5.4). */
  inMessage = false;
  /** Payload bytes announced so far by the fragments of the message in progress. */
  messageLength = 0;
  /** Fragments of the message in progress so far. */
  fragments = 0;
  /** Most fragments that a message may have; Infinity for no limit (§10.4). */
  readonly maxFragments: number;

  constructor(
    role: Role,
    maxPayload: number = Infinity,
    rsv1 = false,
    maxFragments: number = Infinity,
  ) {
    this.role = role;
    this.maxPayload = maxPayload;
    this.rsv1 = rsv1;
    this.maxFragments = maxFragments;
  }

  /** §10.4: the announced length decides, before a byte of payload is waited or paid for. */
  checkMessageLength(length: number): void {
    if (this.messageLength + length > this.maxPayload) throw messageTooBig();
  }

  /** Payload bytes that the message may still have. */
  get room(): number {
    return this.maxPayload - this.messageLength;
  }

  /** Fragments without FIN that the message may still have. */
  get fragmentsLeft(): number {
    return this.maxFragments - 1 - this.fragments;
  }

  /** Takes note of fragments in the middle of the message, within `room` and `fragmentsLeft` (§5.4). */
  enterRun(fragments: number, length: number): void {
    this.messageLength += length;
    this.fragments += fragments;
  }

  /** Takes note of a data frame whose header has been accepted (§5.4). */
  enter(fin: boolean, length: number): void {
    if (fin) {
      this.inMessage = false;
      this.messageLength = 0;
      this.fragments = 0;
      return;
    }
    this.inMessage = true;
    this.messageLength += length;
    // §10.4: a limit of the application's; our own memory does not grow with the number of fragments.
    if (++this.fragments >= this.maxFragments) {
      throw new ProtocolError(1008, 'WS_ERR_TOO_MANY_BUFFERED_PARTS', 'Too many message fragments');
    }
  }
}

/** FIN, RSV1–3 and opcode (§5.2, §5.4, §5.5). */
export function checkFirstByte(first: number, context: FrameContext): void {
  const opcode = first & 0x0f;
  const fin = first & 0x80;
  // §5.2: RSV2 and RSV3 MUST be 0: no extension that we negotiate gives them a meaning.
  if (first & 0x30) fail('WS_ERR_UNEXPECTED_RSV_2_3', 'RSV2 and RSV3 must be clear');
  // §5.2, RFC 7692 §6: RSV1 only on the first frame of a message, and only when negotiated.
  if (first & 0x40 && (!context.rsv1 || opcode === 0 || opcode > 2)) {
    fail('WS_ERR_UNEXPECTED_RSV_1', 'RSV1 must be clear');
  }
  if (opcode > 2) {
    // §5.2: opcodes 3–7 and 11–15 are reserved; receiving one fails the connection.
    if (opcode < 8 || opcode > 10) fail('WS_ERR_INVALID_OPCODE', `invalid opcode ${opcode}`);
    // §5.5: control frames MUST NOT be fragmented.
    if (!fin) fail('WS_ERR_EXPECTED_FIN', 'FIN must be set');
  } else if ((opcode === 0) !== context.inMessage) {
    // §5.4: a continuation needs a message in progress; a new message must wait for its end.
    fail('WS_ERR_INVALID_OPCODE', `invalid opcode ${opcode}`);
  }
}

/** MASK bit and 7-bit length (§5.1, §5.5). */
export function checkSecondByte(first: number, second: number, context: FrameContext): void {
  const masked = second & 0x80;
  const length = second & 0x7f;
  // §5.1: a server MUST close on an unmasked frame, a client on a masked one.
  if (context.role === 'server') {
    if (!masked) fail('WS_ERR_EXPECTED_MASK', 'MASK must be set');
  } else if (masked) {
    fail('WS_ERR_UNEXPECTED_MASK', 'MASK must be clear');
  }
  if (first & 0x8) {
    // §5.5: control frames carry 125 bytes at most, so an extended length is a fault by itself.
    if (length > 125) {
      fail('WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH', `invalid payload length ${length}`);
    }
    // §5.5.1: a Close body starts with a 2-byte code; one byte is half of it.
    if ((first & 0x0f) === 0x8 && length === 1) {
      fail('WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH', 'invalid payload length 1');
    }
  }
}

/** §5.2: the most significant bit of a 64-bit length MUST be 0; its first byte shows it. */
export function checkLengthTopBit(firstLengthByte: number): void {
  if (firstLengthByte & 0x80) {
    fail('WS_ERR_NON_MINIMAL_LENGTH', 'the top bit of a 64-bit length must be clear');
  }
}

/** §5.2: the minimal number of bytes MUST be used; and no length that a double cannot hold. */
export function checkExtendedLength(high: number, low: number, form: 126 | 127): void {
  if (high === 0 && low < (form === 126 ? 126 : 0x1_0000)) {
    fail('WS_ERR_NON_MINIMAL_LENGTH', `payload length ${low} is not in its shortest form`);
  }
  if (high > 0x1f_ffff) {
    throw new ProtocolError(
      1009,
      'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
      'Unsupported WebSocket frame: payload length > 2^53 - 1',
    );
  }
}

/** §10.4: the error for a message that is longer than the limit, announced or decompressed. */
export function messageTooBig(): ProtocolError {
  return new ProtocolError(1009, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 'Max payload size exceeded');
}

function fail(code: ProtocolErrorCode, message: string): never {
  throw new ProtocolError(1002, code, `Invalid WebSocket frame: ${message}`);
}
