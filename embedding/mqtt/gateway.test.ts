// MQTT.js on both sides of handfast: its client on handfast's, and before the broker a gateway that is
// handfast's server, whose sockets are piped as streams.

import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { describePeer } from '../../test/peers/peers.ts';
import { LARGE, patternedBytes, thousandInOrder } from '../support/messages.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';
import { connect, endAll, needed, subscribe } from './clients.ts';
import { Gateway } from './gateway.ts';
import { Mosquitto } from './mosquitto.ts';

afterEach(endAll);

describePeer('MQTT.js, a gateway and Mosquitto', needed, (found) => {
  let broker: Mosquitto;
  let gateway: Gateway;
  beforeAll(async () => {
    broker = await Mosquitto.start(found);
    gateway = await Gateway.start(broker.tcpPort);
  });
  afterAll(async () => {
    await gateway?.stop();
    await broker?.stop();
  });

  it('hands wsOptions to the socket, and the URL through transformWsUrl', async () => {
    gateway.requests.length = 0;
    await connect(`${gateway.url}/elsewhere`, {
      wsOptions: { headers: { 'X-Token': 'abc' }, perMessageDeflate: false, maxPayload: 1 << 20 },
      transformWsUrl: (url) => url.replace('/elsewhere', '/mqtt?token=1'),
    });
    const [request] = gateway.requests;
    expect(request?.url).toBe('/mqtt?token=1');
    expect(request?.headers['x-token']).toBe('abc');
    expect(request?.headers['sec-websocket-protocol']).toBe('mqtt');
  });

  it('carries text, binary and a mebibyte, both ways', async () => {
    const client = await connect(gateway.url);
    const payloads = await subscribe(client, 'gateway', 1);
    const sent = [Buffer.from('text'), patternedBytes(300), patternedBytes(LARGE)];
    for (const payload of sent) await client.publishAsync('gateway', payload, { qos: 1 });
    await waitFor('three payloads', () => payloads.length === 3);
    expect(payloads.map((payload, at) => payload.equals(sent[at] as Buffer))).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('keeps a thousand messages in order', async () => {
    const client = await connect(gateway.url);
    await client.subscribeAsync('gateway/thousand');
    await thousandInOrder(
      (text) => client.publishAsync('gateway/thousand', text, { qos: 1 }),
      (receive) => client.on('message', (_, payload) => receive(payload.toString())),
    );
  });

  it('compresses both ways where the gateway agrees', async () => {
    const compressing = await Gateway.start(broker.tcpPort, true);
    try {
      const client = await connect(compressing.url);
      const [socket] = compressing.clients as Set<WebSocket>;
      expect(socket?.extensions).toBe('permessage-deflate');
      const payloads = await subscribe(client, 'compressed', 1);
      const text = 'compressible '.repeat(LARGE / 13);
      await client.publishAsync('compressed', text, { qos: 1 });
      await waitFor('the payload', () => payloads.length === 1);
      expect(payloads[0]?.toString() === text).toBe(true);
      const { bytesRead, bytesWritten } = (socket as WebSocket).socket as Socket;
      expect(bytesRead).toBeLessThan(text.length / 10);
      expect(bytesWritten).toBeLessThan(text.length / 10);
    } finally {
      await compressing.stop();
    }
  });

  it('closes without a code, as the end of a stream does', async () => {
    const client = await connect(gateway.url);
    gateway.closeCodes.length = 0;
    await client.endAsync();
    await waitFor('the close', () => gateway.closeCodes.length > 0);
    expect(gateway.closeCodes).toEqual([1005]);
  });

  it('sees a destroyed stream as a lost connection', async () => {
    const client = await connect(gateway.url);
    gateway.closeCodes.length = 0;
    client.stream.destroy();
    await waitFor('the close', () => gateway.closeCodes.length > 0);
    expect(gateway.closeCodes).toEqual([1006]);
  });

  it('connects again after the gateway has closed with 1001', async () => {
    const client = await connect(gateway.url, { reconnectPeriod: 20 });
    const [first] = gateway.clients;
    gateway.closeCodes.length = 0;
    const reconnected = nextCall('connect', (call) => client.once('connect', call));
    first?.close(1001, 'restarting');
    await reconnected;
    // The client's Close repeats the code, as §5.5.1 asks of it.
    expect(gateway.closeCodes).toEqual([1001]);
    expect(client.connected).toBe(true);
  });
});
