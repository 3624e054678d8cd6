// The WebSocket of jsdom's pages: an interface of its own over the events of handfast's client, with the page's
// cookies, origin and certificates policy. The server is handfast's.

import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { Certificate } from '../../test/peers/certificate.ts';
import { describePeer, findBinary } from '../../test/peers/peers.ts';
import { LARGE, patternedBytes, thousandInOrder } from '../support/messages.ts';
import { waitFor } from '../support/wait-for.ts';
import {
  bytesOf,
  closePages,
  eventOf,
  openPage,
  type PageSocket,
  type PageWindow,
} from './page.ts';
import { Service } from './service.ts';

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

let service: Service;
let page: PageWindow;

beforeAll(async () => {
  service = await Service.start();
});
afterAll(() => service?.stop());

beforeEach(() => {
  service.requests.length = 0;
  service.endings.length = 0;
  page = openPage(`http://${service.host}/page`);
});
afterEach(async () => {
  closePages();
  for (const client of service.clients) client.terminate();
  await waitFor('no connections', () => service.clients.size === 0);
});

async function open(path = '/', protocols: string[] = []): Promise<PageSocket> {
  const socket = new page.WebSocket(`ws://${service.host}${path}`, protocols);
  socket.binaryType = 'arraybuffer';
  await eventOf(socket, 'open');
  return socket;
}

/** Sends and resolves with what comes back. */
async function echo(socket: PageSocket, data: unknown): Promise<unknown> {
  const answer = eventOf(socket, 'message');
  socket.send(data);
  return (await answer).data;
}

describe('connecting', () => {
  it('passes through the ready states, with the subprotocol agreed', async () => {
    const socket = new page.WebSocket(`ws://${service.host}/`, ['chat', 'other']);
    expect(socket.readyState).toBe(CONNECTING);
    await eventOf(socket, 'open');
    expect(socket.readyState).toBe(OPEN);
    expect(socket.protocol).toBe('chat');
    expect(socket.url).toBe(`ws://${service.host}/`);
  });

  it('says who the page is: Origin, User-Agent, cookies', async () => {
    page.document.cookie = 'session=abc';
    await open();
    const { headers } = service.requests[0] as { headers: Record<string, string> };
    expect(headers.origin).toBe(`http://${service.host}`);
    expect(headers['user-agent']).toMatch(/jsdom\/24\.1\.3/);
    expect(headers.cookie).toBe('session=abc');
  });

  it.each([
    { path: '/cookie', seen: 'only=1', sent: 'only=1' },
    { path: '/cookies', seen: 'a=1', sent: 'a=1; b=2' },
  ])('keeps the cookies of the 101 at $path', async ({ path, seen, sent }) => {
    await open(path);
    expect(page.document.cookie).toBe(seen);
    await open();
    expect(service.requests[1]?.headers.cookie).toBe(sent);
  });

  it('works from a script of the page', async () => {
    const script = `
      globalThis.results = { events: [] };
      const socket = new WebSocket('ws://${service.host}/', 'chat');
      const note = (event) => results.events.push(event.type);
      socket.onopen = (event) => { note(event); socket.send('from the page'); };
      socket.onmessage = (event) => {
        note(event);
        results.data = event.data;
        socket.close(3001, 'done');
      };
      socket.onclose = (event) => { note(event); results.code = event.code; };`;
    const scripted = openPage('http://localhost/', `<script>${script}</script>`);
    await waitFor('the close', () => scripted.results.code);
    expect(scripted.results).toEqual({
      events: ['open', 'message', 'close'],
      data: 'from the page',
      code: 3001,
    });
  });
});

describe('messages', () => {
  it('returns text', async () => {
    const socket = await open();
    expect(await echo(socket, 'Grüße, 世界')).toBe('Grüße, 世界');
    expect(await echo(socket, '')).toBe('');
  });

  it('returns binary of each kind, as an ArrayBuffer of the page', async () => {
    const socket = await open();
    const bytes = patternedBytes(300);
    const view = new page.Uint8Array(bytes);
    for (const data of [view, view.buffer, view.subarray(0), new page.Blob([view])]) {
      const answer = await echo(socket, data);
      expect(answer).toBeInstanceOf(page.ArrayBuffer);
      expect(Buffer.from(answer as ArrayBuffer).equals(bytes)).toBe(true);
    }
  });

  it('returns binary as a Blob, as a page has it by default', async () => {
    const socket = await open();
    socket.binaryType = 'blob';
    const bytes = patternedBytes(70_000);
    const answer = await echo(socket, new page.Uint8Array(bytes));
    expect(answer).toBeInstanceOf(page.Blob);
    expect((await bytesOf(page, answer)).equals(bytes)).toBe(true);
  });

  it('returns a mebibyte of each kind, and bufferedAmount falls to 0', async () => {
    const socket = await open();
    const bytes = patternedBytes(LARGE);
    const answer = echo(socket, new page.Uint8Array(bytes));
    expect(socket.bufferedAmount).toBe(LARGE);
    expect(Buffer.from((await answer) as ArrayBuffer).equals(bytes)).toBe(true);
    await waitFor('nothing buffered', () => socket.bufferedAmount === 0);
    const text = bytes.toString('hex').slice(0, LARGE);
    expect((await echo(socket, text)) === text).toBe(true);
  });

  it('are compressed, as the server agrees to', async () => {
    const socket = await open();
    const [peer] = service.clients as Set<WebSocket>;
    expect(peer?.extensions).toBe('permessage-deflate');
    const text = 'compressible '.repeat(LARGE / 13);
    expect((await echo(socket, text)) === text).toBe(true);
    const { bytesRead, bytesWritten } = (peer as WebSocket).socket as Socket;
    expect(bytesRead).toBeLessThan(text.length / 10);
    expect(bytesWritten).toBeLessThan(text.length / 10);
  });

  it('keeps a thousand in order', async () => {
    const socket = await open();
    await thousandInOrder(
      (text) => socket.send(text),
      (receive) => {
        socket.onmessage = (event) => receive(event.data as string);
      },
    );
  });
});

