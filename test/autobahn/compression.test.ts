// Groups 12 and 13 against our server and our client: echoes of compressed messages.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { formatSwitching, headerOf, RawClient, RawServer } from '../support/wire.ts';
import { COMPRESSION_CASES, type CompressionCase } from './compression.ts';
import { exchange, readAgreement } from './exchange.ts';
import { WebSocket, WebSocketServer } from './subject.ts';

const FIELD = 'Sec-WebSocket-Extensions';

/** Compresses whatever comes, however short. */
const DEFLATE = { threshold: 0 };

function titleOf({ number, title, rows }: CompressionCase, more: string): string {
  return `${rows}${more === '' ? '' : ` ${more}`} ${number} ${title}`;
}

function echo(ws: WebSocket): Promise<void> {
  ws.on('message', (data, isBinary) => ws.send(data as Buffer, { binary: isBinary }));
  // A failed connection reports its error here; that the peer learns of it is what the cases check.
  ws.on('error', () => {});
  return new Promise((resolve) => ws.on('close', () => resolve()));
}

describe('the compression cases against the server', () => {
  let server: InstanceType<typeof WebSocketServer>;
  /** By path: settled when the server has given up that connection for good. */
  const left = new Map<string, Promise<void>>();

  beforeAll(async () => {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: DEFLATE });
    server.on('connection', (ws, request) => left.set(request.url ?? '', echo(ws)));
    await once(server, 'listening');
  });

  afterAll(() => new Promise((resolve) => server.close(resolve)));

  for (const entry of COMPRESSION_CASES) {
    it(titleOf(entry, entry.serverRows), async () => {
      const { port } = server.address() as AddressInfo;
      const path = `/${entry.number}`;
      const client = await RawClient.connect(port, { path, headers: { [FIELD]: entry.offer } });
      try {
        await exchange(client, entry, readAgreement(headerOf(client.head, FIELD), entry.offer));
        await left.get(path);
      } finally {
        client.destroy();
      }
    });
  }
});

describe('the compression cases against the client', () => {
  for (const entry of COMPRESSION_CASES) {
    it(titleOf(entry, entry.clientRows), async () => {
      let offer = '';
      const server = await RawServer.listen(({ head, key }) => {
        offer = headerOf(head, FIELD) ?? '';
        return formatSwitching(key, [`${FIELD}: ${entry.answer}`]);
      });
      try {
        const left = echo(new WebSocket(server.url, { perMessageDeflate: DEFLATE }));
        const peer = await server.accept();
        await exchange(peer, entry, readAgreement(entry.answer, offer));
        await left;
      } finally {
        await server.close();
      }
    });
  }
});
