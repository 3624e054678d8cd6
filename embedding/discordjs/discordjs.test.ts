// @discordjs/ws on handfast: a shard that identifies, beats, resumes and reports through the on… attributes,
// which it sets and takes away. The gateway's server is handfast's too.

import type { Socket } from 'node:net';
import { REST } from '@discordjs/rest';
import {
  CompressionMethod,
  type OptionalWebSocketManagerOptions,
  type SessionInfo,
  WebSocketManager,
  WebSocketShardEvents,
  WebSocketShardStatus,
  WorkerShardingStrategy,
} from '@discordjs/ws';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { LARGE, patternedBytes, thousandInOrder } from '../support/messages.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';
import { Gateway, Op } from './gateway.ts';

let gateway: Gateway;
let session: SessionInfo | null;
const managers: WebSocketManager[] = [];

beforeEach(async () => {
  gateway = await Gateway.start();
  session = null;
});
afterEach(async () => {
  await Promise.all(managers.splice(0).map((manager) => manager.destroy()));
  await gateway.stop();
});

type Options = Partial<OptionalWebSocketManagerOptions> & { token?: string };

function create(options: Options = {}): WebSocketManager {
  const manager = new WebSocketManager({
    token: 'token',
    intents: 0,
    rest: new REST({ api: `http://${gateway.host}/api` }).setToken('token'),
    // Identifying twice within five seconds is nothing here.
    buildIdentifyThrottler: async () => ({ waitForIdentify: async () => undefined }),
    retrieveSessionInfo: () => session,
    updateSessionInfo: (_, info) => {
      session = info;
    },
    ...options,
  });
  manager.on(WebSocketShardEvents.Error, () => undefined);
  managers.push(manager);
  return manager;
}

async function connect(options: Options = {}): Promise<WebSocketManager> {
  const manager = create(options);
  await manager.connect();
  return manager;
}

/** The next event of a shard's, as its listener gets it. */
async function eventOf<T>(manager: WebSocketManager, event: WebSocketShardEvents): Promise<T> {
  const [value] = await nextCall<[T]>(event, (call) => manager.once(event, call as () => void));
  return value;
}

/** The data of dispatches of that name, in order. */
function collect<T>(manager: WebSocketManager, name: string): T[] {
  const data: T[] = [];
  manager.on(WebSocketShardEvents.Dispatch, (payload) => {
    if ((payload.t as string) === name) data.push(payload.d as T);
  });
  return data;
}

describe('connecting', () => {
  it('finds the gateway, identifies and is ready', async () => {
    const manager = await connect({ initialPresence: { status: 'idle' } as never });
    expect(gateway.requests[0]?.url).toBe('/?v=10&encoding=json');
    const d = gateway.receivedOf(Op.Identify)[0]?.d;
    expect(d).toMatchObject({ token: 'token', intents: 0, shard: [0, 1] });
    expect(d?.presence).toEqual({ status: 'idle' });
    expect([...(await manager.fetchStatus()).values()]).toEqual([WebSocketShardStatus.Ready]);
    expect(session).toMatchObject({ sessionId: 'session', sequence: 1 });
  });

  it('beats, and is told that it was heard', async () => {
    gateway.heartbeatInterval = 40;
    const manager = await connect();
    const { latency } = await eventOf<{ latency: number }>(
      manager,
      WebSocketShardEvents.HeartbeatComplete,
    );
    expect(latency).toBeGreaterThanOrEqual(0);
    await waitFor('three beats', () => gateway.receivedOf(Op.Heartbeat).length >= 3);
    // The first may go out before anything was dispatched.
    expect(gateway.receivedOf(Op.Heartbeat).at(-1)?.d).toBe(1);
    gateway.received.length = 0;
    gateway.tell(Op.Heartbeat, null);
    await waitFor('a beat when asked', () => gateway.receivedOf(Op.Heartbeat).length > 0);
  });

  it('works in a worker thread, where another thread loads the package', async () => {
    const manager = await connect({
      buildStrategy: (owner) => new WorkerShardingStrategy(owner, { shardsPerWorker: 'all' }),
    });
    const texts = collect<string>(manager, 'TEXT');
    gateway.dispatch('TEXT', 'to the worker');
    await waitFor('the dispatch', () => texts.length > 0);
    expect(texts).toEqual(['to the worker']);
    await manager.send(0, { op: Op.PresenceUpdate, d: { status: 'online' } } as never);
    await waitFor('the presence', () => gateway.receivedOf(Op.PresenceUpdate).length > 0);
  });
});

describe.each([
  { what: 'text', compression: null },
  { what: 'binary, one zlib stream', compression: CompressionMethod.ZlibNative },
])('dispatches as $what', ({ compression }) => {
  it('arrive, a mebibyte too', async () => {
    const manager = await connect({ compression });
    expect(gateway.requests[0]?.url?.includes('compress=zlib-stream')).toBe(compression !== null);
    const texts = collect<string>(manager, 'TEXT');
    const large = patternedBytes(LARGE / 2).toString('hex');
    for (const text of ['', 'Grüße, 世界', large]) gateway.dispatch('TEXT', text);
    await waitFor('three dispatches', () => texts.length === 3);
    expect(texts.slice(0, 2)).toEqual(['', 'Grüße, 世界']);
    expect(texts[2] === large).toBe(true);
    expect(session?.sequence).toBe(4);
  });

  it('keep a thousand in order', async () => {
    const manager = await connect({ compression });
    await thousandInOrder(
      (text) => gateway.dispatch('TEXT', text),
      (receive) =>
        manager.on(WebSocketShardEvents.Dispatch, (payload) => {
          if ((payload.t as string) === 'TEXT') receive(payload.d as unknown as string);
        }),
    );
  });
});

