// NodeClient: a Client over the ws package's interface, for the subject and for ws itself.

import type { IncomingMessage } from 'node:http';
import type { Api, ApiSocket, ClientOptions, SendOptions } from './api.ts';
import {
  type Client,
  type ConnectOptions,
  type Conversation,
  type Ending,
  type Feature,
  Inbox,
  Later,
  type Message,
  Refused,
  type Traffic,
} from './conversation.ts';

/** What this interface can do. */
export const nodeFeatures: readonly Feature[] = [
  'any-code',
  'cut',
  'fragments',
  'headers',
  'no-code',
  'origin',
  'ping',
  'plain',
  'status',
  'was-clean',
];

export class NodeClient implements Client {
  readonly #api: Api;
  readonly #options: ClientOptions;

  constructor(api: Api, options: ClientOptions = {}) {
    this.#api = api;
    this.#options = options;
  }

  async connect(url: string, options: ConnectOptions = {}): Promise<Conversation> {
    const { protocols = [], origin, headers } = options;
    const socket = new this.#api.WebSocket(url, [...protocols], {
      ...this.#options,
      ...(origin === undefined ? {} : { origin }),
      ...(headers === undefined ? {} : { headers: { ...headers } }),
    });
    const conversation = new NodeConversation(socket);
    await conversation.opened();
    return conversation;
  }

  async stop(): Promise<void> {}
}

class NodeConversation implements Conversation {
  readonly #socket: ApiSocket;
  readonly #inbox = new Inbox();
  readonly #ended = new Later<Ending>();
  readonly #opened: Promise<void>;
  /** The server's 101. */
  #response: IncomingMessage | undefined;

  constructor(socket: ApiSocket) {
    this.#socket = socket;
    // Listeners are in place before the first byte can arrive: nothing may be missed.
    socket.on('message', (data, isBinary) => {
      this.#inbox.push(isBinary ? Buffer.from(data) : data.toString());
    });
    socket.addEventListener('close', ({ code, reason, wasClean }) => {
      this.#inbox.end();
      this.#ended.settle({ code, reason, wasClean });
    });
    socket.on('upgrade', (response) => {
      this.#response = response;
    });
    this.#opened = new Promise((resolve, reject) => {
      let complaint = 'no error was reported';
      socket.on('error', (error) => {
        complaint = error.message;
      });
      socket.on('open', resolve);
      // A refusal must not only complain but also end.
      socket.on('close', (code) => {
        const status = /server response: (\d{3})/.exec(complaint)?.[1];
        const refusal = `${complaint} (${code})`;
        reject(new Refused(refusal, status === undefined ? undefined : Number(status)));
      });
    });
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  /** The socket has only the names of those in use; their parameters are in the 101. */
  get extensions(): string {
    const agreed = this.#response?.headers['sec-websocket-extensions'] ?? '';
    const names = agreed.split(',').map((element) => element.split(';')[0]?.trim());
    return names.join() === this.#socket.extensions ? agreed : this.#socket.extensions;
  }

  traffic(): Traffic {
    const { bytesRead = 0, bytesWritten = 0 } = this.#response?.socket ?? {};
    return { fromClient: bytesWritten, fromServer: bytesRead };
  }

  opened(): Promise<void> {
    return this.#opened;
  }

  async send(messages: readonly Message[]): Promise<void> {
    await Promise.all(messages.map((message) => sendFrame(this.#socket, message)));
  }

  async sendPlain(messages: readonly Message[]): Promise<void> {
    const sent = messages.map((message) => sendFrame(this.#socket, message, { compress: false }));
    await Promise.all(sent);
  }

  receive(count: number): Promise<Message[]> {
    return this.#inbox.take(count);
  }

  async sendFragments(parts: readonly Message[], ping: Buffer): Promise<Buffer> {
    const binary = typeof parts[0] !== 'string';
    let pong: Buffer | undefined;
    for (const [index, part] of parts.entries()) {
      const fin = index === parts.length - 1;
      await sendFrame(this.#socket, part, { fin, binary });
      pong ??= await this.ping(ping);
    }
    if (pong === undefined) throw new RangeError('a fragmented message has at least one part');
    return pong;
  }

  ping(payload: Buffer): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#socket.once('pong', (data) => resolve(Buffer.from(data)));
      this.#socket.ping(payload);
    });
  }

  async close(code?: number, reason?: string): Promise<void> {
    this.#socket.close(code, reason);
  }

  async cut(): Promise<void> {
    this.#socket.terminate();
  }

  ended(): Promise<Ending> {
    return this.#ended.promise;
  }
}

/** Sends one frame; settles when the implementation says that it is written. */
function sendFrame(socket: ApiSocket, data: Message, options: SendOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(data, options, (error) => (error ? reject(error) : resolve()));
  });
}
