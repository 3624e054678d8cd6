// The implementation under test: the one line to change in order to put another one to the test.

export { WebSocket, WebSocketServer } from '../../src/index.ts';
