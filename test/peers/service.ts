// Service: the Server that every conversation talks to, over the ws package's interface. Knows the
// paths and what each does; python_server.py holds the same ones for the other interpreter.

import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type RequestListener,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Api, ApiServer, ApiSocket, DeflateWishes, Verdict } from './api.ts';
import type { Certificate } from './certificate.ts';
import { type Account, type Feature, Later, type Server, type Traffic } from './conversation.ts';

export interface ServiceOptions {
  /** Who reads the opening handshakes: an HTTP server, or the WebSocket server by itself. */
  readonly listener?: 'http' | 'own';
  /** False by default, for either implementation. */
  readonly perMessageDeflate?: boolean | DeflateWishes;
  /** The origins that `/guarded` welcomes, instead of that of its own host. */
  readonly origins?: readonly string[];
  /** Speak TLS with this. */
  readonly certificate?: Certificate;
  /** Answers requests that are not upgrades. */
  readonly onRequest?: RequestListener;
}

/** What the service can do and show when the subject holds it behind an HTTP server. */
export const serviceFeatures: readonly Feature[] = [
  'checks-origin',
  'no-code',
  'plain',
  'prepared',
  'same-host',
  'was-clean',
];

/** The same without `/guarded`, which takes two servers on one port. */
export const ownListenerFeatures: readonly Feature[] = ['no-code', 'plain', 'was-clean'];

/** The credentials that `/private` asks for. */
export const credentials = `Basic ${Buffer.from('ada:lovelace').toString('base64')}`;

/** The subprotocols that `/echo` knows. */
const subprotocols = ['chat.v2', 'superchat'];

type Behaviour = (socket: ApiSocket, query: URLSearchParams, api: Api) => void;

/**
 * What it does is chosen by the path of the request:
 *
 * - `/echo` sends every message back, `/private` does so after credentials (else 401)
 * - `/mixed` does so too, but leaves uncompressed what begins with `plain`, and prepares what
 *   begins with `ready`, where messages can be prepared
 * - `/fragments` echoes in three frames, with a Ping after the first
 * - `/ping` pings with the message's bytes, then sends those of the Pong as text
 * - `/hex` answers a text with its bytes as hexadecimal
 * - `/greet` speaks first; `/guarded` does so too, on a server that leaves the Origin to the
 *   implementation; `/burst?count=` sends that many and closes with 1000
 * - `/close?code=&reason=` closes at the first message, `/cut` drops the transport there
 * - `/moved` is redirected to `/echo`; anything else is 404
 */
export class Service implements Server {
  readonly #api: Api;
  readonly #http: HttpServer | null;
  readonly #sockets: ApiServer;
  readonly #guarded: ApiServer | null;
  readonly #scheme: 'ws' | 'wss';
  readonly #accounts = new Map<string, Later<Account>>();
  readonly #transports = new Map<string, Socket>();

  private constructor(api: Api, options: ServiceOptions) {
    const { certificate, listener = 'http', onRequest } = options;
    this.#api = api;
    this.#scheme = certificate === undefined ? 'ws' : 'wss';
    const own = { port: 0, host: '127.0.0.1', ...(certificate && { tls: certificate }) };
    this.#http = listener === 'own' ? null : createHttp(certificate);
    this.#http?.on('request', onRequest ?? ((_, response) => response.end('plain HTTP')));
    this.#sockets = new api.WebSocketServer({
      ...(this.#http === null ? own : { server: this.#http }),
      perMessageDeflate: options.perMessageDeflate ?? false,
      handleProtocols: (offered) => [...offered].find((p) => subprotocols.includes(p)) ?? false,
      verifyClient: ({ req }, answer) => decide(req, answer),
    });
    this.#sockets.on('connection', (socket, request) => this.#serve(socket, request));
    if (this.#http === null && onRequest) this.#sockets.on('request', onRequest);
    this.#guarded =
      api.guards && this.#http !== null ? this.#guard(api, this.#http, options.origins) : null;
  }

