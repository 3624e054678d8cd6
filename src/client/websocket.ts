// The WebSocket class: a socket that opens its own connection (WHATWG §3.1, §4.1). Servers use it too,
// for sockets that they opened, so that `instanceof WebSocket` holds for both.

import type { ClientRequest } from 'node:http';
import { type DeflateOptions, toDeflateOptions } from '../deflate/options.ts';
import { checkSubprotocols } from '../handshake/subprotocol.ts';
import { parseUrl } from '../handshake/url.ts';
import { defineInterface } from '../websocket/interface.ts';
import type { SocketOptions } from '../websocket/surface.ts';
import { throwLater } from '../websocket/throw-later.ts';
import { BaseWebSocket } from '../websocket/websocket.ts';
import { Opening, type OpeningOptions } from './opening.ts';

/** Options of a client. */
export interface ClientOptions extends SocketOptions, OpeningOptions {
  /** Subprotocols, where the second argument does not give them. */
  readonly protocols?: string | readonly string[] | undefined;
  /** Only 13 exists (§4.4). */
  readonly protocolVersion?: number | undefined;
  /** Offer to compress messages (RFC 7692). Default true, with the peer's wishes. */
  readonly perMessageDeflate?: boolean | DeflateOptions | null | undefined;
  /** Called with the request before it is sent, and then has to call `request.end()` itself. */
  readonly finishRequest?: ((request: ClientRequest, websocket: WebSocket) => void) | undefined;
}

/** A WebSocket connection: a client's, or one that a server accepted. */
export class WebSocket extends BaseWebSocket {
  declare static readonly CONNECTING: 0;
  declare static readonly OPEN: 1;
  declare static readonly CLOSING: 2;
  declare static readonly CLOSED: 3;

  /**
   * Connects to a ws, wss, http, https or ws+unix URL. Throws SyntaxError for an invalid URL or
   * subprotocol, RangeError for another protocol version, TypeError and RangeError for options of
   * `perMessageDeflate` that make no sense. With `address` null the socket stays
   * CONNECTING until `setSocket` is called: that is how servers make theirs.
   */
  constructor(address: string | URL, options?: ClientOptions);
  constructor(
    address: string | URL,
    protocols?: string | readonly string[] | undefined,
    options?: ClientOptions,
  );
  constructor(
    address: null,
    protocols: undefined,
    options?: SocketOptions & { isServer?: boolean },
  );
  constructor(
    address: string | URL | null,
    protocols?: string | readonly string[] | ClientOptions,
    options?: ClientOptions & { isServer?: boolean },
  ) {
    const isOptions = typeof protocols === 'object' && protocols !== null && !isList(protocols);
    const given = (isOptions ? protocols : options) ?? {};
    if (address === null) {
      super((given as { isServer?: boolean }).isServer === false ? 'client' : 'server', given);
      return;
    }
    super('client', given);
    const version = given.protocolVersion ?? 13;
    if (version !== 13) {
      throw new RangeError(`Unsupported protocol version: ${version} (supported versions: 13)`);
    }
    const url = parseUrl(address);
    const names = isOptions || protocols === undefined ? given.protocols : protocols;
    // §4.1 item 10: null is no name, and is refused as any other that is none.
    const list = names === undefined ? [] : isList(names) ? [...names] : [names as string];
    checkSubprotocols(list);
    const deflate = toDeflateOptions(given.perMessageDeflate, true);
    // The listener may be called before the constructor has returned.
    let opening: Opening | null = null;
    this.connecting(url.href, url.origin, () => opening?.abort());
    opening = new Opening(url, { protocols: list, deflate }, given, {
      onRequest: (request) => {
        given.finishRequest?.(request, this);
        return given.finishRequest !== undefined;
      },
      decidesRedirects: () => this.listenerCount('redirect') > 0,
      onRedirect: (to, request) => {
        this.connecting(to, new URL(to).origin, () => opening?.abort());
        // What a listener throws is no failure of the redirect.
        try {
          this.emit('redirect', to, request);
        } catch (error) {
          throwLater(error);
        }
      },
      onUpgrade: (response) => {
        this.emit('upgrade', response);
        return this.readyState === this.CONNECTING;
      },
      onUnexpectedResponse: (request, response) =>
        this.emit('unexpected-response', request, response),
      onOpen: (socket, head, agreed) => this.setSocket(socket, head, agreed),
      onFail: (error) => this.failConnecting(error),
    });
    // finishRequest may have closed the socket before there was something to give up.
    if (this.readyState !== this.CONNECTING) opening.abort();
  }
}

// Not in the class: a bundler names a class anew that names itself inside, and people see its name.
defineInterface(WebSocket);

function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value);
}
