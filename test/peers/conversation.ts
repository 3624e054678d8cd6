// Conversation: one WebSocket connection as the exchanges see it, whichever implementation stands
// at either end. Client opens conversations, Server holds the service they talk to. Nothing here
// knows how a message is sent.

/** A text message is a string, a binary one a Buffer. */
export type Message = string | Buffer;

/** How a connection ended, as one of its ends reports it (§7.1.5, §7.1.6). */
export interface Ending {
  readonly code: number;
  readonly reason: string;
  /** Absent where the implementation does not show it. */
  readonly wasClean?: boolean;
}

/** The server's account of one conversation. */
export interface Account extends Ending {
  /** Messages received before the end. */
  readonly messages: number;
  /** The extensions in use, as the implementation shows them: '' for none. */
  readonly extensions: string;
}

/** Bytes that the transport of one conversation has carried so far, the handshake's included. */
export interface Traffic {
  readonly fromClient: number;
  readonly fromServer: number;
}

/** What an implementation's interface can do or show; the exchanges choose by it. */
export type Feature =
  | 'any-code' // sends every close code, not only 1000 and 3000-4999
  | 'checks-origin' // as a server: refuses foreign origins
  | 'cut' // drops the transport without a Close
  | 'drops-bom' // hides the BOM that a received text begins with
  | 'fragments' // sends a message in frames of its caller's choice
  | 'headers' // sets headers of the handshake
  | 'misses-close' // overlooks a Close, and that the transport ends, while it inflates a message
  | 'no-code' // closes without a code
  | 'origin' // sets the Origin header freely
  | 'parameters' // shows with what parameters an extension is in use
  | 'ping' // sends a Ping and shows its Pong
  | 'plain' // sends a message uncompressed where compression is in use
  | 'prepared' // as a server: sends messages that were compressed once, for many
  | 'redirects' // follows a redirect by itself
  | 'same-host' // as a server: accepts an Origin of its own host
  | 'status' // shows the HTTP status of a refused handshake
  | 'was-clean';

export interface ConnectOptions {
  readonly protocols?: readonly string[];
  readonly origin?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Conversation {
  /** The subprotocol in use, '' for none. */
  readonly protocol: string;
  /** The extensions in use with their parameters, '' for none. */
  readonly extensions: string;
  /** Absent where the implementation does not show it. */
  traffic?(): Traffic;
  send(messages: readonly Message[]): Promise<void>;
  /** The next `count` messages; rejects when the connection ends before. */
  /** Without compression, whatever was agreed on. */
  sendPlain(messages: readonly Message[]): Promise<void>;
  receive(count: number): Promise<Message[]>;
  /** One message in several frames, with a Ping after the first; the payload of its Pong. */
  sendFragments(parts: readonly Message[], ping: Buffer): Promise<Buffer>;
  /** Pings and returns the payload of the Pong. */
  ping(payload: Buffer): Promise<Buffer>;
  close(code?: number, reason?: string): Promise<void>;
  cut(): Promise<void>;
  ended(): Promise<Ending>;
}

export interface Client {
  /** Rejects with {@link Refused} when no connection comes to be. */
  connect(url: string, options?: ConnectOptions): Promise<Conversation>;
  stop(): Promise<void>;
}

export interface Server {
  /** The address of a path of the service. */
  url(path: string): string;
  /** How the conversation that came with `?id=` ended, as the server saw it. */
  ended(id: string): Promise<Account>;
  /** That of the conversation that came with `?id=`; absent where it is not shown. */
  traffic?(id: string): Traffic;
  stop(): Promise<void>;
}

/** No connection came to be. */
export class Refused extends Error {
  /** Of the HTTP response, where the client shows it. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

/** Messages that arrived and were not yet asked for. */
export class Inbox {
  readonly #messages: Message[] = [];
  #wanted = 0;
  #wake: (() => void) | undefined;
  #ended = false;

  push(message: Message): void {
    this.#messages.push(message);
    if (this.#messages.length >= this.#wanted) this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async take(count: number): Promise<Message[]> {
    this.#wanted = count;
    if (this.#messages.length < count && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#messages.length < count) {
      throw new Error(`ended after ${this.#messages.length} of ${count} messages`);
    }
    return this.#messages.splice(0, count);
  }
}

/** Something that will be known later and may be asked for before. */
export class Later<T> {
  readonly promise: Promise<T>;
  readonly settle: (value: T) => void;

  constructor() {
    let settle!: (value: T) => void;
    this.promise = new Promise<T>((resolve) => {
      settle = resolve;
    });
    this.settle = settle;
  }
}
