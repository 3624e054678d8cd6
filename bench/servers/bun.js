// Bun's own server: echo, or with `broadcast` every message to all by its publish/subscribe.

import { obey } from './control.mjs';

const broadcast = process.argv[2] === 'broadcast';
let messages = 0;

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch(request, self) {
    return self.upgrade(request) ? undefined : new Response('WebSocket only', { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    open(socket) {
      if (broadcast) socket.subscribe('all');
    },
    message(socket, data) {
      messages++;
      if (broadcast) server.publish('all', data);
      else socket.send(data);
    },
  },
});
obey({
  port: server.port,
  version: `Bun ${Bun.version}`,
  count: () => messages,
  gc: () => Bun.gc(true),
});
