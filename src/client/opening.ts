// A client's opening handshake (§4.1) over node:http: connect, ask, follow redirects if told to, check
// the answer. Tells its one listener how it ended. Knows no frames.

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import { isIP, connect as netConnect, type Socket, type TcpNetConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { acceptResponse, EXTENSION_NAME, formatOffer } from '../deflate/negotiation.ts';
import type { DeflateOptions } from '../deflate/options.ts';
import { formatExtensions } from '../handshake/extensions.ts';
import { createKey } from '../handshake/key.ts';
import { isProtocolField } from '../handshake/request.ts';
import { checkResponse } from '../handshake/response.ts';
import type { WebSocketUrl } from '../handshake/url.ts';
import type { Agreement } from '../websocket/surface.ts';
import { resolveLocation, sameHost, withoutCredentials } from './redirect.ts';

/**
 * How to connect. Everything else that `https.request` takes (TLS, `localAddress`, `lookup` …) too, but
 * for its `method` and `timeout`, and for what says where to: the address does.
 */
export interface OpeningOptions extends Omit<RequestOptions, 'signal' | 'headers'> {
  /** Further header fields. Those of the handshake (§4.1) but Host are left out. */
  readonly headers?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  /** Value of the Origin field (§4.1 item 8); browsers send one, programs need not. */
  readonly origin?: string | undefined;
  /** Milliseconds for the whole handshake, connecting and redirects included. Default: no limit. */
  readonly handshakeTimeout?: number | undefined;
  /**
   * Follow 3xx answers. Default false. `authorization`, `cookie` and the URL's user are not sent to
   * another host, nor from wss to ws, unless a `redirect` listener is there to decide that; every
   * request has a new key.
   */
  readonly followRedirects?: boolean | undefined;
  /** Most redirects to follow; one more fails the handshake. Default 10. */
  readonly maxRedirects?: number | undefined;
  /** Gives up the handshake when aborted; has no effect once the socket is open. */
  readonly signal?: AbortSignal | undefined;
}

/** What to ask the server for. */
export interface Wishes {
  /** Subprotocols, in order of preference (§4.1 item 10). */
  readonly protocols: readonly string[];
  /** What to offer of permessage-deflate (RFC 7692 §5); null for not to offer it. */
  readonly deflate: DeflateOptions | null;
}

/** How it went. Exactly one of `onOpen` and `onFail` is called, unless `abort` comes first. */
export interface OpeningListener {
  /** The request is about to be sent; true if the listener sends it (`request.end()`) itself. */
  onRequest(request: ClientRequest): boolean;
  /** Whether the application decides for itself what may travel with a redirect. */
  decidesRedirects(): boolean;
  onRedirect(url: string, request: ClientRequest): void;
  /** A 101 came and has not been checked; false to give up. */
  onUpgrade(response: IncomingMessage): boolean;
  /** Another status came; true if the listener deals with it. */
  onUnexpectedResponse(request: ClientRequest, response: IncomingMessage): boolean;
  onOpen(socket: Duplex, head: Buffer, agreed: Agreement): void;
  onFail(error: Error): void;
}

/** One opening handshake, begun by its constructor. */
export class Opening {
  readonly #options: OpeningOptions;
  readonly #wishes: Wishes;
  readonly #listener: OpeningListener;
  readonly #first: WebSocketUrl;
  #url: WebSocketUrl;
  #request: ClientRequest | null = null;
  #redirects = 0;
  /** A redirect has led to where the first host's credentials must not go, be it only on the way. */
  #strayed = false;
  #timer: NodeJS.Timeout | null = null;
  #done = false;

  /** Throws what node:http throws for options and header fields that cannot be sent. */
  constructor(
    url: WebSocketUrl,
    wishes: Wishes,
    options: OpeningOptions,
    listener: OpeningListener,
  ) {
    this.#url = url;
    this.#first = url;
    this.#wishes = wishes;
    this.#options = options;
    this.#listener = listener;
    const timeout = options.handshakeTimeout ?? 0;
    if (timeout > 0) {
      const error = 'Opening handshake has timed out';
      this.#timer = setTimeout(() => this.#fail(new Error(error)), Math.min(timeout, LONGEST));
    }
    if (options.signal?.aborted) {
      this.#onAbort();
      return;
    }
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
    try {
      this.#send();
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  /** Gives up; nothing is called any more. */
  abort(): void {
    this.#finish();
    this.#drop();
  }

  /** The listener is told later, so that no event comes out of the constructor or of `abort()`. */
  readonly #onAbort = (): void => {
    this.abort();
    process.nextTick(() => this.#listener.onFail(abortError(this.#options.signal)));
  };

  #send(): void {
    const url = this.#url;
    // §4.1 item 7: a new key for every request.
    const key = createKey();
    const request = ask(url.secure, this.#requestOptions(url, key));
    this.#request = request;
    request.on('error', (error) => {
      if (request === this.#request) this.#fail(error);
    });
    request.on('response', (response) => this.#onResponse(request, response));
    request.on('upgrade', (response, socket, head) => {
      this.#onUpgrade(response, socket, head, key);
    });
    if (this.#redirects > 0) this.#listener.onRedirect(url.href, request);
    // The listener may have given up.
    if (this.#done) return;
    if (!this.#listener.onRequest(request)) request.end();
  }

  #requestOptions(url: WebSocketUrl, key: string): RequestOptions {
    const { headers: _headers, origin: _origin, signal: _signal, ...options } = this.#options;
    const fields = this.#givenFields();
    // node:http leaves it out where the application has set an Authorization field itself.
    let auth = userOf(url);
    this.#strayed ||= this.#isElsewhere(url);
    if (this.#strayed && !this.#listener.decidesRedirects()) {
      withoutCredentials(fields, sameHost(url, this.#first));
    } else {
      // The user that the application named stays the one, whatever a Location says.
      auth = userOf(this.#first) ?? options.auth ?? auth;
    }
    return {
      ...options,
      createConnection: options.createConnection ?? (url.secure ? connectTls : connectTcp),
      defaultPort: url.secure ? 443 : 80,
      method: 'GET',
      protocol: undefined,
      hostname: undefined,
      timeout: undefined,
      host: url.hostname,
      port: url.port,
      path: url.resourceName,
      socketPath: url.socketPath,
      auth,
      // §4.1 item 4: Host may name a virtual host.
      headers: { ...fields, host: fields.host ?? url.host, ...this.#handshakeFields(key) },
    } as RequestOptions;
  }

  /** The application's fields, by lower-case name. */
  #givenFields(): Record<string, string | number | readonly string[]> {
    const { headers, origin } = this.#options;
    const fields: Record<string, string | number | readonly string[]> = Object.create(null);
    for (const [name, value] of Object.entries(headers ?? {})) {
      // §4.1: the fields of the handshake are ours to set, but for the name of a virtual host.
      const isHost = name.toLowerCase() === 'host' && typeof value === 'string';
      if (value !== undefined && (isHost || !isProtocolField(name))) {
        fields[name.toLowerCase()] = value;
      }
    }
    if (origin) fields.origin = origin;
    return fields;
  }

  /** §4.1 items 5 to 7 and 9 to 11. */
  #handshakeFields(key: string): Record<string, string> {
    const { protocols, deflate } = this.#wishes;
    return {
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': key,
      ...(protocols.length > 0 && { 'Sec-WebSocket-Protocol': protocols.join(',') }),
      ...(deflate !== null && {
        'Sec-WebSocket-Extensions': formatExtensions([formatOffer(deflate)]),
      }),
    };
  }

  /** Another host, or what was encrypted no longer is. */
  #isElsewhere(url: WebSocketUrl): boolean {
    return !sameHost(url, this.#first) || (this.#first.secure && !url.secure);
  }

  #onResponse(request: ClientRequest, response: IncomingMessage): void {
    if (this.#done) return;
    const { statusCode = 0, headers } = response;
    if (
      this.#options.followRedirects &&
      statusCode >= 300 &&
      statusCode < 400 &&
      headers.location
    ) {
      this.#redirect(headers.location);
      return;
    }
    // §4.1: any status but 101 is HTTP's matter, and the application's.
    if (this.#listener.onUnexpectedResponse(request, response)) {
      if (this.#timer !== null) clearTimeout(this.#timer);
      return;
    }
    this.#fail(new Error(`Unexpected server response: ${statusCode}`));
  }

  #redirect(location: string): void {
    this.#drop();
    if (++this.#redirects > (this.#options.maxRedirects ?? 10)) {
      this.#fail(new Error('Maximum redirects exceeded'));
      return;
    }
    try {
      this.#url = resolveLocation(location, this.#url);
      this.#send();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #onUpgrade(response: IncomingMessage, socket: Duplex, head: Buffer, key: string): void {
    if (this.#done || !this.#listener.onUpgrade(response)) {
      socket.destroy();
      return;
    }
    let agreed: Agreement;
    try {
      // §4.1: what a server must answer; anything else fails the connection.
      agreed = this.#check(response, key);
    } catch (error) {
      socket.on('error', ignore).destroy();
      this.#fail(error as Error);
      return;
    }
    this.#finish();
    this.#listener.onOpen(socket, head, agreed);
  }

  #check(response: IncomingMessage, key: string): Agreement {
    const { protocols, deflate } = this.#wishes;
    const offered = deflate === null ? [] : [EXTENSION_NAME];
    const { protocol, extensions } = checkResponse(response, {
      key,
      protocols,
      extensions: offered,
    });
    const parameters = deflate && acceptResponse(extensions, deflate);
    if (!parameters) return { protocol };
    return { protocol, extensions: EXTENSION_NAME, deflate: { parameters, options: deflate } };
  }

  #fail(error: Error): void {
    if (this.#done) return;
    this.#finish();
    this.#drop();
    this.#listener.onFail(error);
  }

  #finish(): void {
    this.#done = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
  }

  #drop(): void {
    const request = this.#request;
    this.#request = null;
    if (request === null) return;
    request.on('error', ignore);
    // Takes the socket along, unless the answer has been read to its end: then that is back with its
    // agent and perhaps another's by now, but nobody's where there is no agent.
    request.destroy();
    if (!this.#options.agent) request.socket?.destroy();
  }
}

/** The longest that a timer of Node's can wait; it takes more for 1 ms. */
const LONGEST = 2 ** 31 - 1;

/** User and password of the URL, where it has any. */
function userOf({ username, password }: WebSocketUrl): string | undefined {
  return username || password ? `${username}:${password}` : undefined;
}

/** The error that Node's own functions give when their signal is aborted. */
function abortError(signal: AbortSignal | undefined): Error {
  const error = new Error('The operation was aborted', { cause: signal?.reason });
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' });
}

function ignore(): void {}

/** Loads what it takes only now, as TLS takes longer to load than all of this package. */
function ask(secure: boolean, options: RequestOptions): ClientRequest {
  return secure
    ? process.getBuiltinModule('node:https').request(options)
    : process.getBuiltinModule('node:http').request(options);
}

function connectTcp(options: RequestOptions): Socket {
  return netConnect({ ...options, path: options.socketPath } as TcpNetConnectOpts);
}

/** §4.1 item 5, RFC 6066 §3: the server's name goes into the TLS handshake, an address does not. */
function connectTls(options: RequestOptions): Duplex {
  const host = options.host ?? '';
  const servername = options.servername ?? (isIP(host) ? '' : host);
  const { connect } = process.getBuiltinModule('node:tls');
  return connect({ ...options, path: undefined, servername } as TlsOptions);
}
