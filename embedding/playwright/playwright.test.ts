// Playwright over WebSockets of handfast's: a browser server and its clients, whose both ends are ours, and
// connections to Chromium's own debugging port.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Browser, BrowserServer, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { describePeer, findBinary } from '../../test/peers/peers.ts';
import { closeLoopback, listenLoopback } from '../support/loopback.ts';
import { LARGE, patternedBytes, thousandInOrder } from '../support/messages.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';
import { DebuggedChromium } from './debugged-chromium.ts';
import { loadUnbundled } from './unbundled.ts';

const needed = { chromium: findBinary('chromium', 'chromium-browser', 'google-chrome') };
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic'];
const unbundled = loadUnbundled();
const { chromium } = unbundled.playwright;

afterAll(unbundled.remove);

function disconnection(browser: Browser): Promise<unknown> {
  return nextCall('disconnected', (call) => browser.once('disconnected', call));
}

/** What both ways of connecting have to carry. */
function itCarries(pageOf: () => Page): void {
  it('text of any script, and a mebibyte there and back', async () => {
    const text = 'Grüße, 世界 🌍';
    expect(await pageOf().evaluate((value) => value, text)).toBe(text);
    const large = patternedBytes(LARGE / 2).toString('hex');
    const echoed = await pageOf().evaluate((value) => value, large);
    expect(echoed === large).toBe(true);
  });

  it('bytes both ways, as Playwright writes them in JSON', async () => {
    await pageOf().setContent('<input type=file>');
    const buffer = patternedBytes(LARGE);
    await pageOf().setInputFiles('input', { name: 'a.bin', mimeType: 'a/b', buffer });
    const sum = await pageOf().evaluate(
      `document.querySelector('input').files[0].arrayBuffer().then((bytes) =>
        new Uint8Array(bytes).reduce((total, byte) => total + byte, 0))`,
    );
    expect(sum).toBe(buffer.reduce((total, byte) => total + byte, 0));
    const picture = await pageOf().screenshot();
    expect(picture.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
  });

  it('a thousand commands in order', async () => {
    let receive: (text: string) => void = () => undefined;
    await thousandInOrder(
      (text) =>
        pageOf()
          .evaluate((value) => value, text)
          .then((value) => receive(value)),
      (call) => {
        receive = call;
      },
    );
  });
}

describePeer('Playwright and Chromium', needed, (found) => {
  describe('connect to a browser server', () => {
    let server: BrowserServer;
    let browser: Browser;
    let page: Page;
    beforeAll(async () => {
      server = await chromium.launchServer({ executablePath: found.chromium, args });
      browser = await chromium.connect(server.wsEndpoint());
      page = await browser.newPage();
    });
    afterAll(async () => {
      await browser?.close();
      await server?.close();
    });

    itCarries(() => page);

    it('reaches a server of this machine through exposeNetwork', async () => {
      const site = createServer((_, response) => response.end('from here'));
      const port = await listenLoopback(site);
      const second = await chromium.connect(server.wsEndpoint(), { exposeNetwork: '<loopback>' });
      const other = await second.newPage();
      const response = await other.goto(`http://127.0.0.1:${port}/`);
      expect(await response?.text()).toBe('from here');
      await second.close();
      await closeLoopback(site);
    });

    it('tells its clients apart, and the others nothing when one closes', async () => {
      const second = await chromium.connect(server.wsEndpoint());
      const ended = disconnection(second);
      await second.newPage();
      await second.close();
      await ended;
      expect(second.isConnected()).toBe(false);
      expect(browser.isConnected()).toBe(true);
      expect(await page.evaluate(() => 1)).toBe(1);
    });

    it('closes with 1007 a client that sends no JSON', async () => {
      const client = new WebSocket(server.wsEndpoint());
      const closed = nextCall<[number, Buffer]>('close', (call) => client.on('close', call));
      const upgraded = once(client, 'upgrade');
      await once(client, 'open');
      // Playwright's ends ask for compression, so that all connections of these tests use it.
      const [{ headers }] = await upgraded;
      const agreed = 'permessage-deflate; server_no_context_takeover';
      expect(headers['sec-websocket-extensions']).toBe(agreed);
      client.send('no JSON');
      const [code, reason] = await closed;
      expect([code, reason.toString()]).toEqual([1007, 'Malformed message']);
    });

    it('refuses another path with 400, which the client is told', async () => {
      const endpoint = `${server.wsEndpoint()}/elsewhere`;
      await expect(chromium.connect(endpoint)).rejects.toThrow(`${endpoint} 400 Bad Request`);
    });

    it('tells its clients when it is closed', async () => {
      const own = await chromium.launchServer({ executablePath: found.chromium, args });
      const client = await chromium.connect(own.wsEndpoint());
      const other = await client.newPage();
      const never = expect(other.evaluate(() => new Promise(() => undefined))).rejects.toThrow(
        /closed/,
      );
      const ended = disconnection(client);
      await own.close();
      await ended;
      await never;
    });
  });

  describe('connect over CDP', () => {
    let debugged: DebuggedChromium;
    let browser: Browser;
    let page: Page;
    beforeAll(async () => {
      debugged = await DebuggedChromium.start(found.chromium);
      browser = await chromium.connectOverCDP(debugged.httpUrl);
      page = await browser.newPage();
    });
    afterAll(async () => {
      await browser?.close();
      await debugged?.stop();
    });

    itCarries(() => page);

    it('finds a host by name, through the lookup that it hands over', async () => {
      const endpoint = debugged.endpoint.replace('127.0.0.1', 'localhost');
      const second = await chromium.connectOverCDP(endpoint);
      expect(second.version()).toBe(browser.version());
      await second.close();
    });

    it('follows a redirect by itself, giving up the first handshake', async () => {
      const moved = createServer().on('upgrade', (_, socket) => {
        socket.end(`HTTP/1.1 302 Found\r\nLocation: ${debugged.endpoint}\r\n\r\n`);
      });
      const port = await listenLoopback(moved);
      const second = await chromium.connectOverCDP(`ws://127.0.0.1:${port}/`);
      expect(second.version()).toBe(browser.version());
      await second.close();
      await closeLoopback(moved);
    });

    it('is told when the browser dies', async () => {
      const own = await DebuggedChromium.start(found.chromium);
      const client = await chromium.connectOverCDP(own.endpoint);
      const ended = disconnection(client);
      await own.stop();
      await ended;
      expect(client.isConnected()).toBe(false);
    });
  });
});

describe('errors of connecting', () => {
  let server: WebSocketServer;
  let endpoint: string;
  beforeEach(async () => {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    endpoint = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterEach(() => new Promise<void>((resolve) => server.close(() => resolve())));

  const table = [
    {
      name: 'connect',
      connect: (url: string, options = {}) => chromium.connect(url, options),
      ended: /no b/,
    },
    {
      name: 'connectOverCDP',
      connect: (url: string, options = {}) => chromium.connectOverCDP(url, options),
      ended: /code=4001 reason=no b/,
    },
  ];

  describe.each(table)('$name', ({ connect, ended }) => {
    it('names a refused connection', async () => {
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await expect(connect(endpoint)).rejects.toThrow(/WebSocket error: .*ECONNREFUSED/);
    });

    it('shows what was answered in place of a 101', async () => {
      const refusing = createServer().on('upgrade', (_, socket) => {
        socket.end(
          'HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\nConnection: close\r\n\r\nnot you',
        );
      });
      const port = await listenLoopback(refusing);
      const error = /WebSocket error: .* 403 Forbidden\s+not you/;
      await expect(connect(`ws://127.0.0.1:${port}/`)).rejects.toThrow(error);
      await closeLoopback(refusing);
    });

    it('sends the headers it is given, and says how the server closed', async () => {
      server.on('connection', (socket, request) => {
        // Not at once: for a moment after its handshake Playwright itself does not notice a close.
        socket.once('message', () => socket.close(4001, `no ${request.headers['x-a']}`));
      });
      await expect(connect(endpoint, { headers: { 'X-A': 'b' } })).rejects.toThrow(ended);
    });

    it('gives up when its time is over, and leaves no connection behind', async () => {
      const sockets: Duplex[] = [];
      const silent = createServer().on('upgrade', (_, socket) => sockets.push(socket));
      const port = await listenLoopback(silent);
      const connecting = connect(`ws://127.0.0.1:${port}/`, { timeout: 300 });
      await expect(connecting).rejects.toThrow(/Timeout 300ms exceeded/);
      const [socket] = sockets as [Duplex];
      socket.resume();
      await waitFor('its end', () => socket.readableEnded || socket.destroyed);
      socket.destroy();
      await closeLoopback(silent);
    });
  });
});
