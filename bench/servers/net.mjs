// The ceiling: answers the handshake, then gives every chunk back as it came, frames unread. No
// WebSocket server on Node streams can be expected to beat it where each message is a chunk.

import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import process from 'node:process';
import { decline, obey, service } from './control.mjs';

if (service.compression !== 'none') decline('it does not compress');
if (service.prepared) decline('it has no frames to prepare');
if (!['echo', 'fan-out'].includes(service.answer)) decline('it reads no frames');
const { repeat = 1 } = service;
const clients = new Set();

function open(socket, head) {
  const key = /^sec-websocket-key: *(\S+)/im.exec(head)?.[1];
  const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
  const accept = createHash('sha1').update(`${key}${guid}`).digest('base64');
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  clients.add(socket);
  socket.on('data', (chunk) => {
    if (service.answer === 'echo') {
      socket.write(chunk);
      return;
    }
    for (let i = 0; i < repeat; i++) for (const client of clients) client.write(chunk);
  });
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {});
  socket.on('close', () => clients.delete(socket));
  let head = '';
  socket.on('data', function gather(chunk) {
    head += chunk.toString('latin1');
    if (!head.endsWith('\r\n\r\n')) return;
    socket.off('data', gather);
    open(socket, head);
  });
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  const version = `net.Socket on Node ${process.versions.node}`;
  obey({ port: server.address().port, version, count: () => null });
});
