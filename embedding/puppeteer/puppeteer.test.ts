// Puppeteer driving a real Chromium: every command and event of the Chrome DevTools Protocol goes through
// handfast's client, as text.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { describePeer, findBinary } from '../../test/peers/peers.ts';
import { closeLoopback, listenLoopback } from '../support/loopback.ts';
import { LARGE, patternedBytes, thousandInOrder } from '../support/messages.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';
import { Relay } from './relay.ts';

const needed = { chromium: findBinary('chromium', 'chromium-browser', 'google-chrome') };

function launch(executablePath: string): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage'];
  return puppeteer.launch({ executablePath, args, headless: true });
}

function disconnection(browser: Browser): Promise<unknown> {
  return nextCall('disconnected', (call) => browser.once('disconnected', call));
}

describePeer('Puppeteer and Chromium', needed, (found) => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    browser = await launch(found.chromium);
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    page = await browser.newPage();
  });
  afterEach(() => page.close());

  describe('messages', () => {
    it('evaluates in a page, with text of any script', async () => {
      expect(await browser.version()).toMatch(/Chrome/);
      const sum = await page.evaluate((a: number, b: number) => a + b, 20, 22);
      expect(sum).toBe(42);
      const text = 'Grüße, 世界 🌍\u0000';
      expect(await page.evaluate((value: string) => value, text)).toBe(text);
    });

    it('carries a mebibyte there and back', async () => {
      const text = patternedBytes(LARGE / 2).toString('hex');
      const echoed = await page.evaluate((value: string) => value, text);
      expect(echoed === text).toBe(true);
    });

    it('keeps a thousand commands in order', async () => {
      let receive: (text: string) => void = () => undefined;
      await thousandInOrder(
        (text) => page.evaluate((value: string) => value, text).then((value) => receive(value)),
        (call) => {
          receive = call;
        },
      );
    });

    it('keeps a thousand events in order', async () => {
      let receive: (text: string) => void = () => undefined;
      await page.exposeFunction('send', (text: string) => receive(text));
      const sent: string[] = [];
      await thousandInOrder(
        (text) => sent.push(text),
        async (call) => {
          receive = call;
          // The texts are there when this turn has ended.
          await null;
          await page.evaluate((texts: string[]) => {
            for (const text of texts)
              (globalThis as unknown as { send(text: string): void }).send(text);
          }, sent);
        },
      );
    });

    it('takes a picture', async () => {
      await page.setContent('<h1>handfast</h1>');
      const picture = Buffer.from(await page.screenshot());
      expect(picture.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
    });
  });

  describe('connecting', () => {
    it('connects by the WebSocket address and by the HTTP address', async () => {
      const endpoint = browser.wsEndpoint();
      for (const options of [
        { browserWSEndpoint: endpoint },
        { browserURL: `http://${new URL(endpoint).host}` },
      ]) {
        const second = await puppeteer.connect(options);
        const urls = (await second.pages()).map((other) => other.url());
        expect(urls).toContain(page.url());
        await second.disconnect();
      }
    });

    describe('through a relay', () => {
      let relay: Relay;
      beforeEach(async () => {
        relay = await Relay.start(browser.wsEndpoint());
      });
      afterEach(() => relay.stop());

      function connect(path = '/browser'): Promise<Browser> {
        return puppeteer.connect({ browserWSEndpoint: relay.url(path), headers: { 'X-A': 'b' } });
      }

      it('names itself and sends the headers it is given', async () => {
        const second = await connect();
        expect(relay.requests[0]?.headers).toMatchObject({
          'user-agent': 'Puppeteer 24.43.1',
          'x-a': 'b',
        });
        expect(relay.requests[0]?.headers['sec-websocket-extensions']).toBeUndefined();
        await second.disconnect();
        await waitFor('the close', () => relay.closes.length > 0);
        expect(relay.closes).toEqual([{ code: 1005, reason: '' }]);
      });

      it('follows a redirect', async () => {
        const second = await connect('/moved');
        expect(await second.version()).toBe(await browser.version());
        expect(relay.requests.map((request) => request.url)).toEqual(['/moved', '/browser']);
        await second.disconnect();
      });

      it('takes more than 100 MiB in a message, as Puppeteer wants it', async () => {
        const second = await connect();
        for (const client of relay.clients) {
          const params = { data: 'x'.repeat(101 * LARGE) };
          client.send(JSON.stringify({ method: 'Nobody.knows', params }));
        }
        expect(await second.version()).toBe(await browser.version());
        expect(relay.closes).toEqual([]);
        await second.disconnect();
      });

      it.each([
        { how: 'a code', end: (relay: Relay) => closeAll(relay, 1011) },
        { how: 'no Close frame', end: (relay: Relay) => closeAll(relay, undefined) },
      ])('is told when the connection ends with $how', async ({ end }) => {
        const second = await connect();
        const [first] = await second.pages();
        const never = first?.evaluate(() => new Promise(() => undefined));
        const rejected = expect(never).rejects.toThrow(/closed/i);
        const disconnected = disconnection(second);
        end(relay);
        await disconnected;
        await rejected;
        expect(second.connected).toBe(false);
      });

      it('rejects with what the handshake got instead of a 101', async () => {
        const error = await connect('/refused').catch((reason: unknown) => reason);
        expect(error).toMatchObject({ message: 'Unexpected server response: 403' });
      });
    });

    it('rejects when nobody listens', async () => {
      const server = createServer();
      const port = await listenLoopback(server);
      await closeLoopback(server);
      const browserWSEndpoint = `ws://127.0.0.1:${port}`;
      const error = await puppeteer
        .connect({ browserWSEndpoint })
        .catch((reason: unknown) => reason);
      expect(error).toMatchObject({ error: { code: 'ECONNREFUSED' } });
    });
  });

  it('sees the frames of a page that talks with our server, binary too', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', verifyClient: () => true });
    await once(server, 'listening');
    server.on('connection', (socket) => {
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    const session = await page.createCDPSession();
    await session.send('Network.enable');
    const frames: { opcode: number; length: number }[] = [];
    session.on('Network.webSocketFrameReceived', ({ response: { opcode, payloadData } }) => {
      const encoding = opcode === 2 ? 'base64' : 'utf8';
      frames.push({ opcode, length: Buffer.byteLength(payloadData, encoding) });
    });
    const { port } = server.address() as AddressInfo;
    const lengths = await page.evaluate(
      async (url: string, length: number) => {
        const socket = new WebSocket(url);
        socket.binaryType = 'arraybuffer';
        await new Promise((resolve) => socket.addEventListener('open', resolve));
        socket.send('text');
        socket.send(new Uint8Array(length));
        const received: number[] = [];
        await new Promise<void>((resolve) => {
          socket.onmessage = ({ data }) => {
            received.push(typeof data === 'string' ? data.length : data.byteLength);
            if (received.length === 2) resolve();
          };
        });
        socket.close(1000);
        return received;
      },
      `ws://127.0.0.1:${port}`,
      LARGE,
    );
    expect(lengths).toEqual([4, LARGE]);
    await waitFor('both frames', () => frames.length === 2);
    expect(frames).toEqual([
      { opcode: 1, length: 4 },
      { opcode: 2, length: LARGE },
    ]);
    await new Promise((resolve) => server.close(resolve));
  });

  it('is told when the browser is closed', async () => {
    const own = await launch(found.chromium);
    const ended = disconnection(own);
    await own.close();
    await ended;
    expect(own.connected).toBe(false);
  });

  it('is told when the browser dies', async () => {
    const own = await launch(found.chromium);
    const [first] = await own.pages();
    const never = first?.evaluate(() => new Promise(() => undefined));
    const rejected = expect(never).rejects.toThrow(/closed/i);
    const ended = disconnection(own);
    own.process()?.kill('SIGKILL');
    await ended;
    await rejected;
  });
});

function closeAll(relay: Relay, code: number | undefined): void {
  for (const client of relay.clients) {
    if (code === undefined) client.terminate();
    else client.close(code);
  }
}
