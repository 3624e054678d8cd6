// Two libp2p nodes whose connection, encrypted by Noise and divided by Yamux, is a WebSocket of handfast's at
// both ends.

import { noise } from '@libp2p/noise';
import { webSockets } from '@libp2p/websockets';
import { yamux } from '@libp2p/yamux';
import { createLibp2p, type Libp2p } from 'libp2p';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { LARGE, patternedBytes, thousandInOrder } from '../support/messages.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';
import { installGlobals, restoreGlobals } from './globals.ts';

const PROTOCOL = '/echo/1.0.0';

function createNode(listen: string[]): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen },
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
  });
}

let server: Libp2p;
let client: Libp2p;

beforeAll(installGlobals);
afterAll(restoreGlobals);

beforeEach(async () => {
  server = await createNode(['/ip4/127.0.0.1/tcp/0/ws']);
  client = await createNode([]);
  await server.handle(PROTOCOL, async (stream) => {
    for await (const chunk of stream) {
      if (!stream.send(chunk)) await stream.onDrain();
    }
    await stream.close();
  });
});
afterEach(async () => {
  await client.stop();
  await server.stop();
});

function dial() {
  return client.dialProtocol(server.getMultiaddrs(), PROTOCOL);
}

/** The ends of connections with other nodes, as the node tells them. */
function disconnection(node: Libp2p): Promise<unknown> {
  return nextCall('peer:disconnect', (call) => node.addEventListener('peer:disconnect', call));
}

it('dials a node by its address and knows who answers', async () => {
  const connection = await client.dial(server.getMultiaddrs());
  expect(connection.remotePeer.equals(server.peerId)).toBe(true);
  expect(connection.remoteAddr.toString()).toMatch(/\/ws/);
  await waitFor('the other side', () => server.getPeers().length === 1);
  expect(server.getPeers()[0]?.equals(client.peerId)).toBe(true);
});

it('carries a mebibyte through a stream and back', async () => {
  const stream = await dial();
  const large = patternedBytes(LARGE);
  const received: Buffer[] = [];
  const receiving = (async () => {
    for await (const chunk of stream) received.push(Buffer.from(chunk.subarray()));
  })();
  for (let start = 0; start < LARGE; start += 65_536) {
    if (!stream.send(large.subarray(start, start + 65_536))) await stream.onDrain();
  }
  await stream.close();
  await receiving;
  expect(Buffer.concat(received).equals(large)).toBe(true);
});

it('keeps a thousand messages in order', async () => {
  const stream = await dial();
  await thousandInOrder(
    (text) => stream.send(Buffer.from(`${text}\n`)),
    (receive) => {
      let rest = Buffer.alloc(0);
      stream.addEventListener('message', ({ data }) => {
        rest = Buffer.concat([rest, data.subarray()]);
        for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
          receive(rest.subarray(0, end).toString());
          rest = rest.subarray(end + 1);
        }
      });
    },
  );
});

it('keeps ten streams of one connection apart', async () => {
  const texts = await Promise.all(
    Array.from({ length: 10 }, async (_, index) => {
      const stream = await dial();
      stream.send(Buffer.from(`stream ${index}`));
      await stream.close();
      const chunks: Uint8Array[] = [];
      for await (const chunk of stream) chunks.push(chunk.subarray());
      return Buffer.concat(chunks).toString();
    }),
  );
  expect(texts).toEqual(Array.from({ length: 10 }, (_, index) => `stream ${index}`));
  expect(client.getConnections()).toHaveLength(1);
});

it('tells both nodes when one hangs up', async () => {
  await client.dial(server.getMultiaddrs());
  await waitFor('the other side', () => server.getPeers().length === 1);
  const ends = Promise.all([disconnection(client), disconnection(server)]);
  await client.hangUp(server.peerId);
  await ends;
  expect(server.getConnections()).toEqual([]);
});

it('tells a node that the other has stopped', async () => {
  await client.dial(server.getMultiaddrs());
  const end = disconnection(client);
  await server.stop();
  await end;
  expect(client.getConnections()).toEqual([]);
});

it('rejects a dial that nobody answers', async () => {
  const addresses = server.getMultiaddrs();
  await server.stop();
  await expect(client.dial(addresses)).rejects.toThrow(/ECONNREFUSED/);
});
