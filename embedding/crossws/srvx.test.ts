// The server that crossws brings along, over srvx: with a WebSocketServer of ours in its options, and with one
// that the application has already and hands the upgrades to.

import { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Peer } from 'crossws';
import { fromNodeUpgradeHandler } from 'crossws/adapters/node';
import { serve } from 'crossws/server/node';
import { describe, expect, it } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { thousandInOrder } from '../support/messages.ts';
import { nextCall } from '../support/wait-for.ts';

describe('the server of the package, over srvx', () => {
  async function start(websocket: object): Promise<{ url: string; close(): Promise<void> }> {
    const server = serve({
      websocket,
      fetch: () => new Response('by HTTP'),
      port: 0,
      hostname: '127.0.0.1',
      silent: true,
      gracefulShutdown: false,
    });
    await server.ready();
    const http = server.node?.server;
    if (!(http instanceof Server)) throw new Error('the server has no node:http server');
    const { port } = http.address() as AddressInfo;
    return { url: `127.0.0.1:${port}`, close: () => server.close(true) };
  }

  async function expectEcho(url: string): Promise<void> {
    expect(await (await fetch(`http://${url}/`)).text()).toBe('by HTTP');
    const client = new WebSocket(`ws://${url}/`);
    await nextCall('open', (call) => client.once('open', call));
    await thousandInOrder(
      (text) => client.send(text),
      (receive) => client.on('message', (data) => receive(data.toString())),
    );
    client.terminate();
  }

  it('takes a WebSocketServer of ours through its options', async () => {
    const wss = new WebSocketServer({ noServer: true });
    const server = await start({
      message: (peer: Peer, message: { rawData: unknown }) => void peer.send(message.rawData),
      options: { node: { wss } },
    });
    await expectEcho(server.url);
    await server.close();
  });

  it('hands the upgrade to one that the application has already', async () => {
    const wss = new WebSocketServer({ noServer: true });
    wss.on('connection', (socket) => {
      socket.on('message', (data, isBinary) => socket.send(data as Buffer, { binary: isBinary }));
    });
    const server = await start(
      fromNodeUpgradeHandler((request, socket, head) => {
        wss.handleUpgrade(request, socket, head, (ws) => wss.emit('connection', ws, request));
      }),
    );
    await expectEcho(server.url);
    await server.close();
  });
});
