// The floor for libraries that upgrade from `node:http`: its server reads the request and hands the
// socket over, which then gives every chunk back as it came.

import { createServer } from 'node:http';
import process from 'node:process';
import { createResponse, enter, leave, receive } from './bare.mjs';
import { obey } from './control.mjs';

function onError() {}

function onClose() {
  leave(this);
}

// Sockets of an HTTP server do not end by themselves.
function onEnd() {
  this.end();
}

function onData(chunk) {
  receive(this, chunk);
}

const server = createServer();
server.on('upgrade', ({ headers }, socket) => {
  socket.on('error', onError);
  socket.on('end', onEnd);
  socket.on('close', onClose);
  socket.write(createResponse(headers['sec-websocket-key']));
  enter(socket);
  socket.on('data', onData);
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  const version = `node:http on Node ${process.versions.node}`;
  obey({ port: server.address().port, version, count: () => null });
});
