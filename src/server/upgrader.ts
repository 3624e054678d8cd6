// The server's side of the opening handshake (§4.2): a request to upgrade comes in; a refusal goes out, or
// a 101 and behind it an open socket. Knows neither where requests come from nor what becomes of sockets.

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ClientOptions, WebSocket } from '../client/websocket.ts';
import { acceptOffer, EXTENSION_NAME } from '../deflate/negotiation.ts';
import { toDeflateOptions } from '../deflate/options.ts';
import { HandshakeError } from '../errors.ts';
import type { Extension } from '../handshake/extensions.ts';
import { checkRequest, type UpgradeRequest } from '../handshake/request.ts';
import { formatAccept, formatResponse, joinLines } from '../handshake/response.ts';
import type { Agreement } from '../websocket/surface.ts';
import { findOriginFault, verify } from './admission.ts';
import type { ServerOptions, VerifyCallback } from './options.ts';
import { abandon, refuse } from './refusal.ts';

/** What the server is asked and told about a handshake. */
export interface UpgraderEvents<Socket extends WebSocket> {
  /** The server's options; asked anew whenever something hangs on them. */
  options(): ServerOptions<Socket>;
  /** Whether the server takes new connections. */
  isRunning(): boolean;
  /** Whether a request is for this server. */
  shouldHandle(request: IncomingMessage): boolean;
  /** A request that is no valid opening handshake; true if somebody else answers it. */
  onFault(error: HandshakeError, socket: Duplex, request: IncomingMessage): boolean;
  /** The lines of the 101; true if somebody has seen them, and may have changed them. */
  onHeaders(lines: string[], request: IncomingMessage): boolean;
  /** The application failed over a request, which has been answered with 500. */
  onBroken(error: unknown): void;
  /** A socket is open; whoever asked for it gets it next. */
  onOpen(client: Socket): void;
}

/** Gets the open socket. */
export type UpgradeCallback<Socket> = (socket: Socket, request: IncomingMessage) => void;

type WebSocketClass = new (
  address: null,
  protocols: undefined,
  options?: ClientOptions,
) => WebSocket;

/** A valid request to upgrade, and what it came with. */
interface Attempt<Socket> {
  readonly asked: UpgradeRequest;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly callback: UpgradeCallback<Socket>;
}

/** What goes to the client, and what it means for our socket. */
interface Answer {
  readonly response: string;
  readonly agreed: Agreement;
}

/** Marks sockets that have been upgraded, so that none is upgraded twice. */
const UPGRADED = Symbol('upgraded');
type MarkedDuplex = Duplex & { [UPGRADED]?: boolean };

/** Answers the requests of one server. */
export class Upgrader<Socket extends WebSocket> {
  readonly #events: UpgraderEvents<Socket>;
  /** Sockets on which `verifyClient` has not decided. */
  readonly #undecided = new Set<Duplex>();

  constructor(events: UpgraderEvents<Socket>) {
    this.#events = events;
  }

