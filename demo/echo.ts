// The endpoint /echo: every message goes back as it came, text as text and binary as binary (§5.6).
// A peer that sends and does not read is not read from either, so what waits for it stays bounded.
// Pages of other origins are refused by the library's default (§10.2).

import type { Server } from 'node:http';
import { type WebSocket, WebSocketServer } from '../src/index.ts';
import { createProbe, selectProtocol } from './probe.ts';

const MAX_PEERS = 200;
/** Bytes that may wait for one peer before its messages are left unread. */
const HIGH_WATER = 1024 * 1024;

/** Attaches /echo to an HTTP server. */
export function serveEcho(server: Server): WebSocketServer {
  const echo = new WebSocketServer({
    server,
    path: '/echo',
    maxPayload: 16 * 1024 * 1024,
    perMessageDeflate: true,
    handleProtocols: selectProtocol,
  });
  echo.on('connection', (socket) => {
    if (echo.clients.size > MAX_PEERS) socket.close(1013, 'Too many connections');
    else sendBack(socket);
  });
  return echo;
}

function sendBack(socket: WebSocket): void {
  const probe = createProbe(socket);
  socket.on('message', (data, isBinary) => {
    // A Buffer, as long as nobody sets `binaryType`.
    const bytes = data as Buffer;
    if (!isBinary && bytes.length < 32 && probe.take(bytes.toString())) return;
    socket.send(bytes, { binary: isBinary }, () => {
      if (socket.isPaused && socket.bufferedAmount < HIGH_WATER) socket.resume();
    });
    if (socket.bufferedAmount >= HIGH_WATER) socket.pause();
  });
}
