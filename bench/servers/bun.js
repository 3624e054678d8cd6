// Bun's own server. What others call a prepared message is its publish/subscribe.

import { obey, service } from './control.mjs';
import { createAcknowledgement, createPattern } from './payloads.mjs';

const { repeat = 1, compression } = service;
const compressed = compression !== 'none';
const kind = compression === 'reset' ? 'shared' : 'dedicated';
const pattern = createPattern(service.size ?? 0);
const acknowledgement = createAcknowledgement();
const clients = new Set();
let messages = 0;

const answers = {
  echo: (socket, data) => socket.send(data, compressed),
  ack: (socket) => {
    if (++socket.data.count % repeat === 0) socket.send(acknowledgement);
  },
  stream: (socket) => {
    for (let i = 0; i < repeat; i++) socket.send(pattern);
  },
  'fan-out': (_, data) => {
    for (let i = 0; i < repeat; i++) {
      if (service.prepared) server.publish('all', data, compressed);
      else for (const client of clients) client.send(data, compressed);
    }
  },
};
const answer = answers[service.answer];

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch(request, self) {
    const upgraded = self.upgrade(request, { data: { count: 0 } });
    return upgraded ? undefined : new Response('WebSocket only', { status: 426 });
  },
  websocket: {
    perMessageDeflate: compressed && { compress: kind, decompress: kind },
    open(socket) {
      clients.add(socket);
      if (service.prepared) socket.subscribe('all');
    },
    close: (socket) => clients.delete(socket),
    message(socket, data) {
      messages++;
      answer(socket, data);
    },
  },
});
obey({
  port: server.port,
  version: `Bun ${Bun.version}`,
  count: () => messages,
  gc: () => Bun.gc(true),
});
