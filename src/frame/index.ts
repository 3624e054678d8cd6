// handfast/frame: frames (§5.2) to bytes and back, usable alone.

export {
  ABNORMAL_CLOSURE,
  type CloseBody,
  decodeClose,
  encodeClose,
  isCloseCode,
  MAX_REASON_LENGTH,
  NO_STATUS_RECEIVED,
} from './close.ts';
export { checkEncodedFrame } from './encoded.ts';
export {
  decodeHeader,
  encodeHeader,
  encodeMaskedHeader,
  FIN,
  FrameHeader,
  headerLength,
  MAX_HEADER_LENGTH,
  RSV1,
} from './header.ts';
export { isControl, Opcode } from './opcode.ts';
export { FrameReader, type FrameSink } from './reader.ts';
export { FrameContext, type Role } from './rules.ts';
export { FrameWriter } from './writer.ts';