  /** Completes or refuses a handshake, see WebSocketServer.handleUpgrade. */
  upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: UpgradeCallback<Socket>,
  ): void {
    // Before anything is answered: an answer would land among the frames.
    checkFresh(socket);
    if (socket.listenerCount('error', abandon) === 0) socket.on('error', abandon);
    let asked: UpgradeRequest;
    try {
      asked = checkRequest(request);
    } catch (error) {
      this.#refuseFault(error, socket, request);
      return;
    }
    if (!this.#events.shouldHandle(request)) {
      refuse(socket, 400);
      return;
    }
    const options = this.#events.options();
    const complaint = findOriginFault(asked, options);
    if (complaint !== null) {
      refuse(socket, 403, complaint);
      return;
    }
    const attempt = { asked, request, socket, head, callback };
    if (options.verifyClient) this.#decide(attempt);
    else this.#complete(attempt);
  }

  /** Drops the sockets on which `verifyClient` has not decided. */
  dropUndecided(): void {
    for (const socket of this.#undecided) socket.destroy();
  }

  #decide(attempt: Attempt<Socket>): void {
    const { asked, request, socket } = attempt;
    this.#undecided.add(socket);
    const onVerdict: VerifyCallback = (verified, code, message, headers) => {
      // Only the first verdict counts: what a second one wrote would land among the frames.
      if (!this.#undecided.delete(socket)) return;
      if (verified) {
        this.#complete(attempt);
        return;
      }
      try {
        refuse(socket, code || 401, message, headers);
      } catch (error) {
        this.#refuseBroken(socket, error);
      }
    };
    const onBroken = (error: unknown): void => {
      // Behind a verdict it is a listener of `connection` that threw, and none of our business.
      if (!this.#undecided.delete(socket)) throw error;
      this.#refuseBroken(socket, error);
    };
    try {
      verify(request, asked.origin, this.#events.options(), onVerdict, onBroken);
    } catch (error) {
      onBroken(error);
    }
  }

  #complete({ asked, request, socket, head, callback }: Attempt<Socket>): void {
    // The client has gone already.
    if (!socket.readable || !socket.writable) {
      socket.destroy();
      return;
    }
    checkFresh(socket);
    if (!this.#events.isRunning()) {
      refuse(socket, 503);
      return;
    }
    (socket as MarkedDuplex)[UPGRADED] = true;
    let answer: Answer | null;
    try {
      answer = this.#answer(asked, request);
    } catch (error) {
      this.#refuseBroken(socket, error);
      return;
    }
    if (answer === null) {
      refuse(socket, 500, 'handleProtocols chose a subprotocol that the client had not named');
      return;
    }
    socket.write(answer.response, 'latin1');
    callback(this.#open(socket, head, answer.agreed), request);
  }

  /** §4.2.2: the 101, and what it agrees to; null if the application chose what it may not. */
  #answer(asked: UpgradeRequest, request: IncomingMessage): Answer | null {
    const options = this.#events.options();
    const protocol = chooseProtocol(asked.protocols, options.handleProtocols, request);
    if (protocol === null) return null;
    let agreed: Agreement = { protocol };
    const extensions: Extension[] = [];
    const wanted = toDeflateOptions(options.perMessageDeflate, false);
    const accepted = wanted && acceptOffer(asked.extensions, wanted);
    if (accepted) {
      const deflate = { parameters: accepted.parameters, options: wanted };
      extensions.push(accepted.response);
      agreed = { protocol, extensions: EXTENSION_NAME, deflate };
    }
    const lines = formatAccept({ key: asked.key, protocol, extensions });
    // Only what others may have changed has to be looked at again.
    const isSeen = this.#events.onHeaders(lines, request);
    return { response: isSeen ? formatResponse(lines) : joinLines(lines), agreed };
  }

  #open(socket: Duplex, head: Buffer, agreed: Agreement): Socket {
    const options = this.#events.options();
    const Class = (options.WebSocket ?? WebSocket) as unknown as WebSocketClass;
    const client = new Class(null, undefined, options as ClientOptions) as Socket;
    socket.removeListener('error', abandon);
    client.setSocket(socket, head, agreed);
    this.#events.onOpen(client);
    return client;
  }

  #refuseFault(error: unknown, socket: Duplex, request: IncomingMessage): void {
    if (!(error instanceof HandshakeError)) throw error;
    if (this.#events.onFault(error, socket, request)) return;
    refuse(socket, error.status, error.message, error.headers);
  }

  /** The application failed over this request. That must not end the process: a client chose it. */
  #refuseBroken(socket: Duplex, error: unknown): void {
    refuse(socket, 500);
    this.#events.onBroken(error);
  }
}

/** §4.2.2: one of those that the client named, '' for none; null if the application broke that. */
function chooseProtocol(
  protocols: Set<string>,
  handleProtocols: ServerOptions['handleProtocols'],
  request: IncomingMessage,
): string | null {
  if (protocols.size === 0) return '';
  const first = protocols.values().next().value as string;
  const protocol = handleProtocols ? handleProtocols(protocols, request) : first;
  if (!protocol) return '';
  return protocols.has(protocol) ? protocol : null;
}

function checkFresh(socket: MarkedDuplex): void {
  if (socket[UPGRADED]) {
    throw new Error(
      'server.handleUpgrade() was called more than once with the same socket, possibly due to a misconfiguration',
    );
  }
}