  /** Listens on a free port of the loopback. */
  static async start(api: Api, options: ServiceOptions = {}): Promise<Service> {
    const service = new Service(api, options);
    const listening = new Promise<void>((resolve) => service.#sockets.on('listening', resolve));
    service.#http?.listen(0, '127.0.0.1');
    await listening;
    return service;
  }

  get port(): number {
    return (this.#sockets.address() as AddressInfo).port;
  }

  url(path: string): string {
    return `${this.#scheme}://127.0.0.1:${this.port}${path}`;
  }

  ended(id: string): Promise<Account> {
    return this.#account(id).promise;
  }

  traffic(id: string): Traffic {
    const { bytesRead = 0, bytesWritten = 0 } = this.#transports.get(id) ?? {};
    return { fromClient: bytesRead, fromServer: bytesWritten };
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    for (const socket of this.#guarded?.clients ?? []) socket.terminate();
    this.#guarded?.close();
    await new Promise<void>((resolve) => this.#sockets.close(() => resolve()));
    this.#http?.closeAllConnections();
    if (this.#http?.listening) await new Promise((resolve) => this.#http?.close(resolve));
  }

  /** A second server on the same port: no `verifyClient`, so the default policy applies. */
  #guard(api: Api, server: HttpServer, origins: readonly string[] | undefined): ApiServer {
    this.#sockets.shouldHandle = ({ url }) => pathOf(url) !== '/guarded';
    const guarded = new api.WebSocketServer({
      server,
      path: '/guarded',
      ...(origins && { origins }),
    });
    guarded.on('connection', (socket, request) => this.#serve(socket, request));
    return guarded;
  }

  #account(id: string): Later<Account> {
    const known = this.#accounts.get(id) ?? new Later<Account>();
    this.#accounts.set(id, known);
    return known;
  }

  #serve(socket: ApiSocket, request: IncomingMessage): void {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://service');
    const id = searchParams.get('id') ?? '';
    this.#transports.set(id, request.socket);
    let messages = 0;
    socket.on('message', () => {
      messages += 1;
    });
    // An abnormal end may be reported as an error before 'close'; the account is what is asserted.
    socket.on('error', () => {});
    socket.addEventListener('close', ({ code, reason, wasClean }) => {
      const { extensions } = socket;
      this.#account(id).settle({ code, reason, wasClean, messages, extensions });
    });
    behaviours.get(pathname)?.(socket, searchParams, this.#api);
  }
}

function createHttp(certificate: Certificate | undefined): HttpServer {
  return certificate === undefined ? createServer() : createTlsServer(certificate);
}

function pathOf(url: string | undefined): string {
  return new URL(url ?? '', 'http://service').pathname;
}

function decide(request: IncomingMessage, answer: Verdict): void {
  const pathname = pathOf(request.url);
  if (pathname === '/moved') {
    answer(false, 302, 'Moved', { Location: '/echo' });
  } else if (pathname === '/private' && request.headers.authorization !== credentials) {
    answer(false, 401, 'Who are you?', { 'WWW-Authenticate': 'Basic realm="peers"' });
  } else if (behaviours.has(pathname)) {
    answer(true);
  } else {
    answer(false, 404, 'No such service');
  }
}

const echo: Behaviour = (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
};

const mixed: Behaviour = (socket, _, { PreparedMessage }) => {
  socket.on('message', (data, binary) => {
    const start = data.subarray(0, 5).toString('latin1');
    if (start === 'ready' && PreparedMessage) socket.send(new PreparedMessage(data, { binary }));
    else socket.send(data, { binary, compress: start !== 'plain' });
  });
};

const greet: Behaviour = (socket) => socket.send('welcome');

const behaviours = new Map<string, Behaviour>([
  ['/echo', echo],
  ['/private', echo],
  ['/mixed', mixed],
  ['/guarded', greet],
  [
    '/fragments',
    (socket) => {
      socket.on('message', (data, binary) => {
        // Cut by bytes, not by characters: a frame may end inside a sequence (§5.6).
        const [first, second] = [Math.ceil(data.length / 3), Math.ceil((data.length * 2) / 3)];
        socket.send(data.subarray(0, first), { fin: false, binary });
        socket.once('pong', () => {
          socket.send(data.subarray(first, second), { fin: false, binary });
          socket.send(data.subarray(second), { fin: true, binary });
        });
        socket.ping(Buffer.from('between'));
      });
    },
  ],
  [
    '/ping',
    (socket) => {
      socket.on('message', (data) => socket.ping(data));
      socket.on('pong', (data) => socket.send(data.toString()));
    },
  ],
  [
    '/hex',
    (socket) => {
      // Through a string: what is asked for is what an application gets to see.
      socket.on('message', (data) => socket.send(Buffer.from(data.toString()).toString('hex')));
    },
  ],
  ['/greet', greet],
  [
    '/burst',
    (socket, query) => {
      const count = Number(query.get('count'));
      for (let index = 0; index < count; index += 1) socket.send(`message ${index}`);
      socket.close(1000, 'all sent');
    },
  ],
  [
    '/close',
    (socket, query) => {
      const code = query.get('code');
      socket.on('message', () => {
        if (code === null) socket.close();
        else socket.close(Number(code), query.get('reason') ?? '');
      });
    },
  ],
  ['/cut', (socket) => socket.on('message', () => socket.terminate())],
]);
