// The examples run as they stand, and say what the documentation says they say.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Child, printed, run } from '../demo/child.ts';

describe('server.ts and client.ts', () => {
  let server: Child;
  let url: string;

  beforeAll(async () => {
    server = run('examples/server.ts', { PORT: '0' });
    const [, port] = await printed(server, /listening .*port: (\d+)/);
    url = `ws://127.0.0.1:${port}`;
  });

  afterAll(() => server?.end());

  it('talk to each other and close with 1000', async () => {
    const client = run('examples/client.ts', {}, [url]);
    expect(await client.ended).toBe(0);
    expect(client.output().trim().split('\n')).toEqual([
      'received Welcome',
      'received Is anyone there?',
      'closed 1000 Thank you',
    ]);
    expect(client.errors()).toBe('');
  });

  it('let a standing client hear 1001 when the server is told to stop, and end by themselves', async () => {
    const other = run('examples/server.ts', { PORT: '0' });
    try {
      const [, port] = await printed(other, /listening .*port: (\d+)/);
      const { WebSocket } = await import('../../src/index.ts');
      const socket = new WebSocket(`ws://127.0.0.1:${port}`);
      const closed = new Promise((resolve) => socket.on('close', resolve));
      await new Promise<void>((resolve) => socket.on('open', () => resolve()));
      other.process.kill('SIGTERM');
      expect(await closed).toBe(1001);
      expect(await other.ended).toBe(0);
      expect(other.errors()).toBe('');
    } finally {
      await other.end();
    }
  });

  it.each(['server.ts', 'client.ts'])('%s is short enough for a first page', (name) => {
    const text = readFileSync(new URL(`../../examples/${name}`, import.meta.url), 'utf8');
    expect(text.trim().split('\n').length).toBeLessThanOrEqual(12);
  });
});

describe('serial-duplex.ts', () => {
  it('carries messages, a Ping and the closing handshake over a line that is no socket', async () => {
    const serial = run('examples/serial-duplex.ts');
    expect(await serial.ended).toBe(0);
    expect(serial.output().trim().split('\n')).toEqual([
      'client: pong are you there',
      'client: boiler: 21.5 °C',
      'server: closed 1000 enough',
      'client: closed 1000 enough',
    ]);
    expect(serial.errors()).toBe('');
  });
});

describe('rooms.ts', () => {
  it('is a server of its own on the ports of the sans-I/O rooms', async () => {
    const rooms = run('examples/rooms.ts');
    expect(await rooms.ended).toBe(0);
    const lines = rooms.output().trim().split('\n');
    expect(lines.slice(0, 2)).toEqual([
      'Ann compresses: permessage-deflate; Ben: no',
      'Ben hears: roses, roses, roses and more roses in the garden',
    ]);
    expect(lines.slice(2).sort()).toEqual([
      'Ann left with 1000',
      'Ben left with 1000',
      'Cem left with 1000',
    ]);
    expect(rooms.errors()).toBe('');
  });
});
