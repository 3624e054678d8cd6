// The floor for libraries that also save what a `net.Socket` takes for every read: all accepted sockets
// read into one buffer (`onread`), past the readable stream. Node documents that for outgoing ones only.
// With BARE_KEPT every chunk is given memory of its own, as a message must be that its receiver may keep.

import { createServer, Socket } from 'node:net';
import process from 'node:process';
import { answerHead, enter, leave, receive } from './bare.mjs';
import { obey } from './control.mjs';

const LENGTH = 64 * 1024;
const isKept = process.env.BARE_KEPT !== undefined;
const wrapped = new Map();
let shared = Buffer.allocUnsafeSlow(LENGTH);

/** What a socket could not write at once lies in the buffer: it keeps that one, all others get a new one. */
function replaceShared() {
  shared = Buffer.allocUnsafeSlow(LENGTH);
  for (const handle of wrapped.values()) handle.useUserBuffer(shared);
}

function onError() {}

function onClose() {
  wrapped.delete(this);
  leave(this);
}

/** `this` is the socket; the buffer may have been replaced since it was made. */
function onRead(length) {
  const chunk = shared.subarray(0, length);
  if (this.isOpen) {
    receive(this, isKept ? Buffer.from(chunk) : chunk);
    if (!isKept && this.writableLength > 0) replaceShared();
    return true;
  }
  const response = answerHead(this, chunk);
  if (response === null) return true;
  this.isOpen = true;
  this.write(response);
  enter(this);
  return true;
}

function accept(handle) {
  const socket = new Socket({ handle, onread: { buffer: shared, callback: onRead } });
  socket.isOpen = false;
  wrapped.set(socket, handle);
  socket.on('error', onError);
  socket.on('close', onClose);
  socket.setNoDelay();
  socket.resume();
}

const server = createServer();
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  server._handle.onconnection = (_, handle) => handle && accept(handle);
  const version = `net.Socket with onread${isKept ? ', chunks kept,' : ''} on Node ${process.versions.node}`;
  obey({ port: server.address().port, version, count: () => null });
});
