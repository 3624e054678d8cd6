// `extension` and `subprotocol`, as the `ws` package exports them: the texts of two header fields (§9.1,
// §11.3.4) in the shapes that its users know. The grammar is the handshake room's.

import { type Extension, formatExtensions, parseExtensions } from './handshake/extensions.ts';
import { parseSubprotocols } from './handshake/subprotocol.ts';

/** Parameters of one offer: each name with all its values; `true` for a parameter without one. */
export type ExtensionParams = Record<string, (string | true)[]>;
/** Extensions by name, each with its offers in order. */
export type ExtensionOffers = Record<string, ExtensionParams[]>;

/** Values that `extension.format` takes: a single one may stand for a list of one. */
type Loose<Value> = Value | readonly Value[];

function parse(header: string): ExtensionOffers {
  const offers: ExtensionOffers = Object.create(null);
  for (const { name, params } of parseExtensions(header)) {
    const plain: ExtensionParams = Object.create(null);
    for (const [param, values] of params) plain[param] = values;
    offers[name] ??= [];
    offers[name].push(plain);
  }
  return offers;
}

function format(
  extensions: Readonly<
    Record<string, Loose<Readonly<Record<string, Loose<string | number | true>>>>>
  >,
): string {
  const list: Extension[] = [];
  for (const [name, offers] of Object.entries(extensions)) {
    for (const offer of listOf(offers)) {
      const params: Extension['params'] = new Map();
      for (const [param, values] of Object.entries(offer)) {
        params.set(
          param,
          listOf(values).map((value) => (value === true ? true : String(value))),
        );
      }
      list.push({ name, params });
    }
  }
  return formatExtensions(list);
}

function listOf<Value>(value: Loose<Value>): readonly Value[] {
  return Array.isArray(value) ? value : [value as Value];
}

/**
 * Sec-WebSocket-Extensions: `parse` throws SyntaxError for what §9.1 does not allow, `format` TypeError
 * for what is no token.
 */
export const extension: { readonly parse: typeof parse; readonly format: typeof format } = {
  parse,
  format,
};

/** Sec-WebSocket-Protocol of a request as a set; throws SyntaxError for what §4.1 does not allow. */
export const subprotocol: { readonly parse: typeof parseSubprotocols } = {
  parse: parseSubprotocols,
};
