// Several servers on one HTTP server: a request finds its owner by its path, is answered exactly once,
// and is left alone where it belongs to somebody else.

import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { WebSocketServer } from '../../src/index.ts';
import {
  accepted,
  connect,
  openHttp,
  openRaw,
  readRefusal,
  refused,
  requestText,
} from './stage.ts';

describe('servers that share an HTTP server', () => {
  it('[6455-4.2.2-w] each get the requests for their path, in either form of target', async () => {
    const { http, port } = await openHttp();
    for (const path of ['/a', '/b']) {
      new WebSocketServer({ server: http, path }).on('connection', (ws, request) => {
        ws.send(`${path} took ${request.url}`);
      });
    }
    for (const [target, path] of [
      ['/a', '/a'],
      ['/b?x=/a', '/b'],
      ['http://any.example/b', '/b'],
    ]) {
      const client = await connect(port, { path: target });
      expect((await client.nextFrame()).payload.toString()).toBe(`${path} took ${target}`);
    }
  });

  it('[6455-4.2.2-g] answer once, with 400, what none of them owns', async () => {
    const { http, port } = await openHttp();
    for (const path of ['/a', '/b', '/c']) new WebSocketServer({ server: http, path });
    for (const path of ['/', '/ab', '/a/', '/A', '/d?/a']) {
      const { status } = await refused(port, { line: `GET ${path} HTTP/1.1` });
      expect([path, status]).toEqual([path, 400]);
    }
  });

  it('[6455-4.2.2-g] alone answers what is not for its path', async () => {
    const { http, port } = await openHttp();
    new WebSocketServer({ server: http, path: '/a' });
    expect((await refused(port, { line: 'GET /b HTTP/1.1' })).status).toBe(400);
    await accepted(port, { line: 'GET /a HTTP/1.1' });
  });

  it('on the same path: the first takes the request, and nobody answers twice', async () => {
    const { http, port } = await openHttp();
    const taken: number[] = [];
    for (const n of [1, 2, 3]) {
      new WebSocketServer({ server: http, path: '/a' }).on('connection', () => taken.push(n));
    }
    const client = await connect(port, { path: '/a' });
    await client.sendFrame({ opcode: 9, payload: 'x' });
    expect((await client.nextFrame()).opcode).toBe(10);
    expect(taken).toEqual([1]);
    expect(client.rest().length).toBe(0);
  });

  it('without a path and with one: the first of those that match', async () => {
    const { http, port } = await openHttp();
    const taken: string[] = [];
    new WebSocketServer({ server: http, path: '/a' }).on('connection', () => taken.push('a'));
    new WebSocketServer({ server: http }).on('connection', () => taken.push('any'));
    await accepted(port, { line: 'GET /a HTTP/1.1' });
    await accepted(port, { line: 'GET /b HTTP/1.1' });
    expect(taken).toEqual(['a', 'any']);
  });

  it('do not touch a request that a foreign listener may answer', async () => {
    const { http, port } = await openHttp();
    new WebSocketServer({ server: http, path: '/a' });
    const foreign: string[] = [];
    http.on('upgrade', (request, socket) => {
      if (request.url !== '/foreign') return;
      foreign.push(request.url);
      // Later, when a hasty answer of ours would have come first.
      setTimeout(() => socket.end('HTTP/1.1 418 Mine\r\nContent-Length: 0\r\n\r\n'), 30);
    });
    const client = await openRaw(port);
    await client.send(requestText({ line: 'GET /foreign HTTP/1.1' }));
    await client.until(() => client.finished !== undefined);
    expect(client.recorded.toString()).toBe('HTTP/1.1 418 Mine\r\nContent-Length: 0\r\n\r\n');
    expect(foreign).toEqual(['/foreign']);
    await accepted(port, { line: 'GET /a HTTP/1.1' });
  });

  it('leave one another alone when one closes', async () => {
    const { http, port } = await openHttp();
    const a = new WebSocketServer({ server: http, path: '/a' });
    new WebSocketServer({ server: http, path: '/b' });
    a.close();
    await once(a, 'close');
    expect((await refused(port, { line: 'GET /a HTTP/1.1' })).status).toBe(400);
    await accepted(port, { line: 'GET /b HTTP/1.1' });
    expect(http.listening).toBe(true);
  });

  it('share with `noServer` ones that an upgrade listener feeds', async () => {
    const { http, port } = await openHttp();
    const free = new WebSocketServer({ noServer: true });
    http.on('upgrade', (request, socket, head) => {
      if (request.url !== '/free') return;
      free.handleUpgrade(request, socket, head, (ws, given) => {
        expect(given).toBe(request);
        ws.send('free');
      });
    });
    new WebSocketServer({ server: http, path: '/a' }).on('connection', (ws) => ws.send('a'));
    const client = await connect(port, { path: '/free' });
    expect((await client.nextFrame()).payload.toString()).toBe('free');
    const other = await connect(port, { path: '/a' });
    expect((await other.nextFrame()).payload.toString()).toBe('a');
  });
});

describe('a server whose shouldHandle is replaced', () => {
  it('owns what that says', async () => {
    const { http, port } = await openHttp();
    const server = new WebSocketServer({ server: http });
    server.shouldHandle = (request) => request.headers['x-mine'] === 'yes';
    await accepted(port, { fields: { 'X-Mine': 'yes' } });
    expect((await refused(port, {})).status).toBe(400);
  });
});

describe('a server that has been closed', () => {
  it('leaves its HTTP server as it was before', async () => {
    const { http, port } = await openHttp();
    const events = ['upgrade', 'listening', 'error'];
    const count = () => events.map((event) => http.listenerCount(event));
    const before = count();
    const server = new WebSocketServer({ server: http });
    expect(count()).not.toEqual(before);
    server.close();
    await once(server, 'close');
    expect(count()).toEqual(before);
    // node:http without an upgrade listener answers as if the field were not there.
    const client = await openRaw(port);
    await client.send(requestText({ fields: { Connection: 'close, Upgrade' } }));
    await client.until(() => client.recorded.includes('plain'));
    expect(client.recorded.toString()).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('[6455-4.2.2-u] answers 503 when its verdict comes after closing', async () => {
    const { http, port } = await openHttp();
    let decide: ((verified: boolean) => void) | undefined;
    const server = new WebSocketServer({
      server: http,
      verifyClient: (_: unknown, callback: (verified: boolean) => void) => {
        decide = callback;
      },
    });
    const client = await openRaw(port);
    await client.send(requestText());
    await vi.waitFor(() => expect(decide).toBeDefined(), 10_000);
    server.close();
    await once(server, 'close');
    decide?.(true);
    expect((await readRefusal(client)).status).toBe(503);
  });
});
