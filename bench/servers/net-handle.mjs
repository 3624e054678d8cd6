// The floor of Node itself: the handle below `net.Socket`, read and written without any stream. It is
// nobody's to use; it tells how much of a socket's cost is Node's JavaScript.

import { createServer } from 'node:net';
import process from 'node:process';
import { answerHead, enter, leave, receive } from './bare.mjs';
import { decline, obey } from './control.mjs';

/** What Node's own sockets are made of; deprecated for everybody else, and it may go. */
function findBinding() {
  try {
    return process.binding('stream_wrap');
  } catch {
    return decline('this Node keeps its handles to itself');
  }
}

const { WriteWrap, streamBaseState, kReadBytesOrError, kLastWriteWasAsync } = findBinding();
const LENGTH = 64 * 1024;
const open = new Set();
let shared = Buffer.allocUnsafeSlow(LENGTH);

function onWritten() {}

function onRead() {
  this.client.read(streamBaseState[kReadBytesOrError]);
}

class Client {
  #handle;
  #isOpen = false;
  #closed = false;

  constructor(handle) {
    this.#handle = handle;
    handle.client = this;
    handle.onread = onRead;
    handle.useUserBuffer(shared);
    handle.setNoDelay(true);
    handle.readStart();
  }

  useBuffer(buffer) {
    this.#handle.useUserBuffer(buffer);
  }

  /** What the system does not take at once is libuv's to write, from the same memory. */
  write(chunk) {
    if (this.#closed) return;
    const request = new WriteWrap();
    request.oncomplete = onWritten;
    // It lives as long as its request.
    request.chunk = chunk;
    this.#handle.writeBuffer(request, chunk);
    if (streamBaseState[kLastWriteWasAsync] && chunk.buffer === shared.buffer) replaceShared();
  }

  read(length) {
    if (length === 0) return;
    if (length < 0) {
      this.#close();
      return;
    }
    const chunk = shared.subarray(0, length);
    if (this.#isOpen) {
      receive(this, chunk);
      return;
    }
    const response = answerHead(this, chunk);
    if (response === null) return;
    this.#isOpen = true;
    this.write(Buffer.from(response, 'latin1'));
    enter(this);
  }

  #close() {
    this.#closed = true;
    open.delete(this);
    leave(this);
    this.#handle.close();
  }
}

function replaceShared() {
  shared = Buffer.allocUnsafeSlow(LENGTH);
  for (const client of open) client.useBuffer(shared);
}

const server = createServer();
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  server._handle.onconnection = (_, handle) => handle && open.add(new Client(handle));
  const version = `TCP handle on Node ${process.versions.node}`;
  obey({ port: server.address().port, version, count: () => null });
});
