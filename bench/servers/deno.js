// Deno's own server.

import { decline, obey, service } from './control.mjs';
import { createAcknowledgement, createPattern } from './payloads.mjs';

if (service.compression !== 'none') decline('it has no permessage-deflate');
if (service.prepared) decline('it has neither prepared messages nor publish/subscribe');
const { repeat = 1 } = service;
const pattern = createPattern(service.size ?? 0);
const acknowledgement = createAcknowledgement();
const clients = new Set();
let messages = 0;

const answers = {
  echo: (socket, data) => socket.send(data),
  ack: (socket, _, count) => {
    if (count % repeat === 0) socket.send(acknowledgement);
  },
  stream: (socket) => {
    for (let i = 0; i < repeat; i++) socket.send(pattern);
  },
  'fan-out': (_, data) => {
    for (let i = 0; i < repeat; i++) for (const client of clients) client.send(data);
  },
};
const answer = answers[service.answer];

const server = Deno.serve({ hostname: '127.0.0.1', port: 0, onListen() {} }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  let count = 0;
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => clients.add(socket);
  socket.onclose = () => clients.delete(socket);
  socket.onerror = () => {};
  socket.onmessage = ({ data }) => {
    messages++;
    answer(socket, data, ++count);
  };
  return response;
});
obey({ port: server.addr.port, version: `Deno ${Deno.version.deno}`, count: () => messages });