it('sends commands, a large one too, in the order given', async () => {
  const manager = await connect();
  const large = patternedBytes(LARGE / 2).toString('hex');
  const sent = ['first', large, 'last'];
  for (const name of sent) {
    await manager.send(0, { op: Op.PresenceUpdate, d: { name } } as never);
  }
  await waitFor('three', () => gateway.receivedOf(Op.PresenceUpdate).length === 3);
  const names = gateway.receivedOf(Op.PresenceUpdate).map(({ d }) => d.name);
  expect(names.every((name, at) => name === sent[at])).toBe(true);
});

it('compresses both ways where the gateway agrees to permessage-deflate', async () => {
  await gateway.stop();
  gateway = await Gateway.start(true);
  const manager = await connect();
  const [socket] = gateway.sockets;
  expect(socket?.extensions).toBe('permessage-deflate');
  const texts = collect<string>(manager, 'TEXT');
  const text = 'compressible '.repeat(LARGE / 13);
  gateway.dispatch('TEXT', text);
  await manager.send(0, { op: Op.PresenceUpdate, d: { name: text } } as never);
  await waitFor('both', () => texts.length + gateway.receivedOf(Op.PresenceUpdate).length === 2);
  expect(texts[0] === text).toBe(true);
  expect(gateway.receivedOf(Op.PresenceUpdate)[0]?.d.name === text).toBe(true);
  const { bytesRead, bytesWritten } = (socket as WebSocket).socket as Socket;
  expect(bytesRead).toBeLessThan(text.length / 10);
  expect(bytesWritten).toBeLessThan(text.length / 10);
});

describe('closing', () => {
  it('sends the code and the reason of destroy()', async () => {
    const manager = await connect();
    const closed = eventOf(manager, WebSocketShardEvents.Closed);
    await manager.destroy({ code: 1000, reason: 'good night' });
    expect(await closed).toBe(1000);
    await waitFor('the close', () => gateway.closes.length > 0);
    expect(gateway.closes).toEqual([{ code: 1000, reason: 'good night' }]);
  });

  it.each([
    { what: 'closes with 4000', act: () => gateway.sockets[0]?.close(4000, 'unknown error') },
    { what: 'says Reconnect', act: () => gateway.tell(Op.Reconnect, null) },
    { what: 'is lost', act: () => gateway.sockets[0]?.terminate() },
  ])('resumes its session, and hears what it missed, when the gateway $what', async ({ act }) => {
    const manager = await connect();
    const texts = collect<string>(manager, 'TEXT');
    gateway.dispatch('TEXT', 'before');
    await waitFor('the first', () => texts.length === 1);
    const resumed = eventOf(manager, WebSocketShardEvents.Resumed);
    act();
    await resumed;
    expect(gateway.receivedOf(Op.Resume).map(({ d }) => d)).toEqual([
      { token: 'token', seq: 2, session_id: 'session' },
    ]);
    expect(gateway.requests[1]?.url).toMatch(/^\/resume\?/);
    gateway.dispatch('TEXT', 'after');
    await waitFor('the second', () => texts.length === 2);
    expect(texts).toEqual(['before', 'after']);
  });

  it('closes a connection that does not acknowledge with 4200, and resumes', async () => {
    gateway.heartbeatInterval = 50;
    gateway.acknowledges = false;
    const manager = await connect();
    const resumed = eventOf(manager, WebSocketShardEvents.Resumed);
    const zombie = await waitFor('the close', () => gateway.closes[0]);
    expect(zombie).toEqual({ code: 4200, reason: 'Zombie connection' });
    gateway.acknowledges = true;
    await resumed;
  });

  it('gives up when the gateway closes with 4004', async () => {
    const manager = create({ token: 'wrong' });
    const error = eventOf<Error>(manager, WebSocketShardEvents.Error);
    const closed = eventOf<number>(manager, WebSocketShardEvents.Closed);
    manager.connect().catch(() => undefined);
    expect(await closed).toBe(4004);
    expect((await error).message).toBe('Authentication failed');
  });
});

describe('errors of the socket', () => {
  it('carry what ws says of a refused handshake, and are followed by another attempt', async () => {
    gateway.refuseWith = 503;
    const manager = create();
    const error = eventOf<Error>(manager, WebSocketShardEvents.SocketError);
    const closed = eventOf<number>(manager, WebSocketShardEvents.Closed);
    const ready = manager.connect();
    expect((await error).message).toBe('Unexpected server response: 503');
    expect(await closed).toBe(1006);
    gateway.refuseWith = 0;
    await ready;
  });

  it('come when the gateway does not answer within handshakeTimeout', async () => {
    gateway.refuseWith = 'silence';
    const manager = create({ handshakeTimeout: 100 });
    const error = eventOf<Error>(manager, WebSocketShardEvents.SocketError);
    const ready = manager.connect();
    expect((await error).message).toBe('Opening handshake has timed out');
    gateway.refuseWith = 0;
    await ready;
  });
});
