// The permessage-deflate extension (RFC 7692) without I/O.

export {
  acceptOffer,
  acceptResponse,
  checkDeflateOptions,
  type DeflateOptions,
  type DeflateParameters,
  EXTENSION_NAME,
  formatOffer,
  type ZlibSettings,
} from './negotiation.ts';
