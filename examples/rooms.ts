// Rooms over raw TCP sockets: what a library with a protocol of its own would build on the ports of
// `Connection`. No server class and no socket class of ours: the opening handshake as functions, one
// endpoint for each socket, and messages that are encoded and compressed once for a whole room.

import { createServer, type Socket } from 'node:net';
import { Connection } from '../src/connection/index.ts';
import { acceptOffer, DeflateCodec } from '../src/deflate/index.ts';
import {
  checkRequest,
  formatAccept,
  formatRefusal,
  formatResponse,
  HeadParser,
} from '../src/handshake/index.ts';
import {
  type ClientOptions,
  HandshakeError,
  PreparedMessage,
  type ProtocolError,
  WebSocket,
} from '../src/index.ts';

/** Everybody who is in a room, by the path that they asked for. */
const rooms = new Map<string, Set<Connection>>();

const server = createServer((socket) => {
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  const parser = new HeadParser('request');
  const onData = (chunk: Buffer): void => {
    try {
      const head = parser.parse(chunk);
      if (head === null) return;
      socket.off('data', onData);
      enter(socket, head);
      if (head.rest.length > 0) socket.emit('data', head.rest);
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error;
      socket.end(formatRefusal(error.status, error.message, error.headers));
    }
  };
  socket.on('data', onData);
});

/** §4.2.2: answers the request, then speaks frames on the socket. */
function enter(socket: Socket, head: Parameters<typeof checkRequest>[0]): void {
  const { key, extensions, resourceName = '/' } = checkRequest(head);
  const deflate = acceptOffer(extensions, { serverNoContextTakeover: true });
  const answer = formatAccept({ key, extensions: deflate ? [deflate.response] : [] });
  socket.write(formatResponse(answer), 'latin1');

  const room = rooms.get(resourceName) ?? new Set();
  rooms.set(resourceName, room);
  const connection: Connection = new Connection(
    {
      role: 'server',
      maxPayload: 64 * 1024,
      codec: deflate && new DeflateCodec('server', deflate.parameters, { threshold: 32 }),
    },
    {
      onMessage(data, isBinary) {
        // A protocol of one's own would be read here. This one says everything to everybody else.
        const message = new PreparedMessage(data, { binary: isBinary });
        for (const other of room) if (other !== connection) other.sendPrepared(message);
      },
      onPing() {},
      onPong() {},
      onClose: () => room.delete(connection),
      onFail: (error: ProtocolError) => console.error(`failed: ${error.message}`),
    },
    {
      write: (chunks) => connection.setCongested(!socket.write(Buffer.concat(chunks))),
      wake: () => process.nextTick(() => connection.flush()),
      end: () => socket.end(),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
    },
  );
  room.add(connection);
  socket.on('data', (chunk) => connection.receive(chunk));
  socket.on('drain', () => connection.setCongested(false));
  socket.on('end', () => socket.end());
  socket.on('close', () => {
    room.delete(connection);
    connection.receiveEnd();
  });
}

/** A visitor, for the sake of the example. */
function visit(name: string, url: string, options: ClientOptions): Promise<WebSocket> {
  const visitor = new WebSocket(url, options);
  visitor.on('message', (data) => console.log(`${name} hears: ${data}`));
  visitor.on('close', (code) => console.log(`${name} left with ${code}`));
  return new Promise((resolve) => visitor.on('open', () => resolve(visitor)));
}

server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address() as { port: number };
  const url = `ws://127.0.0.1:${port}`;
  const ann = await visit('Ann', `${url}/garden`, {});
  const ben = await visit('Ben', `${url}/garden`, { perMessageDeflate: false });
  const cem = await visit('Cem', `${url}/cellar`, {});
  console.log(`Ann compresses: ${ann.extensions || 'no'}; Ben: ${ben.extensions || 'no'}`);
  ben.once('message', () => {
    for (const visitor of [ann, ben, cem]) visitor.close(1000);
    server.close();
  });
  cem.send('is anybody down here?');
  ann.send('roses, roses, roses and more roses in the garden');
});
