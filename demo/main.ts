// `npm start`: one HTTP server with the page and two WebSocket endpoints, from HOST and PORT to the
// last Close frame. Says in the terminal what to do next, or in one line why it cannot start.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveChat } from './chat.ts';
import { serveEcho } from './echo.ts';
import { createPages } from './pages.ts';

const host = process.env.HOST || '127.0.0.1';
const port = readPort(process.env.PORT || '8080');

const server = createServer(createPages());
server.maxConnections = 1000;
const endpoints = [serveEcho(server), serveChat(server)];
// Each endpoint passes the HTTP server's errors on as its own; they are told once, here.
for (const endpoint of endpoints) endpoint.on('error', () => {});
server.once('error', (error: NodeJS.ErrnoException) => leave(explain(error)));
server.listen(port, host, () => {
  process.stdout.write(welcome(server.address() as AddressInfo));
});

process.once('SIGINT', stop);
process.once('SIGTERM', stop);

function readPort(text: string): number {
  const number = Number(text);
  if (/^\d{1,5}$/.test(text) && number <= 65_535) return number;
  return leave(`PORT=${text} is not a port. Choose one from 0 to 65535: PORT=8081 npm start`);
}

function leave(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function explain(error: NodeJS.ErrnoException): string {
  const other = `PORT=${port < 1024 ? 8081 : Math.min(port + 1, 65_535)} npm start`;
  if (error.code === 'EADDRINUSE') return `Port ${port} is taken. Choose another: ${other}`;
  if (error.code === 'EACCES') return `Port ${port} needs more rights. Choose another: ${other}`;
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return `HOST=${host} is not an address of this machine. Try: HOST=127.0.0.1 npm start`;
  }
  return `The server cannot listen on ${host}, port ${port}: ${error.message}`;
}

function welcome({ address, family, port: bound }: AddressInfo): string {
  const anywhere = address === '0.0.0.0' || address === '::';
  const name = anywhere ? 'localhost' : family === 'IPv6' ? `[${address}]` : address;
  const origin = `${name}:${bound}`;
  return `
  handfast demo: http://${origin}/

  Open it in two windows and choose /chat, or talk to /echo from this folder
  in a second terminal:

    node --import tsx -e "import('./src/index.ts').then(({ WebSocket }) => { const ws = new WebSocket('ws://${origin}/echo'); ws.onopen = () => ws.send('hello'); ws.onmessage = ({ data }) => { console.log(data); ws.close(); }; })"

  Elsewhere: HOST=0.0.0.0 PORT=8081 npm start (0.0.0.0 opens it to your network)
  Stop with Ctrl+C.

`;
}

async function stop(signal: NodeJS.Signals): Promise<void> {
  // A second Ctrl+C does not wait.
  process.once('SIGINT', () => process.exit(130));
  process.stdout.write(`\n  ${signal}: closing every connection with 1001.\n`);
  server.close();
  const going = { code: 1001, reason: 'The server is going away', timeout: 1500 };
  await Promise.all(endpoints.map((endpoint) => endpoint.shutdown(going)));
  server.closeAllConnections();
  process.exit(0);
}
