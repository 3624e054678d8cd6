// handfast as built from this checkout: echo, or with `broadcast` every message to all.

import process from 'node:process';
import { WebSocketServer } from '../.dist/index.js';
import { obey } from './control.mjs';

const broadcast = process.argv[2] === 'broadcast';
let messages = 0;

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 4096 });
server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, isBinary) => {
    messages++;
    if (!broadcast) socket.send(data, { binary: isBinary });
    else for (const client of server.clients) client.send(data, { binary: isBinary });
  });
});
server.on('listening', () => {
  const version = `handfast on Node ${process.versions.node}`;
  obey({ port: server.address().port, version, count: () => messages });
});
