// The server for libraries with the interface of ws, which are ws and handfast: the same code for both, so
// that only the libraries differ.

import { obey, service } from './control.mjs';
import { createAcknowledgement, createPattern } from './payloads.mjs';

/** How the interface of ws asks for permessage-deflate; small messages are to be compressed too. */
function deflateOptions() {
  if (service.compression === 'none') return false;
  const reset = service.compression === 'reset';
  const resetting = { serverNoContextTakeover: true, clientNoContextTakeover: true };
  return { threshold: 0, ...(reset ? resetting : {}) };
}

/** Options for the server; those that lift limits are no part of what is measured. */
export function createOptions() {
  return { host: '127.0.0.1', port: 0, backlog: 4096, perMessageDeflate: deflateOptions() };
}

/**
 * Serves with a WebSocketServer. `prepare` makes of a message a function that sends it to one
 * connection after the other; without one each is sent on its own.
 */
export function serve(server, version, prepare = null) {
  let messages = 0;
  const pattern = Buffer.from(createPattern(service.size ?? 0));
  const acknowledgement = Buffer.from(createAcknowledgement());
  const { repeat = 1 } = service;
  const sendTo = (data, isBinary) => {
    const options = { binary: isBinary };
    return prepare?.(data, isBinary) ?? ((client) => client.send(data, options));
  };
  const answers = {
    echo: (socket, data, isBinary) => socket.send(data, { binary: isBinary }),
    ack: (socket, _data, _isBinary, count) => {
      if (count % repeat === 0) socket.send(acknowledgement);
    },
    stream: (socket) => {
      for (let i = 0; i < repeat; i++) socket.send(pattern);
    },
    'fan-out': (_, data, isBinary) => {
      for (let i = 0; i < repeat; i++) {
        const send = sendTo(data, isBinary);
        for (const client of server.clients) send(client);
      }
    },
  };
  const answer = answers[service.answer];
  server.on('connection', (socket) => {
    let count = 0;
    socket.on('error', () => {});
    socket.on('message', (data, isBinary) => {
      messages++;
      answer(socket, data, isBinary, ++count);
    });
  });
  server.on('listening', () => {
    obey({ port: server.address().port, version, count: () => messages });
  });
}
