// libp2p's transport, each side alone against a bare handfast: what it dials with is handfast's client, used as
// if it were a browser's; what it listens with is handfast's server without one of its own.

import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Certificate } from '../../test/peers/certificate.ts';
import { describePeer, findBinary } from '../../test/peers/peers.ts';
import { LARGE, patternedBytes, thousandInOrder } from '../support/messages.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';
import { installGlobals, restoreGlobals } from './globals.ts';
import { type Connection, closeOf, collect, Transport } from './transport.ts';

beforeAll(installGlobals);
afterAll(restoreGlobals);

describe('dialling', () => {
  let server: WebSocketServer;
  let port: number;
  let peer: WebSocket;
  const codes: number[] = [];

  beforeEach(async () => {
    codes.length = 0;
    server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    server.on('connection', (socket) => {
      peer = socket;
      socket.on('close', (code: number) => codes.push(code));
    });
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(async () => {
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  });

  async function dial(transport = new Transport()): Promise<Connection> {
    const connection = await transport.dial(port);
    await waitFor('the connection', () => server.clients.size > 0);
    return connection;
  }

  it('sends and receives bytes, a mebibyte too, and takes text for bytes', async () => {
    const connection = await dial();
    const received = collect(connection);
    peer.on('message', (data) => peer.send(data));
    const large = patternedBytes(LARGE);
    connection.send(large);
    await waitFor('a mebibyte', () => received.length() === LARGE);
    expect(received.bytes().equals(large)).toBe(true);
    peer.send('Grüße');
    await waitFor('the text', () => received.length() > LARGE);
    expect(received.bytes().subarray(LARGE).toString()).toBe('Grüße');
  });

  it('waits while bufferedAmount is high, and goes on when it has fallen to 0', async () => {
    const connection = await dial(
      new Transport({ maxBufferedAmount: 65_536, bufferedAmountPollInterval: 5 }),
    );
    let length = 0;
    peer.on('message', (data) => {
      length += (data as Buffer).length;
    });
    // More than the system's own buffers hold.
    const chunk = patternedBytes(16 * LARGE);
    peer.pause();
    expect(connection.send(chunk)).toBe(false);
    const drained = connection.onDrain();
    let hasDrained = false;
    drained.then(() => {
      hasDrained = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(hasDrained).toBe(false);
    peer.resume();
    await drained;
    await waitFor('all of it', () => length === chunk.length);
  });

  it('closes without a code', async () => {
    const connection = await dial();
    await connection.close();
    await waitFor('the close', () => codes.length > 0);
    expect(codes).toEqual([1005]);
  });

  it('takes a closing handshake for an end, whatever its code', async () => {
    const connection = await dial();
    const closed = closeOf(connection);
    peer.close(1011, 'failed');
    expect((await closed).error).toBeUndefined();
    expect(connection.status).toBe('closed');
  });

  it('takes a lost connection for a reset', async () => {
    const connection = await dial();
    const closed = closeOf(connection);
    peer.terminate();
    expect((await closed).error?.name).toBe('StreamResetError');
    expect(connection.status).toBe('reset');
  });

  it('never sends the 1006 with which it aborts (§7.4.1)', async () => {
    const connection = await dial();
    const socket = peer.socket as Socket;
    const { bytesRead } = socket;
    connection.abort(new Error('enough'));
    expect(connection.status).toBe('aborted');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(socket.bytesRead).toBe(bytesRead);
    expect(codes).toEqual([]);
  });

  it('rejects when nobody listens', async () => {
    const gone = new Transport();
    const closedPort = await gone.listen('ws');
    await gone.stop();
    await expect(new Transport().dial(closedPort)).rejects.toMatchObject({
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

describe('listening', () => {
  let transport: Transport;
  let port: number;
  const clients: WebSocket[] = [];

  beforeEach(async () => {
    transport = new Transport();
    port = await transport.listen('ws');
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.terminate();
    await transport.stop();
  });

  async function connect(): Promise<{ client: WebSocket; inbound: Connection }> {
    const client = new WebSocket(`ws://127.0.0.1:${port}`);
    clients.push(client);
    await once(client, 'open');
    const inbound = await waitFor('the connection', () => transport.inbound.at(-1));
    return { client, inbound };
  }

  it('receives text and binary as bytes, a mebibyte too', async () => {
    const { client, inbound } = await connect();
    const received = collect(inbound);
    const large = patternedBytes(LARGE);
    client.send('text');
    client.send(large);
    await waitFor('both', () => received.length() === 4 + LARGE);
    expect(received.bytes().equals(Buffer.concat([Buffer.from('text'), large]))).toBe(true);
  });

  it('returns a thousand messages in order', async () => {
    const { client, inbound } = await connect();
    inbound.addEventListener('message', (event) => {
      const { data } = event as unknown as { data: Uint8Array };
      inbound.send(data.subarray());
    });
    await thousandInOrder(
      (text) => client.send(text),
      (receive) => client.on('message', (data) => receive(data.toString())),
    );
  });

  it('closes without a code, and takes any code for an end', async () => {
    const first = await connect();
    const closed = nextCall<[number]>('close', (call) => first.client.once('close', call));
    await first.inbound.close();
    expect((await closed)[0]).toBe(1005);
    const second = await connect();
    const ended = closeOf(second.inbound);
    second.client.close(4000, 'enough');
    expect((await ended).error).toBeUndefined();
  });

  it('takes a lost connection for a reset', async () => {
    const { client, inbound } = await connect();
    const ended = closeOf(inbound);
    client.terminate();
    expect((await ended).error?.name).toBe('StreamResetError');
  });

  it('answers a plain request with 400, and the listener goes on', async () => {
    const [response] = await nextCall<[IncomingMessage]>('response', (call) =>
      get(`http://127.0.0.1:${port}/`, { agent: false }, call),
    );
    response.resume();
    expect(response.statusCode).toBe(400);
    const { client } = await connect();
    expect(client.readyState).toBe(WebSocket.OPEN);
  });

  it('closes with connections open', async () => {
    const { client } = await connect();
    const closed = nextCall<[number]>('close', (call) => client.once('close', call));
    await transport.stop();
    expect((await closed)[0]).toBe(1006);
  });
});

describePeer('listening with TLS', { openssl: findBinary('openssl') }, (found) => {
  it('accepts a client that trusts its certificate', async () => {
    const certificate = new Certificate(found.openssl);
    const { key, cert } = certificate;
    const transport = new Transport({ https: { key, cert } });
    try {
      const port = await transport.listen('tls/ws');
      const client = new WebSocket(`wss://127.0.0.1:${port}`, { ca: cert });
      await once(client, 'open');
      const inbound = await waitFor('the connection', () => transport.inbound[0]);
      inbound.send(Buffer.from('over TLS'));
      const [data, isBinary] = await once(client, 'message');
      expect([data.toString(), isBinary]).toEqual(['over TLS', true]);
      client.terminate();
    } finally {
      await transport.stop();
      certificate.remove();
    }
  });
});
