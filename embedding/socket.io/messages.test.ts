// What applications send over socket.io, on each way a connection can come about: WebSocket from the start,
// polling that is upgraded, and with permessage-deflate.

import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LARGE, patternedBytes, thousandInOrder } from '../support/messages.ts';
import { nextCall } from '../support/wait-for.ts';
import { acceptedOf, type ClientOptions, Stage, webSocketOf } from './stage.ts';

const WAYS = [
  { way: 'by WebSocket alone', server: {}, client: {}, extensions: '' },
  {
    way: 'by polling that is upgraded',
    server: {},
    client: { transports: ['polling', 'websocket'] },
    extensions: '',
  },
  {
    way: 'with permessage-deflate',
    server: { perMessageDeflate: { threshold: 64 } },
    client: { perMessageDeflate: { threshold: 64 } },
    extensions: 'permessage-deflate',
  },
];

describe.each(WAYS)('$way', ({ server, client: options, extensions }) => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await new Stage(server).start();
  });
  afterEach(() => stage.close());

  const connect = () => stage.pair(options as ClientOptions);

  it('connects, and both ends are handfast', async () => {
    const [client, socket] = await connect();
    expect(webSocketOf(client).readyState).toBe(1);
    expect(acceptedOf(socket).readyState).toBe(1);
    expect(webSocketOf(client).extensions).toBe(extensions);
    expect(acceptedOf(socket).extensions).toBe(extensions);
    expect(socket.handshake.address).toBe('127.0.0.1');
    expect(client.id).toBe(socket.id);
  });

  it('text and structured values there and back', async () => {
    const [client] = await connect();
    const values = ['', 'grüße 👋', '\u0000', 0, null, [1, [2]], { a: { b: 'c' } }, true];
    const back = nextCall('echo', (call) => client.once('echo', call));
    client.emit('echo', ...values);
    expect(await back).toEqual(values);
  });

  it('binary, alone and inside structures', async () => {
    const [client] = await connect();
    const bytes = patternedBytes(300);
    const back = nextCall('echo', (call) => client.once('echo', call));
    client.emit('echo', bytes, { inner: [bytes.subarray(7, 20), new Uint8Array([1, 2, 3])] }, 'x');
    const answer = await back;
    expect(answer).toEqual([
      bytes,
      { inner: [Buffer.from(bytes.subarray(7, 20)), Buffer.from([1, 2, 3])] },
      'x',
    ]);
    expect(Buffer.isBuffer(answer[0])).toBe(true);
  });

  it('a mebibyte of text and of binary', async () => {
    const [client] = await connect();
    const bytes = patternedBytes(LARGE);
    const text = bytes.toString('base64');
    const back = nextCall<[Buffer, string]>('echo', (call) => client.once('echo', call));
    client.emit('echo', bytes, text);
    const [bytesBack, textBack] = await back;
    expect(bytes.equals(bytesBack)).toBe(true);
    expect(textBack === text).toBe(true);
  });

  it('a thousand messages in order', async () => {
    const [client] = await connect();
    await thousandInOrder(
      (text) => client.emit('echo', text),
      (receive) => client.on('echo', receive),
    );
  });

  it('a thousand messages in order, begun as soon as the client exists', async () => {
    const client = stage.client(options as ClientOptions);
    await thousandInOrder(
      (text) => client.emit('echo', text),
      (receive) => client.on('echo', receive),
    );
  });

  it('a thousand binary messages in order, from the server', async () => {
    const [client, socket] = await connect();
    const back: Buffer[] = [];
    const last = nextCall('last', (call) => client.once('last', call));
    client.on('bytes', (bytes: Buffer) => back.push(bytes));
    const sent = Array.from({ length: 1000 }, (_, index) => patternedBytes(index));
    for (const bytes of sent) socket.emit('bytes', bytes);
    socket.emit('last');
    await last;
    expect(back.length).toBe(1000);
    expect(Buffer.concat(back).equals(Buffer.concat(sent))).toBe(true);
    expect(back.map((bytes) => bytes.length)).toEqual(sent.map((bytes) => bytes.length));
  });

  it('acknowledgements in both directions, a thousand at once', async () => {
    const [client, socket] = await connect();
    client.on('ask', (value: unknown, answer: (value: unknown) => void) => answer(value));
    const numbers = Array.from({ length: 1000 }, (_, index) => index);
    const up = Promise.all(numbers.map((number) => client.emitWithAck('ask', number)));
    const down = Promise.all(numbers.map((number) => socket.emitWithAck('ask', number)));
    expect(await up).toEqual(numbers);
    expect(await down).toEqual(numbers);
    client.removeAllListeners('ask');
    await expect(socket.timeout(50).emitWithAck('ask', 1)).rejects.toThrow('timed out');
  });

  it('compresses what it is to, and nothing else', async () => {
    const [client, socket] = await connect();
    const text = 'compressible '.repeat(2000);
    const { _socket: wire } = webSocketOf(client) as unknown as { _socket: Socket };
    const cost = async (send: (text: string) => unknown, hear: typeof socket | typeof client) => {
      const before = wire.bytesWritten + wire.bytesRead;
      const heard = nextCall('text', (call) => hear.once('text', call));
      send(text);
      expect(await heard).toEqual([text]);
      return wire.bytesWritten + wire.bytesRead - before;
    };
    const isCompressed = extensions !== '';
    const up = await cost((value) => client.emit('text', value), socket);
    const down = await cost((value) => socket.emit('text', value), client);
    expect([up < text.length / 10, down < text.length / 10]).toEqual([isCompressed, isCompressed]);
    const plain = await cost((value) => client.compress(false).emit('text', value), socket);
    expect(plain).toBeGreaterThan(text.length);
  });
});