describe('closing', () => {
  it('sends the code and the reason, and reports them', async () => {
    const socket = await open();
    const closed = eventOf(socket, 'close');
    socket.close(4321, 'Grüße');
    expect(socket.readyState).toBe(CLOSING);
    expect(await closed).toMatchObject({ code: 4321, reason: 'Grüße', wasClean: true });
    expect(socket.readyState).toBe(CLOSED);
    await waitFor('the end', () => service.endings.length > 0);
    expect(service.endings).toEqual([{ code: 4321, reason: 'Grüße' }]);
  });

  it('reports 1005 for a close without a code', async () => {
    const socket = await open();
    const closed = eventOf(socket, 'close');
    socket.close();
    expect(await closed).toMatchObject({ code: 1005, reason: '', wasClean: true });
  });

  it("reports the server's code and reason", async () => {
    const socket = new page.WebSocket(`ws://${service.host}/going`);
    const closed = eventOf(socket, 'close');
    expect(await closed).toMatchObject({ code: 1001, reason: 'going away', wasClean: true });
  });

  it('says 1001 when the window closes', async () => {
    await open();
    page.close();
    await waitFor('the end', () => service.endings.length > 0);
    expect(service.endings).toEqual([{ code: 1001, reason: '' }]);
  });

  it.each([
    { when: 'before the socket is made', turns: 0, requests: 0 },
    { when: 'during the handshake', turns: 1, requests: 1 },
  ])('fails a connection closed $when', async ({ turns, requests }) => {
    const socket = new page.WebSocket(`ws://${service.host}/silent`);
    const events: string[] = [];
    for (const type of ['open', 'error', 'close']) {
      socket.addEventListener(type, (event) => events.push(event.type));
    }
    const closed = eventOf(socket, 'close');
    if (turns > 0) await waitFor('the request', () => service.requests.length > 0);
    socket.close();
    expect(socket.readyState).toBe(CLOSING);
    expect(await closed).toMatchObject({ code: 1006, wasClean: false });
    expect(events).toEqual(['error', 'close']);
    expect(service.requests).toHaveLength(requests);
  });
});

describe('errors', () => {
  it.each([
    { what: 'a refused handshake', path: '/refused' },
    { what: 'a frame that breaks the protocol', path: '/broken' },
  ])('end with error and close 1006: $what', async ({ path }) => {
    const socket = new page.WebSocket(`ws://${service.host}${path}`);
    const error = eventOf(socket, 'error');
    const closed = eventOf(socket, 'close');
    expect((await error).type).toBe('error');
    expect(await closed).toMatchObject({ code: 1006, wasClean: false });
  });

  it('end with error and close 1006: nobody listens', async () => {
    const gone = await Service.start();
    await gone.stop();
    const socket = new page.WebSocket(`ws://${gone.host}/`);
    const closed = eventOf(socket, 'close');
    await eventOf(socket, 'error');
    expect(await closed).toMatchObject({ code: 1006, wasClean: false });
  });

  it('end with close 1006: a connection that is lost', async () => {
    const socket = await open();
    const closed = eventOf(socket, 'close');
    for (const client of service.clients) client.terminate();
    expect(await closed).toMatchObject({ code: 1006 });
  });
});

describePeer('jsdom over TLS', { openssl: findBinary('openssl') }, (found) => {
  let certificate: Certificate;
  let secure: Service;
  beforeAll(async () => {
    certificate = new Certificate(found.openssl);
    secure = await Service.start(certificate);
  });
  afterAll(async () => {
    await secure?.stop();
    certificate?.remove();
  });

  it('connects to an unknown authority only without strictSSL', async () => {
    const strict = new page.WebSocket(`wss://${secure.host}/`);
    expect(await eventOf(strict, 'close')).toMatchObject({ code: 1006, wasClean: false });
    const lenient = openPage('https://localhost/', '', { strictSSL: false });
    const socket = new lenient.WebSocket(`wss://${secure.host}/`);
    await eventOf(socket, 'open');
    expect(await echo(socket, 'over TLS')).toBe('over TLS');
  });
});
