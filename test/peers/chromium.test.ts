// Chromium, headless: pages that were served beside our server, and one that was not; with and
// without compression.

import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeCompressed } from './compressed.ts';
import { demands, takeovers } from './configurations.ts';
import { type Feature, Refused } from './conversation.ts';
import { describePair } from './pair.ts';
import { describePeer, describeTls, findBinary } from './peers.ts';
import { RemoteClient } from './remote.ts';
import { ownListenerFeatures, Service, serviceFeatures } from './service.ts';
import { subject } from './subject.ts';

const clientCan: readonly Feature[] = ['no-code', 'was-clean'];

const chromiumAt = findBinary('chromium', 'chromium-browser', 'google-chrome');
const driver = new URL('driver.js', import.meta.url).pathname;

const servePage: RequestListener = (_, response) => {
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.end('<!doctype html><title>peer</title>');
};

function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      ...['--no-sandbox', '--headless', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  });
}

/** A client in a page that came from `origin`; the page is closed with it. */
async function clientOn(browser: Browser, origin: string, binaryType: string) {
  const page = await browser.newPage({ ignoreHTTPSErrors: true });
  await page.goto(origin.replace(/^ws/, 'http'));
  await page.addScriptTag({ path: driver });
  await page.evaluate('globalThis.driver = createDriver(WebSocket)');
  return new RemoteClient(callIn(page), () => page.close(), { binaryType });
}

function callIn(page: Page) {
  return (op: string, parameters: Record<string, unknown>): Promise<unknown> =>
    page.evaluate(`driver.${op}(${JSON.stringify(parameters)})`);
}

describePeer('Chromium', { chromium: chromiumAt }, (found) => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch(found.chromium);
  });
  afterAll(() => browser?.close());

  const table = [
    {
      binaryType: 'arraybuffer',
      listener: 'http',
      serverCan: serviceFeatures,
      compressed: false,
    },
    { binaryType: 'blob', listener: 'own', serverCan: ownListenerFeatures, compressed: true },
  ] as const;
  for (const { binaryType, listener, serverCan, compressed } of table) {
    const how = `${listener} listener, ${compressed ? 'all' : 'nothing'} compressed`;
    describePair(`Chromium client (${binaryType}), our server (${how})`, {
      role: 'server',
      clientCan,
      serverCan,
      compressed,
      start: async () => {
        const options = {
          listener,
          perMessageDeflate: compressed && { threshold: 0 },
          onRequest: servePage,
        };
        const server = await Service.start(subject, options);
        return { client: await clientOn(browser, server.url('/'), binaryType), server };
      },
    });
  }

  describe('one page, many services', () => {
    let home: Service;
    let client: RemoteClient;
    beforeAll(async () => {
      home = await Service.start(subject, { onRequest: servePage });
      client = await clientOn(browser, home.url('/'), 'arraybuffer');
    });
    afterAll(async () => {
      await client?.stop();
      await home?.stop();
    });
    describeCompressed('Chromium client, our server', {
      role: 'server',
      clientCan,
      serverCan: serviceFeatures,
      configurations: demands,
      start: async (wishes) => ({
        client: { connect: (url, options) => client.connect(url, options), stop: async () => {} },
        server: await Service.start(subject, { perMessageDeflate: wishes.server }),
      }),
    });
  });

  describe('Origin', () => {
    it('[6455-4.1-u] [6455-10.2-b] refuses a page from elsewhere, takes one of its own', async () => {
      const server = await Service.start(subject, { onRequest: servePage });
      const elsewhere = createServer(servePage);
      await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
      const { port } = elsewhere.address() as AddressInfo;
      const foreign = await clientOn(browser, `http://127.0.0.1:${port}/`, 'blob');
      const own = await clientOn(browser, server.url('/'), 'blob');
      try {
        // The host is the same and the port is not: that is another origin.
        await expect(foreign.connect(server.url('/guarded'))).rejects.toThrow(Refused);
        const conversation = await own.connect(server.url('/guarded'));
        expect(await conversation.receive(1)).toEqual(['welcome']);
      } finally {
        await foreign.stop();
        await own.stop();
        await server.stop();
        await new Promise((resolve) => elsewhere.close(resolve));
      }
    });
  });
});

describeTls('Chromium over TLS', { chromium: chromiumAt }, (certificate, found) => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch(found.chromium);
  });
  afterAll(() => browser?.close());

  for (const compressed of [false, true]) {
    const perMessageDeflate = compressed && { threshold: 0 };
    describePair(`Chromium client, our server, ${compressed ? 'all' : 'nothing'} compressed`, {
      role: 'server',
      secure: true,
      compressed,
      clientCan,
      serverCan: serviceFeatures,
      start: async () => {
        const options = { certificate: certificate(), perMessageDeflate, onRequest: servePage };
        const server = await Service.start(subject, options);
        return { client: await clientOn(browser, server.url('/'), 'arraybuffer'), server };
      },
    });
  }

  describeCompressed('Chromium client, our server', {
    role: 'server',
    clientCan,
    serverCan: serviceFeatures,
    configurations: takeovers.filter((one) => demands.includes(one)),
    start: async (wishes) => {
      const options = {
        certificate: certificate(),
        perMessageDeflate: wishes.server,
        onRequest: servePage,
      };
      const server = await Service.start(subject, options);
      return { client: await clientOn(browser, server.url('/'), 'arraybuffer'), server };
    },
  });
});
