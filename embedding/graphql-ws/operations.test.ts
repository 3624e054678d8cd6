// GraphQL over graphql-ws, its server and its client both on handfast: queries, subscriptions, and the
// ends that the GraphQL protocol has codes for.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { encodeFrame, RawClient } from '../../test/support/wire.ts';
import { LARGE, patternedBytes, thousandInOrder } from '../support/messages.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';
import { PROTOCOL, resultsOf, Stage } from './stage.ts';

const ECHO = 'query ($text: String!) { echo(text: $text) }';

/** A client that speaks for itself, message by message. */
async function speaker(stage: Stage): Promise<WebSocket> {
  const socket = new WebSocket(stage.url, PROTOCOL);
  await nextCall('open', (call) => socket.once('open', call));
  return socket;
}

const endOf = async (socket: WebSocket) => {
  const [code, reason] = await nextCall<[number, Buffer]>('close', (call) =>
    socket.once('close', call),
  );
  return [code, reason.toString()];
};

const say = (socket: WebSocket, message: object) => socket.send(JSON.stringify(message));

const heardBy = (socket: WebSocket) => {
  const heard: Record<string, unknown>[] = [];
  socket.on('message', (data) => heard.push(JSON.parse(String(data))));
  return heard;
};

describe.each(['port', 'server'] as const)('with { %s }', (mode) => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await Stage.listen(mode);
  });
  afterEach(() => stage.close());

  it('connects with the subprotocol, on handfast', async () => {
    let socket: unknown;
    const client = stage.client({ lazy: false, on: { connected: (opened) => (socket = opened) } });
    await waitFor('a connection', () => socket);
    expect(socket).toBeInstanceOf(WebSocket);
    expect((socket as WebSocket).protocol).toBe(PROTOCOL);
    await client.dispose();
  });

  it('queries, mutations, and their errors', async () => {
    const client = stage.client();
    expect(await resultsOf(client, ECHO, { text: 'grüße 👋' })).toEqual([
      { data: { echo: 'grüße 👋' } },
    ]);
    expect(await resultsOf(client, 'mutation { remember(text: "four") }')).toEqual([
      { data: { remember: 4 } },
    ]);
    const [failed] = await resultsOf(client, '{ fail }');
    expect(failed).toMatchObject({ data: { fail: null }, errors: [{ message: 'no luck' }] });
    await expect(resultsOf(client, '{ nonsense }')).rejects.toMatchObject([
      { message: expect.stringContaining('nonsense') },
    ]);
  });

  it('a mebibyte there and back', async () => {
    const text = patternedBytes(LARGE).toString('base64');
    const [result] = await resultsOf(stage.client(), ECHO, { text });
    expect(result.data?.echo === text).toBe(true);
  });

  it('a request that comes as a binary message', async () => {
    const socket = await speaker(stage);
    const heard = heardBy(socket);
    socket.send(Buffer.from('{"type":"connection_init"}'));
    await waitFor('an answer', () => heard.length > 0);
    expect(heard).toEqual([{ type: 'connection_ack' }]);
    socket.close();
  });

  it('a thousand results of one subscription, in order', async () => {
    const results = await resultsOf(stage.client(), 'subscription { count(to: 1000) }');
    expect(results.map((result) => result.data?.count)).toEqual(
      Array.from({ length: 1000 }, (_, n) => n),
    );
  });

  it('a thousand queries in order', async () => {
    const client = stage.client({ lazyCloseTimeout: 1000 });
    let receive: (text: string) => void = () => {};
    await thousandInOrder(
      async (text) => {
        const [result] = await resultsOf(client, ECHO, { text });
        receive(String(result.data?.echo));
      },
      (listener) => {
        receive = listener;
      },
    );
  });

  it('unsubscribing ends the source, and the last operation the connection', async () => {
    const client = stage.client();
    const iterator = client.iterate({ query: 'subscription { forever }' });
    expect(await iterator.next()).toMatchObject({ value: { data: { forever: 0 } } });
    await iterator.return?.();
    await waitFor('the end', () => stage.ends.length > 0);
    expect(stage.ends).toEqual([{ code: 1000, reason: 'Normal Closure' }]);
  });

  it('dispose() says 1001 to all and waits for them', async () => {
    const first = await speaker(stage);
    const second = await speaker(stage);
    const ends = Promise.all([endOf(first), endOf(second)]);
    await stage.dispose();
    expect(await ends).toEqual([
      [1001, 'Going away'],
      [1001, 'Going away'],
    ]);
    expect(stage.server.clients.size).toBe(0);
  });
});

