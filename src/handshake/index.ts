// The opening handshake without I/O (§4): keys, grammar, requests and responses in both directions,
// and a parser for their heads. Public as `handfast/handshake`.

export { acceptKey, GUID } from './accept.ts';
export { type Extension, formatExtensions, parseExtensions } from './extensions.ts';
export type { Headers } from './fields.ts';
export { hasToken, isFieldValue, isHost, isToken, parseTokenList } from './grammar.ts';
export { type HeadLimits, HeadParser, type RequestHead, type ResponseHead } from './head.ts';
export { createKey, isKey } from './key.ts';
export {
  checkRequest,
  formatRequest,
  isProtocolField,
  type RequestLike,
  type RequestOptions,
  type UpgradeRequest,
} from './request.ts';
export {
  type AcceptOptions,
  checkResponse,
  type Expected,
  formatAccept,
  formatRefusal,
  formatResponse,
  type ResponseLike,
  type UpgradeResponse,
} from './response.ts';
export { checkSubprotocols, parseSubprotocols } from './subprotocol.ts';
export { parseTarget, type Target } from './target.ts';
export { parseUrl, type WebSocketUrl } from './url.ts';
