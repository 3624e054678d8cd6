// Remote: a Client and a Server that live elsewhere (a page, another process, another language) and
// are steered by calls with JSON parameters. The operations and their answers are those of driver.js
// and of the two Python scripts.

import { createInterface } from 'node:readline';
import type { Child } from './child.ts';
import {
  type Account,
  type Client,
  type ConnectOptions,
  type Conversation,
  type Ending,
  type Message,
  Refused,
  type Server,
} from './conversation.ts';

type Parameters = Record<string, unknown>;

/** Performs one operation and gives its answer; rejects with what the other side complained of. */
export type Call = (op: string, parameters: Parameters) => Promise<unknown>;

type Wire = { readonly text: string } | { readonly binary: string };

function encode(message: Message): Wire {
  return typeof message === 'string' ? { text: message } : { binary: message.toString('base64') };
}

function decode(wire: Wire): Message {
  return 'text' in wire ? wire.text : Buffer.from(wire.binary, 'base64');
}

/** Calls that travel as lines over a child's stdin and stdout. */
export function callOver(child: Child): Call {
  type Waiting = { resolve: (result: unknown) => void; reject: (error: Error) => void };
  const waiting = new Map<number, Waiting>();
  let calls = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { call, result, error } = JSON.parse(line) as {
      call: number;
      result?: unknown;
      error?: string;
    };
    const asked = waiting.get(call);
    waiting.delete(call);
    if (error === undefined) asked?.resolve(result);
    else asked?.reject(new Error(error));
  });
  void child.exited.then(() => {
    for (const { reject } of waiting.values()) reject(new Error(`gone: ${child.complaint}`));
  });
  return (op, parameters) => {
    calls += 1;
    const call = calls;
    return new Promise((resolve, reject) => {
      if (!child.running) return reject(new Error(`gone: ${child.complaint}`));
      waiting.set(call, { resolve, reject });
      child.stdin.write(`${JSON.stringify({ call, op, parameters })}\n`);
    });
  };
}

export class RemoteClient implements Client {
  readonly #call: Call;
  readonly #settings: Parameters;
  readonly #stop: () => Promise<void>;

  /** `settings` go along with every `connect`. */
  constructor(call: Call, stop: () => Promise<void>, settings: Parameters = {}) {
    this.#call = call;
    this.#stop = stop;
    this.#settings = settings;
  }

  async connect(url: string, options: ConnectOptions = {}): Promise<Conversation> {
    const parameters = { ...this.#settings, protocols: [], ...options, url };
    const answer = (await this.#call('connect', parameters)) as
      | { refused: string; status?: number }
      | { conversation: number; protocol: string; extensions: string };
    if ('refused' in answer) throw new Refused(answer.refused, answer.status);
    return new RemoteConversation(this.#call, answer);
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}

class RemoteConversation implements Conversation {
  readonly protocol: string;
  readonly extensions: string;
  readonly #call: (op: string, parameters?: Parameters) => Promise<unknown>;

  constructor(call: Call, answer: { conversation: number; protocol: string; extensions: string }) {
    const { conversation, protocol, extensions } = answer;
    this.protocol = protocol;
    this.extensions = extensions;
    this.#call = (op, parameters) => call(op, { ...parameters, conversation });
  }

  async send(messages: readonly Message[]): Promise<void> {
    await this.#call('send', { messages: messages.map(encode) });
  }

  async sendPlain(messages: readonly Message[]): Promise<void> {
    await this.#call('send_plain', { messages: messages.map(encode) });
  }

  async receive(count: number): Promise<Message[]> {
    return ((await this.#call('receive', { count })) as Wire[]).map(decode);
  }

  async sendFragments(parts: readonly Message[], ping: Buffer): Promise<Buffer> {
    const parameters = { parts: parts.map(encode), ping: encode(ping) };
    return decode((await this.#call('send_fragments', parameters)) as Wire) as Buffer;
  }

  async ping(payload: Buffer): Promise<Buffer> {
    return decode((await this.#call('ping', { payload: encode(payload) })) as Wire) as Buffer;
  }

  async close(code?: number, reason?: string): Promise<void> {
    await this.#call('close', { code, reason });
  }

  async cut(): Promise<void> {
    await this.#call('cut', {});
  }

  async ended(): Promise<Ending> {
    return (await this.#call('ended', {})) as Ending;
  }
}

export class RemoteServer implements Server {
  readonly #call: Call;
  readonly #origin: string;
  readonly #stop: () => Promise<void>;

  private constructor(call: Call, stop: () => Promise<void>, origin: string) {
    this.#call = call;
    this.#origin = origin;
    this.#stop = stop;
  }

  /** Asks the other side to listen on a free port of the loopback. */
  static async start(call: Call, stop: () => Promise<void>, settings: Parameters = {}) {
    const origin = (await call('start', settings)) as string;
    return new RemoteServer(call, stop, origin);
  }

  url(path: string): string {
    return this.#origin + path;
  }

  async ended(id: string): Promise<Account> {
    return (await this.#call('ended', { id })) as Account;
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}
