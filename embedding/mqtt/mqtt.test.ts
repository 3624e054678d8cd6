// MQTT.js on handfast, against a real Mosquitto: its client runs MQTT over `createWebSocketStream`, which it
// takes from the class itself. Both protocol versions, TLS, errors, lost brokers.

import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { describePeer } from '../../test/peers/peers.ts';
import { closeLoopback, listenLoopback } from '../support/loopback.ts';
import { LARGE, patternedBytes, thousandInOrder } from '../support/messages.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';
import { connect, endAll, errorOf, needed, open, subscribe } from './clients.ts';
import { Mosquitto } from './mosquitto.ts';

afterEach(endAll);

describePeer('MQTT.js and Mosquitto', needed, (found) => {
  let broker: Mosquitto;
  beforeAll(async () => {
    broker = await Mosquitto.start(found);
  });
  afterAll(() => broker?.stop());

  describe.each([4, 5] as const)('MQTT protocol version %i', (protocolVersion) => {
    it('connects with the subprotocol that the broker insists on', async () => {
      const sockets: WebSocket[] = [];
      const client = await connect(broker.url, {
        protocolVersion,
        createWebsocket: (url, protocols, options) => {
          const socket = new WebSocket(url, protocols, options.wsOptions as object);
          sockets.push(socket);
          return socket;
        },
      });
      expect(client.connected).toBe(true);
      expect(sockets.map((socket) => socket.protocol)).toEqual(['mqtt']);
    });

    it.each([0, 1, 2] as const)('delivers text and binary with QoS %i', async (qos) => {
      const client = await connect(broker.url, { protocolVersion });
      const topic = `both/${protocolVersion}/${qos}`;
      const payloads = await subscribe(client, topic, qos);
      const binary = Buffer.from(Uint8Array.from({ length: 256 }, (_, value) => value));
      await client.publishAsync(topic, 'Grüße, 世界', { qos });
      await client.publishAsync(topic, binary, { qos });
      await client.publishAsync(topic, '', { qos });
      await waitFor('three payloads', () => payloads.length === 3);
      expect(payloads[0]?.toString()).toBe('Grüße, 世界');
      expect(payloads[1]?.equals(binary)).toBe(true);
      expect(payloads[2]).toHaveLength(0);
    });

    it('carries a mebibyte to another client', async () => {
      const sender = await connect(broker.url, { protocolVersion });
      const receiver = await connect(broker.url, { protocolVersion });
      const payloads = await subscribe(receiver, `large/${protocolVersion}`, 1);
      const large = patternedBytes(LARGE);
      const sending = sender.publishAsync(`large/${protocolVersion}`, large, { qos: 1 });
      await broker.awake(waitFor('the payload', () => payloads.length === 1));
      await sending;
      expect(payloads[0]?.equals(large)).toBe(true);
    });

    it('delivers a thousand messages in order', async () => {
      const client = await connect(broker.url, { protocolVersion });
      const topic = `thousand/${protocolVersion}`;
      await client.subscribeAsync(topic);
      await thousandInOrder(
        (text) => client.publishAsync(topic, text),
        (receive) => client.on('message', (_, payload) => receive(payload.toString())),
      );
    });

    it('ends with a DISCONNECT, after which the broker keeps the will to itself', async () => {
      const watcher = await connect(broker.url);
      const wills = await subscribe(watcher, 'will', 1);
      const options = { protocolVersion, will: { topic: 'will', payload: Buffer.from('gone') } };
      const polite = await connect(broker.url, { ...options, clientId: 'polite' });
      await polite.endAsync();
      const rude = await connect(broker.url, { ...options, clientId: `rude-${protocolVersion}` });
      rude.stream.destroy();
      await waitFor('the will', () => wills.length > 0);
      // The rude one left last: had the polite one's will been published, there would be two.
      expect(wills.map(String)).toEqual(['gone']);
      expect(broker.log).toContain('Received DISCONNECT from polite');
    });
  });

  it('asks and answers by the keep-alive interval', async () => {
    const client = await connect(broker.url, { keepalive: 1 });
    const received: string[] = [];
    client.on('packetreceive', (packet) => received.push(packet.cmd));
    await waitFor('two PINGRESPs', () => received.filter((cmd) => cmd === 'pingresp').length >= 2);
    expect(client.connected).toBe(true);
  });

  describe('over TLS', () => {
    it('takes ca from the options of the client', async () => {
      const client = await connect(broker.tlsUrl, { ca: broker.certificate });
      const payloads = await subscribe(client, 'tls', 1);
      const large = patternedBytes(LARGE);
      const sending = client.publishAsync('tls', large, { qos: 1 });
      await broker.awake(waitFor('the payload', () => payloads.length === 1));
      await sending;
      expect(payloads[0]?.equals(large)).toBe(true);
    });

    it('takes rejectUnauthorized, and says why a certificate is not trusted', async () => {
      const client = await connect(broker.tlsUrl, { rejectUnauthorized: false });
      expect(client.connected).toBe(true);
      const error = await errorOf(open(broker.tlsUrl));
      expect(error.code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    });
  });

  describe('errors', () => {
    it('reports a refused connection with its code', async () => {
      const server = createServer();
      const port = await listenLoopback(server);
      await closeLoopback(server);
      const client = open(`ws://127.0.0.1:${port}`);
      const closed = nextCall('close', (call) => client.once('close', call));
      expect((await errorOf(client)).code).toBe('ECONNREFUSED');
      await closed;
      expect(client.connected).toBe(false);
    });

    it('reports an HTTP answer in the words that ws has for it', async () => {
      const server = createServer((_, response) => response.writeHead(404).end('no'));
      server.on('upgrade', (_, socket) => {
        socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      });
      const port = await listenLoopback(server);
      const client = open(`ws://127.0.0.1:${port}`);
      // MQTT.js tells its users of system errors only; this one ends the stream and closes the client.
      const closed = nextCall('close', (call) => client.once('close', call));
      const [error] = await nextCall<[Error]>('error', (call) => client.stream.once('error', call));
      expect(error.message).toBe('Unexpected server response: 404');
      await closed;
      await closeLoopback(server);
    });

    it('is told by the broker that the password is wrong, and lets the right one in', async () => {
      const error = await errorOf(open(broker.guardedUrl, { username: 'user', password: 'no' }));
      expect(error.message).toBe('Connection refused: Not authorized');
      expect(error.code).toBe(5);
      const client = await connect(broker.guardedUrl, { username: 'user', password: 'password' });
      expect(client.connected).toBe(true);
    });

    it('gives up a handshake that gets no answer', async () => {
      const sockets: Duplex[] = [];
      const silent = createServer().on('upgrade', (_, socket) => sockets.push(socket));
      const port = await listenLoopback(silent);
      const client = open(`ws://127.0.0.1:${port}`, { connectTimeout: 200 });
      const closed = nextCall('close', (call) => client.once('close', call));
      expect((await errorOf(client)).message).toBe('connack timeout');
      await closed;
      // The half-made connection is dropped with it.
      const [socket] = sockets as [Duplex];
      socket.resume();
      await waitFor('its end', () => socket.readableEnded || socket.destroyed);
      socket.destroy();
      await closeLoopback(silent);
    });
  });

  it('connects again when the broker comes back, and sends what was published meanwhile', async () => {
    const client = await connect(broker.url, { reconnectPeriod: 50, clientId: 'steady' });
    const payloads = await subscribe(client, 'back', 1);
    client.on('error', () => undefined);
    const offline = nextCall('offline', (call) => client.once('offline', call));
    await broker.halt();
    await offline;
    // Retained, because it may go out before the subscription has been renewed.
    const delivered = client.publishAsync('back', 'meanwhile', { qos: 1, retain: true });
    const reconnected = nextCall('connect', (call) => client.once('connect', call));
    await broker.run();
    await reconnected;
    await delivered;
    await waitFor('the payload', () => payloads.length > 0);
    expect(payloads.map(String)).toEqual(['meanwhile']);
  });
});
