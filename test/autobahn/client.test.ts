// Every case against our client: an echoing client, one raw connection per case.

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { RawServer } from '../support/wire.ts';
import { CLOSE, close } from './case.ts';
import { CASES } from './cases.ts';
import { run, titleOf } from './run.ts';
import { WebSocket } from './subject.ts';

/** An echoing client; resolves when it has given up the connection for good ('close' was emitted). */
function echo(url: string): Promise<void> {
  const ws = new WebSocket(url, { perMessageDeflate: false });
  ws.on('message', (data, isBinary) => ws.send(data as Buffer, { binary: isBinary }));
  // A failed connection reports its error here; that the peer learns of it is what the cases check.
  ws.on('error', () => {});
  return new Promise((resolve) => ws.on('close', () => resolve()));
}

describe.concurrent('the conformance cases against the client', () => {
  for (const entry of CASES) {
    it(titleOf(entry, 'client'), async () => {
      const server = await RawServer.listen();
      try {
        const left = echo(server.url);
        await run(await server.accept(), entry);
        await left;
      } finally {
        await server.close();
      }
    });
  }
});

it('[6455-5.5.1-n] [6455-7.1.1-f] leaves it to the server to end TCP after the closing handshake', async () => {
  const server = await RawServer.listen();
  try {
    const left = echo(server.url);
    const peer = await server.accept();
    await peer.sendFrame(close(1000));
    expect((await peer.nextFrame()).opcode).toBe(CLOSE);
    await sleep(100);
    expect(peer.finished).toBeUndefined();
    peer.end();
    expect(await peer.ended).toBe('fin');
    await Promise.all([peer.closed, left]);
  } finally {
    await server.close();
  }
});
