// Talk: what the exchanges are made of. Opens a conversation, holds it, and asserts how it ended at
// both ends. Knows nothing of the implementations but what they can show.

import { expect } from 'vitest';
import {
  type Client,
  type ConnectOptions,
  type Conversation,
  type Feature,
  type Message,
  Refused,
  type Server,
} from './conversation.ts';

export interface Pair {
  readonly client: Client;
  readonly server: Server;
  readonly clientCan: ReadonlySet<Feature>;
  readonly serverCan: ReadonlySet<Feature>;
}

let conversations = 0;

/** Opens a conversation whose end the server accounts for under its own id. */
export async function open(pair: Pair, path: string, options?: ConnectOptions) {
  conversations += 1;
  const id = String(conversations);
  const url = pair.server.url(`${path}${path.includes('?') ? '&' : '?'}id=${id}`);
  const conversation = await pair.client.connect(url, options);
  return {
    conversation,
    account: () => pair.server.ended(id),
    /** What has travelled, by the end that shows it. */
    traffic: () => conversation.traffic?.() ?? pair.server.traffic?.(id),
  };
}

/** A conversation that has to end well: closed by the client with 1000, and seen so by both. */
export async function converse(
  pair: Pair,
  path: string,
  body: (conversation: Conversation) => Promise<void>,
  options?: ConnectOptions,
): Promise<void> {
  const { conversation, account } = await open(pair, path, options);
  await body(conversation);
  await conversation.close(1000, 'bye');
  expect(await conversation.ended()).toMatchObject({ code: 1000, reason: 'bye' });
  expect(await account()).toMatchObject({ code: 1000, reason: 'bye' });
}

/** The same bytes and the same type; a plain assertion on megabytes would print them. */
export function expectSame(received: readonly Message[], sent: readonly Message[]): void {
  expect(received.length).toBe(sent.length);
  const differing = received.findIndex((message, index) => {
    const wanted = sent[index] as Message;
    return typeof message === 'string' || typeof wanted === 'string'
      ? message !== wanted
      : !message.equals(wanted);
  });
  expect(differing, 'index of the first message that differs').toBe(-1);
}

export function echoed(messages: readonly Message[]): (pair: Pair) => Promise<void> {
  return (pair) =>
    converse(pair, '/echo', async (conversation) => {
      await conversation.send(messages);
      expectSame(await conversation.receive(messages.length), messages);
    });
}

export async function refused(pair: Pair, path: string, status: number, options?: ConnectOptions) {
  const refusal: unknown = await open(pair, path, options).then(
    () => 'connected',
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(Refused);
  if (pair.clientCan.has('status')) expect((refusal as Refused).status).toBe(status);
}

/** A client that trusts nobody in particular does not talk to a server whose certificate is its own. */
export async function distrusted({ client, server }: { client: Client; server: Server }) {
  try {
    const connecting = client.connect(server.url('/echo'));
    await expect(connecting).rejects.toThrow(Refused);
    await expect(connecting).rejects.toThrow(/self-signed.*\(1006\)/);
  } finally {
    await client.stop();
    await server.stop();
  }
}

/** The server closes with this; both ends must say so, the client cleanly. */
export async function closedByServer(pair: Pair, query: string, code: number, reason: string) {
  const { conversation, account } = await open(pair, `/close${query}`);
  await conversation.send(['close, please']);
  const ending = await conversation.ended();
  expect(ending).toMatchObject({ code, reason });
  if (pair.clientCan.has('was-clean')) expect(ending.wasClean).toBe(true);
  // §5.5.1: the answer repeats the code; that it repeats the reason too is usual, not required.
  expect((await account()).code).toBe(code);
}

export async function closedByClient(pair: Pair, code: number | undefined, reason: string) {
  const { conversation, account } = await open(pair, '/echo');
  await (code === undefined ? conversation.close() : conversation.close(code, reason));
  const seen = await account();
  expect(seen).toMatchObject({ code: code ?? 1005, reason });
  if (pair.serverCan.has('was-clean')) expect(seen.wasClean).toBe(true);
  const ending = await conversation.ended();
  expect(ending.code).toBe(code ?? 1005);
  if (pair.clientCan.has('was-clean')) expect(ending.wasClean).toBe(true);
}

/** Bytes that repeat only after a prime length, so that a shifted or reused mask shows. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index += 1) bytes[index] = (index % 251) ^ (index >>> 16);
  return bytes;
}
