// The demo's convention against a socket that is only a record of what was asked of it.

import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { createProbe, selectProtocol } from '../../demo/probe.ts';
import type { WebSocket } from '../../src/index.ts';

class Recorder extends EventEmitter {
  readonly sent: string[] = [];
  readonly pings: Buffer[] = [];
  readonly protocol: string;
  bufferedAmount = 0;

  constructor(protocol = 'demo.handfast') {
    super();
    this.protocol = protocol;
  }

  send(text: string): void {
    this.sent.push(text);
  }

  ping(payload: Buffer): void {
    this.pings.push(payload);
  }
}

const probeOf = (socket: Recorder) => createProbe(socket as unknown as WebSocket);

it('picks the subprotocol among others, and none when it is not offered', () => {
  expect(selectProtocol(new Set(['chat', 'demo.handfast']))).toBe('demo.handfast');
  expect(selectProtocol(new Set(['chat']))).toBe(false);
});

it('takes nothing from a peer without the subprotocol', () => {
  const socket = new Recorder('');
  const probe = probeOf(socket);
  expect(probe.take('demo:echo 1')).toBe(false);
  expect(probe.take('demo:ping')).toBe(false);
  expect(socket.sent).toEqual([]);
});

it.each(['demo:echo', 'demo:echo x', 'demo:echo 1\n', ' demo:ping', 'demo:pong 1.00'])(
  'leaves %j to the endpoint',
  (text) => {
    expect(probeOf(new Recorder()).take(text)).toBe(false);
  },
);

it('has one Ping under way at a time, and counts only the Pong that answers it', () => {
  const socket = new Recorder();
  const probe = probeOf(socket);
  expect(probe.take('demo:ping')).toBe(true);
  expect(probe.take('demo:ping')).toBe(true);
  expect(socket.pings).toHaveLength(1);
  socket.emit('pong', Buffer.from('unasked'));
  expect(socket.sent).toEqual([]);
  socket.emit('pong', Buffer.from(socket.pings[0]));
  socket.emit('pong', Buffer.from(socket.pings[0]));
  expect(socket.sent).toEqual([expect.stringMatching(/^demo:pong \d+\.\d\d$/)]);
  probe.take('demo:ping');
  expect(socket.pings).toHaveLength(2);
});

it('leaves a peer without answers that asks and does not read', () => {
  const socket = new Recorder();
  const probe = probeOf(socket);
  expect(probe.take('demo:echo 1')).toBe(true);
  socket.bufferedAmount = 1024 * 1024;
  expect(probe.take('demo:echo 2')).toBe(true);
  expect(socket.sent).toEqual(['demo:echo 1']);
});
