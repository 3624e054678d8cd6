// WebSocketServer: has sockets upgraded (§4.2) that come from a listener of its own, from an HTTP server,
// or from the application, keeps count of the connections, and ends. Nothing here knows frames.

import { EventEmitter } from 'node:events';
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo, ListenOptions } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WebSocket } from '../client/websocket.ts';
import { PreparedMessage, type PreparedOptions } from '../connection/prepared.ts';
import { toDeflateOptions } from '../deflate/options.ts';
import { parseTarget } from '../handshake/target.ts';
import { Clients } from './clients.ts';
import { createAnsweringServer, Listener } from './listener.ts';
import type { ServerEvents, ServerOptions, ShutdownOptions } from './options.ts';
import { abandon, refuse } from './refusal.ts';
import { claim, decline, register } from './sharing.ts';
import { type UpgradeCallback, Upgrader } from './upgrader.ts';

/** A WebSocket server. */
export class WebSocketServer<Socket extends WebSocket = WebSocket>
  extends EventEmitter<ServerEvents<Socket>>
  implements AsyncDisposable
{
  /** As given, defaults filled in. Handlers in it are read anew for every handshake. */
  readonly options: ServerOptions<Socket>;
  #clients: Clients<Socket> | undefined;
  #listener: Listener | null = null;
  #answering: HttpServer | null = null;
  #httpServer: HttpServer | HttpsServer | null = null;
  #removeListeners: () => void = () => {};
  #state: 'running' | 'closing' | 'closed' = 'running';
  /** Emit `close` when the last client has gone. */
  #closesWithClients = false;
  readonly #upgrader: Upgrader<Socket> = new Upgrader<Socket>({
    options: () => this.options,
    isRunning: () => this.#state === 'running',
    shouldHandle: (request) => this.shouldHandle(request),
    onFault: (error, socket, request) => {
      if (this.listenerCount('wsClientError') === 0) return false;
      this.emit('wsClientError', error, socket, request);
      return true;
    },
    onHeaders: (lines, request) => this.emit('headers', lines, request),
    onBroken: (error) => this.#report(error),
    onOpen: (client) => this.#remember(client),
  });

  /**
   * Throws TypeError unless exactly one of `port`, `server` and `noServer` is given, and for options
   * of `perMessageDeflate` that make no sense.
   */
  constructor(options: ServerOptions<Socket>, callback?: () => void) {
    super();
    const given = { ...options };
    this.options = given;
    const modes = [given.port != null, Boolean(given.server), Boolean(given.noServer)];
    if (modes.filter(Boolean).length !== 1) {
      throw new TypeError(
        'One and only one of the "port", "server", or "noServer" options must be specified',
      );
    }
    toDeflateOptions(given.perMessageDeflate, false);
    given.clientTracking ??= true;
    if (given.clientTracking) this.#clients = new Clients();
    if (given.port != null) this.#listen(given.port, callback);
    else if (given.server) this.#attach(given.server);
  }

  /** The open connections, always the same Set, kept up to date; undefined without `clientTracking`. */
  get clients(): Set<Socket> {
    return this.#clients?.set as Set<Socket>;
  }

  set clients(clients: Set<Socket>) {
    this.#clients = new Clients(clients);
  }

  /** Address, family and port of the listening socket, or a pipe's name; null while not listening. */
  address(): AddressInfo | string | null {
    if (this.options.noServer) throw new Error('The server is operating in "noServer" mode');
    return (this.#listener?.server ?? this.#httpServer)?.address() ?? null;
  }

  /**
   * Takes no new connections; open ones stay (see `shutdown`). `close` is emitted, and `callback`
   * called, when all have ended; an HTTP server that was given goes on.
   */
  close(callback?: (error?: Error) => void): void {
    if (this.#state === 'closed') {
      if (callback) this.once('close', () => callback(new Error('The server is not running')));
      process.nextTick(() => this.#emitClose());
      return;
    }
    if (callback) this.once('close', () => callback());
    if (this.#state === 'closing') return;
    this.#state = 'closing';
    this.#removeListeners();
    this.#httpServer = null;
    if (this.#listener !== null) {
      this.#listener.dropReading();
      // It listens on nothing: this ends its idle connections, and its own timer.
      this.#answering?.close();
      // Node closes the listening socket before the last connection's `close` has been heard.
      this.#listener.server.close(() => this.#closeWithClients());
    } else {
      process.nextTick(() => this.#closeWithClients());
    }
  }

  /**
   * Sends a message to every open connection, encoded once for all and compressed once for all that
   * compress alike. Returns to how many. Throws TypeError without `clientTracking`, and for what
   * cannot be sent. For a part of the connections send a PreparedMessage to each.
   */
  broadcast(
    data: PreparedMessage | string | ArrayBuffer | ArrayBufferView,
    options?: PreparedOptions,
  ): number {
    if (this.clients === undefined) {
      throw new TypeError('broadcast() has to know the connections: leave clientTracking on');
    }
    const message = data instanceof PreparedMessage ? data : new PreparedMessage(data, options);
    let count = 0;
    for (const client of this.clients) {
      if (client.readyState !== client.OPEN) continue;
      client.send(message);
      count++;
    }
    return count;
  }

  /**
   * Closes the server and all of its connections: each gets a Close frame (§7.4.1: 1001), those that
   * have not ended after `timeout` milliseconds are dropped. Resolves when all are gone. Rejects with
   * TypeError without `clientTracking`, and with what `close` of a connection throws for such a code or
   * reason: then everything goes on.
   */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    const { code = 1001, reason = '', timeout = 10_000 } = options;
    if (this.clients === undefined) {
      throw new TypeError('shutdown() has to know the connections: leave clientTracking on');
    }
    // Throws at the first one if it throws, and then nothing has been begun.
    for (const client of this.clients) client.close(code, reason);
    const closed = new Promise<void>((resolve) => this.once('close', () => resolve()));
    const timer = setTimeout(() => {
      for (const client of this.clients) client.terminate();
      this.#upgrader.dropUndecided();
      this.#answering?.closeAllConnections();
    }, timeout);
    this.close();
    await closed;
    clearTimeout(timer);
  }

  /** `await using`: `shutdown()` with its defaults. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state !== 'closed') await this.shutdown();
  }

  /** Whether a request is for this server: by `path`. May be overridden. */
  shouldHandle(request: IncomingMessage): boolean {
    const { path } = this.options;
    if (!path) return true;
    // §4.2.1: the target may be an absolute URI; it names the same resource.
    const target = request.url ?? '';
    const name = parseTarget(target)?.resourceName ?? target;
    const query = name.indexOf('?');
    return (query === -1 ? name : name.slice(0, query)) === path;
  }

  /**
   * Completes or refuses the opening handshake that `request` began (§4.2). `head` holds what came
   * behind the request; `callback` gets the open socket. Throws Error when the socket has been
   * upgraded before.
   */
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: UpgradeCallback<Socket>,
  ): void {
    this.#upgrader.upgrade(request, socket, head, callback);
  }

  #listen(port: number, callback: (() => void) | undefined): void {
    const { options } = this;
    const maxHeaderSize = options.maxHeaderSize ?? 16_384;
    const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void =>
      this.handleUpgrade(request, socket, head, this.#emitConnection);
    this.#listener = new Listener(
      {
        handshakeTimeout: options.handshakeTimeout ?? 10_000,
        maxHeaderSize,
        tls: options.tls,
      },
      {
        onUpgrade: upgrade,
        isImmediate: () =>
          !options.verifyClient &&
          this.listenerCount('wsClientError') === 0 &&
          this.handleUpgrade === HANDLE_UPGRADE,
        httpServer: () => {
          if (this.listenerCount('request') === 0) return null;
          this.#answering ??= createAnsweringServer(maxHeaderSize, upgrade).on(
            'request',
            (request, response) => this.emit('request', request, response),
          );
          return this.#answering;
        },
      },
    );
    const { server } = this.#listener;
    server.on('listening', () => this.emit('listening'));
    server.on('error', (error) => this.emit('error', error));
    const where: ListenOptions = { port };
    if (options.host != null) where.host = options.host;
    if (options.backlog != null) where.backlog = options.backlog;
    server.listen(where, callback);
  }

  #attach(server: HttpServer | HttpsServer): void {
    const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      if (this.shouldHandle(request)) {
        if (claim(request)) this.handleUpgrade(request, socket, head, this.#emitConnection);
      } else if (decline(request, server)) {
        socket.on('error', abandon);
        refuse(socket, 400);
      }
    };
    const onListening = (): void => void this.emit('listening');
    const onError = (error: Error): void => void this.emit('error', error);
    register(onUpgrade);
    server.on('upgrade', onUpgrade).on('listening', onListening).on('error', onError);
    this.#httpServer = server;
    this.#removeListeners = () => {
      server.off('upgrade', onUpgrade).off('listening', onListening).off('error', onError);
    };
  }

  #remember(client: Socket): void {
    if (this.#clients === undefined) return;
    this.#clients.add(client);
    client.on('close', this.#forget);
  }

  /** One listener for all sockets, which is called with the socket as `this`. */
  readonly #forget = ((server: this) =>
    function (this: WebSocket): void {
      server.#clients?.delete(this as Socket);
      if (server.#closesWithClients && server.#clients?.size === 0) {
        process.nextTick(() => server.#emitClose());
      }
    })(this);

  readonly #emitConnection = (socket: Socket, request: IncomingMessage): void => {
    this.emit('connection', socket, request);
  };

  /** What the application did wrong while a request was answered, which must not end the process. */
  #report(error: unknown): void {
    if (this.listenerCount('error') > 0) this.emit('error', error as Error);
    else process.emitWarning(error instanceof Error ? error : String(error));
  }

  #closeWithClients(): void {
    if (this.#clients?.size) this.#closesWithClients = true;
    else this.#emitClose();
  }

  #emitClose(): void {
    this.#state = 'closed';
    this.emit('close');
  }
}

/** What somebody may have put a method of his own in the place of. */
const HANDLE_UPGRADE = WebSocketServer.prototype.handleUpgrade;
