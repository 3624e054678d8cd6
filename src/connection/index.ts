// handfast/connection: a protocol endpoint over any byte stream, usable alone.

export { ProtocolError, type ProtocolErrorCode } from '../errors.ts';
export type { Role } from '../frame/rules.ts';
export type { ClosingState } from './closing.ts';
export { Connection, type ConnectionOptions } from './connection.ts';
export type {
  ConnectionCodec,
  ConnectionEvents,
  ConnectionTransport,
  DecompressedSink,
  Decompressor,
} from './ports.ts';
export { PreparedMessage, type PreparedOptions } from './prepared.ts';
