// Every case against our server: an echo service, one raw client per case.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { RawClient } from '../support/wire.ts';
import { CASES } from './cases.ts';
import { run, titleOf } from './run.ts';
import { WebSocketServer } from './subject.ts';

let server: InstanceType<typeof WebSocketServer>;
let port: number;
/** By path: called when the server has given up that connection for good ('close' was emitted). */
const onLeft = new Map<string, () => void>();

beforeAll(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (ws, request) => {
    ws.on('message', (data, isBinary) => ws.send(data as Buffer, { binary: isBinary }));
    // A failed connection reports its error here; that the peer learns of it is what the cases check.
    ws.on('error', () => {});
    ws.on('close', () => onLeft.get(request.url ?? '')?.());
  });
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
});

describe.concurrent('the conformance cases against the server', () => {
  for (const entry of CASES) {
    it(titleOf(entry, 'server'), async () => {
      const path = `/${entry.number}`;
      const left = new Promise<void>((resolve) => onLeft.set(path, resolve));
      const client = await RawClient.connect(port, { path });
      try {
        await run(client, entry);
        await left;
      } finally {
        client.destroy();
      }
    });
  }
});
