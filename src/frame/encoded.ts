// A frame that was encoded beforehand, so that it can be sent to many: whether it may be sent as it is
// (§5.1, §5.2). Judged by the rules that its receiver goes by. Payloads are not looked into.

import type { ProtocolError } from '../errors.ts';
import { decodeHeader, FrameHeader } from './header.ts';
import { Opcode } from './opcode.ts';
import { FrameContext, type Role } from './rules.ts';

// Never in a message: only first frames pass, and only those that are final as well.
const receivers: Readonly<Record<Role, FrameContext>> = {
  client: new FrameContext('server'),
  server: new FrameContext('client'),
};
const header = new FrameHeader();

/**
 * The payload's length in bytes of one whole frame, given in one piece or several, the first of which
 * holds its header. It must be a message that is not fragmented, a Ping or a Pong, as `role` sends
 * them: a client's masked, a server's not (§5.1). Throws TypeError for anything else.
 */
export function checkEncodedFrame(frame: readonly Uint8Array[], role: Role): number {
  let length = 0;
  for (const piece of frame) {
    if (!(piece instanceof Uint8Array)) throw new TypeError('A frame must be a list of Buffers');
    length += piece.length;
  }
  const headerSize = frame.length === 0 ? 0 : decode(frame[0], role);
  if (headerSize === 0 || headerSize + header.length !== length) {
    throw new TypeError('A frame must be whole, its header in the first Buffer');
  }
  // §5.4: fragments belong to what a connection has sent before, so none can be made beforehand.
  if (!header.fin) throw new TypeError('A frame made beforehand must be a whole message');
  // §7.1.2: a Close changes the connection's state.
  if (header.opcode === Opcode.CLOSE) throw new TypeError('A Close is sent by close() only');
  return header.length;
}

function decode(bytes: Uint8Array, role: Role): number {
  try {
    return decodeHeader(header, bytes, 0, bytes.length, receivers[role]);
  } catch (error) {
    // Here it is the application's fault and no peer's; nothing else is thrown by the decoder.
    throw new TypeError((error as ProtocolError).message, { cause: error });
  }
}
