// Every case against the bare protocol endpoint, as somebody would embed it: bytes from a socket in,
// bytes out, no server, no client, no WebSocket object. What passes here is the core's own doing.

import { once } from 'node:events';
import * as net from 'node:net';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { Connection, type Role } from '../../src/connection/index.ts';
import { RawPeer } from '../support/wire.ts';
import { type Case, chopped } from './case.ts';
import { CASES } from './cases.ts';
import { run } from './run.ts';

/** An echoing endpoint over a socket that is past its opening handshake. */
function echo(socket: net.Socket, role: Role): void {
  const connection = new Connection(
    { role },
    {
      onMessage: (data, isBinary) => connection.send(data, isBinary),
      onPing() {},
      onPong() {},
      onClose() {},
      onFail() {},
    },
    {
      write: (chunks) => socket.write(Buffer.concat(chunks)),
      wake: () => queueMicrotask(() => connection.flush()),
      end: () => socket.end(),
    },
  );
  socket.on('data', (chunk) => connection.receive(chunk));
  socket.on('end', () => {
    connection.receiveEnd();
    socket.end();
  });
  // A tester that has seen enough may reset the connection; the cases judge what it saw.
  socket.on('error', () => {});
}

for (const role of ['server', 'client'] as const) {
  describe.concurrent(`the conformance cases against the bare endpoint as a ${role}`, () => {
    const listener = net.createServer({ allowHalfOpen: true, noDelay: true });

    beforeAll(async () => {
      listener.on('connection', (socket) => echo(socket, role));
      listener.listen(0, '127.0.0.1');
      await once(listener, 'listening');
    });

    afterAll(async () => {
      listener.close();
      await once(listener, 'close');
    });

    async function play(entry: Case): Promise<void> {
      const { port } = listener.address() as net.AddressInfo;
      const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      // The tester is the other role; which side of TCP dialled says nothing without a handshake.
      const tester = new RawPeer(socket, role === 'server' ? 'client' : 'server');
      try {
        await run(tester, entry);
      } finally {
        tester.destroy();
      }
    }

    for (const entry of CASES) {
      it(`${entry.rows} ${entry.number} ${entry.title}`, () => play(entry));
      const octets = chopped(entry);
      if (octets === undefined) continue;
      it(`[6455-6.2-a] ${entry.number} the same octet by octet`, () => play(octets));
    }
  });
}
