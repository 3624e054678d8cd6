// What a single socket hears next, and an echo put through all that a message may be. Knows a socket by its
// shape: in this folder the name `ws` stands for another package than in those of the libraries.

import type { EventEmitter } from 'node:events';
import { expect } from 'vitest';
import { LARGE, patternedBytes, thousandInOrder } from './messages.ts';
import { nextCall } from './wait-for.ts';

/** As much of a `WebSocket` as is used here. */
export type Socket = EventEmitter & { send(data: string | Buffer): void };

/** The next message, whose `binaryType` is the default one, and whether it is binary. */
export function nextMessage(socket: Socket): Promise<[data: Buffer, isBinary: boolean]> {
  return nextCall('a message', (call) => socket.once('message', call));
}

/** The code and the reason that the socket closes with. */
export async function nextClose(socket: Socket): Promise<[code: number, reason: string]> {
  const [code, reason] = await nextCall<[number, Buffer]>('close', (call) =>
    socket.once('close', call),
  );
  return [code, reason.toString()];
}

/** Sends each of these to an echo, by default text, binary, nothing of either and a mebibyte, and compares. */
export async function expectEchoes(
  client: Socket,
  messages: readonly (string | Buffer)[] = [
    ...['grüß dich', ''],
    ...[patternedBytes(300), Buffer.alloc(0), patternedBytes(LARGE)],
  ],
): Promise<void> {
  for (const sent of messages) {
    client.send(sent);
    const [data, isBinary] = await nextMessage(client);
    expect(isBinary).toBe(typeof sent !== 'string');
    expect(data.equals(Buffer.from(sent))).toBe(true);
  }
}

/** Sends a thousand texts to an echo in one go; each has to come back whole and in order. */
export function expectThousandEchoes(client: Socket): Promise<void> {
  return thousandInOrder(
    (text) => client.send(text),
    (receive) => client.on('message', (data: Buffer) => receive(data.toString())),
  );
}
