// ws: echo, or with `broadcast` every message to all. Plain with WS_NO_BUFFER_UTIL=1; otherwise
// bufferutil has to be there, so that the figure bears the right name.

import { createRequire } from 'node:module';
import process from 'node:process';
import { WebSocketServer } from 'ws';
import { obey } from './control.mjs';

const require = createRequire(import.meta.url);
const parts = [`ws ${require('ws/package.json').version}`];
if (!process.env.WS_NO_BUFFER_UTIL) {
  require('bufferutil');
  parts.push(`bufferutil ${require('bufferutil/package.json').version}`);
}
const broadcast = process.argv[2] === 'broadcast';
let messages = 0;

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  backlog: 4096,
  // By default ws refuses a message of so many fragments as one scenario has.
  maxFragments: 0,
  maxBufferedChunks: 0,
});
server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, isBinary) => {
    messages++;
    if (!broadcast) socket.send(data, { binary: isBinary });
    else for (const client of server.clients) client.send(data, { binary: isBinary });
  });
});
server.on('listening', () => {
  const version = `${parts.join(' + ')} on Node ${process.versions.node}`;
  obey({ port: server.address().port, version, count: () => messages });
});
