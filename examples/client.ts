import { WebSocket } from '../src/index.ts';

const socket = new WebSocket(process.argv[2] ?? 'ws://127.0.0.1:8080');

socket.on('open', () => socket.send('Is anyone there?'));
socket.on('message', (data, isBinary) => {
  console.log('received', isBinary ? data : data.toString());
  if (data.toString() === 'Is anyone there?') socket.close(1000, 'Thank you');
});
socket.on('error', console.error);
socket.on('close', (code, reason) => console.log('closed', code, reason.toString()));
