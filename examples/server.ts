import { WebSocketServer } from '../src/index.ts';

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.env.PORT ?? 8080) });

server.on('listening', () => console.log('listening', server.address()));
server.on('connection', (socket) => {
  socket.on('error', console.error);
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.send('Welcome');
});

process.once('SIGTERM', () => server.shutdown({ code: 1001, timeout: 1000 }));
