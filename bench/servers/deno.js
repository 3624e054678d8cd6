// Deno's own server: echo, or with `broadcast` every message to all.

import { obey } from './control.mjs';

const broadcast = Deno.args[0] === 'broadcast';
const clients = new Set();
let messages = 0;

const server = Deno.serve({ hostname: '127.0.0.1', port: 0, onListen() {} }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => clients.add(socket);
  socket.onclose = () => clients.delete(socket);
  socket.onerror = () => {};
  socket.onmessage = ({ data }) => {
    messages++;
    if (!broadcast) socket.send(data);
    else for (const client of clients) client.send(data);
  };
  return response;
});
obey({ port: server.addr.port, version: `Deno ${Deno.version.deno}`, count: () => messages });
