// The permessage-deflate extension (RFC 7692) without I/O.

export { DeflateCodec } from './codec.ts';
export {
  acceptOffer,
  acceptResponse,
  type DeflateParameters,
  EXTENSION_NAME,
  formatOffer,
} from './negotiation.ts';
export {
  checkDeflateOptions,
  type DeflateOptions,
  toDeflateOptions,
  type ZlibSettings,
} from './options.ts';