describe('codes of the GraphQL protocol', () => {
  let stage: Stage;
  const start = async (...args: Parameters<typeof Stage.listen>) => {
    stage = await Stage.listen(...args);
    return stage;
  };
  afterEach(() => stage.close());

  it('4400 for what is no message', async () => {
    const socket = await speaker(await start('server'));
    const end = endOf(socket);
    socket.send('nonsense');
    expect((await end)[0]).toBe(4400);
  });

  it('4401 for an operation before the acknowledgement', async () => {
    const socket = await speaker(await start('server'));
    const end = endOf(socket);
    say(socket, { id: '1', type: 'subscribe', payload: { query: '{ fail }' } });
    expect(await end).toEqual([4401, 'Unauthorized']);
  });

  it('4403 where onConnect refuses, which the client is told', async () => {
    await start('server', {
      onConnect: ({ connectionParams }) => connectionParams?.key === 'sesame',
    });
    const refused = stage.client({ connectionParams: { key: 'x' } });
    await expect(resultsOf(refused, '{ fail }')).rejects.toMatchObject({
      code: 4403,
      reason: 'Forbidden',
      wasClean: true,
    });
    const accepted = stage.client({ connectionParams: { key: 'sesame' } });
    expect(await resultsOf(accepted, ECHO, { text: 'in' })).toEqual([{ data: { echo: 'in' } }]);
  });

  it('4406 without the subprotocol, or with another one', async () => {
    await start('server');
    const none = new WebSocket(stage.url);
    expect(await endOf(none)).toEqual([4406, 'Subprotocol not acceptable']);
    const port = Number(new URL(stage.url).port);
    const headers = { 'Sec-WebSocket-Protocol': 'chat, superchat' };
    const raw = await RawClient.connect(port, { path: '/graphql', headers });
    expect(raw.head.toLowerCase()).not.toContain('sec-websocket-protocol');
    const close = await raw.nextFrame();
    expect([close.opcode, close.payload.readUInt16BE(0)]).toEqual([8, 4406]);
    raw.destroy();
  });

  it('the subprotocol is found among others', async () => {
    await start('server');
    const socket = new WebSocket(stage.url, ['chat', PROTOCOL]);
    await nextCall('open', (call) => socket.once('open', call));
    expect(socket.protocol).toBe(PROTOCOL);
    socket.close();
  });

  it('4408 for a client that says nothing', async () => {
    const socket = await speaker(await start('server', { connectionInitWaitTimeout: 50 }));
    expect(await endOf(socket)).toEqual([4408, 'Connection initialisation timeout']);
  });

  it('4409 for an id that is taken, 4429 for a second beginning', async () => {
    await start('server');
    const twice = await speaker(stage);
    const heard = heardBy(twice);
    const taken = endOf(twice);
    say(twice, { type: 'connection_init' });
    await waitFor('the acknowledgement', () => heard.length > 0);
    const operation = {
      id: 'a',
      type: 'subscribe',
      payload: { query: 'subscription { forever }' },
    };
    say(twice, operation);
    say(twice, operation);
    expect(await taken).toEqual([4409, 'Subscriber for a already exists']);

    const again = await speaker(stage);
    const second = endOf(again);
    say(again, { type: 'connection_init' });
    say(again, { type: 'connection_init' });
    expect(await second).toEqual([4429, 'Too many initialisation requests']);
  });

  it('4499 when the client terminates, which then begins anew', async () => {
    await start('server');
    let connections = 0;
    const client = stage.client({
      retryAttempts: 3,
      retryWait: async () => {},
      on: { connected: () => connections++ },
    });
    const iterator = client.iterate({ query: 'subscription { forever }' });
    await iterator.next();
    client.terminate();
    await waitFor('another connection', () => connections === 2);
    await waitFor('the end of the first', () => stage.ends.length === 1);
    expect(stage.ends).toEqual([{ code: 4499, reason: 'Terminated' }]);
    expect((await iterator.next()).done).toBe(false);
    await iterator.return?.();
  });
});

describe('errors', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await Stage.listen('server', {}, 60);
  });
  afterEach(() => stage.close());

  it('a broken frame is logged once and ends with 1002, not with the code set in the listener', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
    try {
      const socket = await speaker(stage);
      const end = endOf(socket);
      const mask = Buffer.from([1, 2, 3, 4]);
      const { _socket: below } = socket as unknown as { _socket: { write(bytes: Buffer): void } };
      below.write(encodeFrame({ opcode: 1, rsv: 2, payload: 'x', mask }));
      expect((await end)[0]).toBe(1002);
      await waitFor('the server', () => stage.ends.length > 0);
      expect(stage.ends[0].code).toBe(1006);
      expect(logged).toHaveBeenCalledTimes(1);
    } finally {
      logged.mockRestore();
    }
  });

  it('a connection that vanishes is made again, and the subscription with it', async () => {
    let connections = 0;
    const client = stage.client({
      retryAttempts: 3,
      retryWait: async () => {},
      on: { connected: () => connections++ },
    });
    const iterator = client.iterate({ query: 'subscription { forever }' });
    await iterator.next();
    for (const socket of stage.server.clients) socket.terminate();
    await waitFor('another connection', () => connections === 2);
    expect((await iterator.next()).done).toBe(false);
    await iterator.return?.();
  });

  it('nobody listens: the client is told, and gives up', async () => {
    const client = stage.client({ url: 'ws://127.0.0.1:1/graphql' });
    const failure = await resultsOf(client, '{ fail }').catch((error: unknown) => error);
    expect(failure).toMatchObject({
      type: 'error',
      message: expect.stringMatching(/ECONNREFUSED/),
    });
  });

  it('another path gets a status', async () => {
    const client = stage.client({ url: stage.url.replace('/graphql', '/other') });
    const failure = await resultsOf(client, '{ fail }').catch((error: unknown) => error);
    expect(failure).toMatchObject({ message: 'Unexpected server response: 400' });
  });

  it('pings keep a living client and end a dead one', async () => {
    const port = Number(new URL(stage.url).port);
    const headers = { 'Sec-WebSocket-Protocol': PROTOCOL };
    const dead = await RawClient.connect(port, { path: '/graphql', headers });
    const living = await speaker(stage);
    const heard: string[] = [];
    living.on('ping', () => heard.push('ping'));
    await dead.ended;
    dead.destroy();
    expect(dead.received[0]).toBe(0x89);
    await waitFor('three pings', () => heard.length >= 3);
    expect(living.readyState).toBe(WebSocket.OPEN);
    living.close();
  });
});
