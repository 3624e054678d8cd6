// The floor for libraries on Node's sockets: a `net.Socket` that gives every chunk back as it came. None
// that writes once for each chunk can be expected to cost less.

import { createServer } from 'node:net';
import process from 'node:process';
import { answerHead, enter, leave, receive } from './bare.mjs';
import { obey } from './control.mjs';

function onError() {}

function onClose() {
  leave(this);
}

function onHead(chunk) {
  const response = answerHead(this, chunk);
  if (response === null) return;
  this.off('data', onHead);
  this.write(response);
  enter(this);
  this.on('data', onData);
}

function onData(chunk) {
  receive(this, chunk);
}

// The same functions for all, so that a connection's memory is that of its socket.
const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', onError);
  socket.on('close', onClose);
  socket.on('data', onHead);
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  const version = `net.Socket on Node ${process.versions.node}`;
  obey({ port: server.address().port, version, count: () => null });
});
