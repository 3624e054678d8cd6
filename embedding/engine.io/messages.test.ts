// Messages between engine.io and both generations of its client, on each way to a WebSocket.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LARGE, patternedBytes, thousandInOrder } from '../support/messages.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';
import {
  acceptedOf,
  bytesOf,
  CLIENTS,
  type ClientOptions,
  type ClientSocket,
  Stage,
  webSocketOf,
} from './stage.ts';

const WAYS: { way: string; server: object; options: ClientOptions; extensions?: string }[] = [
  { way: 'by WebSocket alone', server: {}, options: {} },
  {
    way: 'by polling that is upgraded',
    server: {},
    options: { transports: ['polling', 'websocket'] },
  },
  {
    way: 'with permessage-deflate',
    server: { perMessageDeflate: { threshold: 64 } },
    options: { perMessageDeflate: { threshold: 64 } },
    extensions: 'permessage-deflate',
  },
  {
    way: 'without permessage-deflate',
    server: {},
    options: { perMessageDeflate: undefined as never },
  },
];
const CASES = CLIENTS.flatMap((client) => WAYS.map((way) => ({ ...client, ...way })));

describe.each(CASES)('$name $way', ({ Client, revision, server, options, extensions = '' }) => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await new Stage(server).start();
  });
  afterEach(() => stage.close());

  const connect = () => stage.pair(Client, options);
  const echo = async (client: ClientSocket, data: string | Buffer): Promise<unknown> => {
    const back = nextCall('an echo', (call) => client.once('message', call as never));
    client.send(data);
    return (await back)[0];
  };

  it('connects, and both ends are handfast', async () => {
    const [client, socket] = await connect();
    expect(webSocketOf(client).readyState).toBe(1);
    expect(acceptedOf(socket).readyState).toBe(1);
    expect(webSocketOf(client).extensions).toBe(extensions);
    expect(acceptedOf(socket).extensions).toBe(extensions);
    expect(socket.protocol).toBe(revision);
    expect(socket.remoteAddress).toBe('127.0.0.1');
  });

  it('text, short, long, and beyond ASCII', async () => {
    const [client] = await connect();
    for (const text of [
      'a',
      'grüße 👋',
      '\u0000',
      '\ufeffmark',
      'x'.repeat(125),
      '漢'.repeat(50),
    ]) {
      expect(await echo(client, text)).toBe(text);
    }
  });

  it('binary, empty and of every length form', async () => {
    const [client, socket] = await connect();
    const seen: unknown[] = [];
    socket.on('message', (data) => seen.push(data));
    for (const length of [0, 1, 124, 125, 126, 65_535, 65_536]) {
      const bytes = patternedBytes(length);
      expect(bytesOf(await echo(client, bytes)).equals(bytes)).toBe(true);
      expect(Buffer.isBuffer(seen.at(-1))).toBe(true);
    }
  });

  it('a mebibyte of text and of binary', async () => {
    const [client] = await connect();
    const bytes = patternedBytes(LARGE);
    const text = bytes.toString('base64');
    expect(bytesOf(await echo(client, bytes)).equals(bytes)).toBe(true);
    expect((await echo(client, text)) === text).toBe(true);
  });

  it('a thousand messages in order', async () => {
    const [client] = await connect();
    await thousandInOrder(
      (text) => client.send(text),
      (receive) => client.on('message', receive),
    );
  });

  it('a thousand messages in order, begun as soon as the client is open', async () => {
    const client = stage.client(Client, options);
    await nextCall('open', (call) => client.once('open', call));
    await thousandInOrder(
      (text) => client.send(text),
      (receive) => client.on('message', receive),
    );
  });

  it('the server sends: batches drain, callbacks come in order, compressed or not', async () => {
    const [client, socket] = await connect();
    const heard: unknown[] = [];
    client.on('message', (data) => heard.push(data));
    const called: number[] = [];
    let drains = 0;
    socket.on('drain', () => drains++);
    const text = 'compressible '.repeat(500);
    for (let n = 0; n < 50; n++) {
      socket.send(`${n} ${text}`, { compress: n % 2 === 0 }, () => called.push(n));
    }
    const order = Array.from({ length: 50 }, (_, n) => n);
    await waitFor('fifty messages', () => heard.length === 50 && called.length === 50);
    expect(heard).toEqual(order.map((n) => `${n} ${text}`));
    expect(called).toEqual(order);
    await waitFor('a drain', () => drains > 0);
  });

  it('heartbeats', async () => {
    const quick = await new Stage({ ...server, pingInterval: 40, pingTimeout: 2000 }).start();
    try {
      const [client, socket] = await quick.pair(Client, options);
      let beats = 0;
      socket.on('heartbeat', () => beats++);
      await waitFor('three beats', () => beats >= 3);
      await sleep(50);
      expect([client.readyState, socket.readyState]).toEqual(['open', 'open']);
    } finally {
      await quick.close();
    }
  });
});
