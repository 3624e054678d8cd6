// Refusals on the wire (§4.2.2): every fault of an opening request gets one complete HTTP answer and
// the end of the connection, from the raw listener and from node:http alike.

import { once } from 'node:events';
import { createServer } from 'node:net';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refuse } from '../../src/server/refusal.ts';
import { headerOf } from '../support/wire.ts';
import {
  accepted,
  HOSTS,
  onEnd,
  openRaw,
  openServer,
  type RequestSpec,
  readRefusal,
  refused,
  requestText,
} from './stage.ts';

interface Fault extends RequestSpec {
  name: string;
  status: number;
}

const FAULTS: Fault[] = [
  ...['POST', 'HEAD', 'PUT', 'OPTIONS'].map((method) => ({
    name: `method ${method}`,
    line: `${method} / HTTP/1.1`,
    status: 405,
  })),
  { name: 'HTTP/1.0', line: 'GET / HTTP/1.0', status: 505 },
  { name: 'a fragment in the target', line: 'GET /a#b HTTP/1.1', status: 400 },
  { name: 'an asterisk for a target', line: 'GET * HTTP/1.1', status: 400 },
  { name: 'no Host', fields: { Host: null }, status: 400 },
  { name: 'two Hosts', fields: { Host: ['a', 'a'] }, status: 400 },
  { name: 'an invalid Host', fields: { Host: 'a b' }, status: 400 },
  { name: 'another Upgrade', fields: { Upgrade: 'h2c' }, status: 400 },
  { name: 'a longer Upgrade', fields: { Upgrade: 'websockets' }, status: 400 },
  { name: 'no key', fields: { 'Sec-WebSocket-Key': null }, status: 400 },
  { name: 'an empty key', fields: { 'Sec-WebSocket-Key': '' }, status: 400 },
  {
    name: 'a key of 15 octets',
    fields: { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAA' },
    status: 400,
  },
  {
    name: 'two keys',
    fields: { 'Sec-WebSocket-Key': ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='] },
    status: 400,
  },
  { name: 'no version', fields: { 'Sec-WebSocket-Version': null }, status: 400 },
  ...['8', '12', '14', '013', '13, 8', '255', 'x'].map((version) => ({
    name: `version ${version}`,
    fields: { 'Sec-WebSocket-Version': version },
    status: 400,
  })),
  { name: 'two versions', fields: { 'Sec-WebSocket-Version': ['13', '13'] }, status: 400 },
  { name: 'a subprotocol twice', fields: { 'Sec-WebSocket-Protocol': 'a, a' }, status: 400 },
  { name: 'no subprotocol token', fields: { 'Sec-WebSocket-Protocol': 'a b' }, status: 400 },
  { name: 'malformed extensions', fields: { 'Sec-WebSocket-Extensions': 'a; =1' }, status: 400 },
  { name: 'two Origins', fields: { Origin: ['http://a', 'http://b'] }, status: 400 },
];

const BODIES: Fault[] = [
  { name: 'a body', fields: { 'Content-Length': '3' }, body: 'abc', status: 400 },
  {
    name: 'a chunked body',
    fields: { 'Transfer-Encoding': 'chunked' },
    body: '3\r\nabc\r\n0\r\n\r\n',
    status: 400,
  },
];

/** What the answers to a fault must carry beyond their status. */
function checkHeaders(status: number, name: string, head: string): void {
  if (status === 405) expect(headerOf(head, 'allow')).toBe('GET');
  if (/\bversions?\b/.test(name)) expect(headerOf(head, 'sec-websocket-version')).toBe('13');
}

describe.each(HOSTS)('with %s', (host) => {
  it('[6455-4.2.1-a] [6455-4.2.2-u] [6455-10.7-d] [6455-4.2.2-f] [6455-4.2.2-v] answers every fault completely and ends (property 39)', async () => {
    const { server, port } = await openServer(host);
    let connections = 0;
    server.on('connection', () => connections++);
    for (const fault of [...FAULTS, ...BODIES]) {
      const { status, head } = await refused(port, fault);
      expect([fault.name, status]).toEqual([fault.name, fault.status]);
      checkHeaders(status, fault.name, head);
    }
    expect(connections).toBe(0);
    await accepted(port);
  });

  it('[9110-7.8-b] takes no body for frames: a request with one is refused', async () => {
    const { port } = await openServer(host);
    for (const fault of BODIES) expect((await refused(port, fault)).status).toBe(400);
    await accepted(port, { fields: { 'Content-Length': '0' } });
  });

  it('[9110-7.8-c] refuses an expectation with 417, and sends no 100', async () => {
    const { port } = await openServer(host);
    const { status } = await refused(port, { fields: { Expect: '100-continue' } });
    expect(status).toBe(417);
  });

  it('gives the same answer however the request is cut, and whatever follows it (property 39)', async () => {
    const { port } = await openServer(host);
    const property = fc.asyncProperty(
      fc.constantFrom(...FAULTS),
      fc.integer({ min: 1, max: 60 }),
      fc.uint8Array({ maxLength: 40 }),
      async (fault, chop, behind) => {
        const client = await openRaw(port);
        const text = Buffer.from(requestText(fault), 'latin1');
        await client.send(Buffer.concat([text, Buffer.from(behind)]), { chop });
        expect((await readRefusal(client)).status).toBe(fault.status);
        client.destroy();
      },
    );
    await fc.assert(property, { numRuns: 25 });
  });

  it('gives up on a peer that neither reads to the end nor closes', async () => {
    const { port } = await openServer(host);
    const client = await openRaw(port);
    const started = Date.now();
    await client.send(requestText({ line: 'POST / HTTP/1.1' }));
    await readRefusal(client);
    // Our half stays open, and what it sends is not waited for.
    const ticking = setInterval(() => client.socket.write('x'), 50);
    await client.until(() => client.isClosed).finally(() => clearInterval(ticking));
    expect(Date.now() - started).toBeGreaterThan(1000);
  });
});

describe('both hosts', () => {
  const VALID: RequestSpec[] = [
    {},
    { line: 'GET /a?b HTTP/1.1', fields: { Origin: 'http://server.example.com' } },
    { line: 'GET http://x.example/ HTTP/1.1', fields: { Connection: 'keep-alive, UPGRADE' } },
    { fields: { 'Sec-WebSocket-Protocol': ['b', 'a'], Upgrade: 'foo, WebSocket' } },
    { fields: { 'Sec-WebSocket-Extensions': 'permessage-deflate, x; y=1' } },
    { fields: { 'Content-Length': '0', 'X-Latin': 'caf\xe9', Origin: 'http://evil.example' } },
  ];

  it('answer the same bytes with the same bytes, whatever faults come together (property 40)', async () => {
    const hosts = [await openServer('port'), await openServer('node:http')];
    const specs = fc.array(fc.constantFrom(...VALID, ...VALID, ...FAULTS), {
      minLength: 1,
      maxLength: 3,
    });
    const statuses = new Set<string>();
    const property = fc.asyncProperty(
      specs,
      fc.integer({ min: 20, max: 500 }),
      async (all, chop) => {
        const merged: RequestSpec = Object.assign({}, ...all);
        merged.fields = Object.assign({}, ...all.map(({ fields }) => fields));
        const heads: string[] = [];
        for (const { port } of hosts) {
          const client = await openRaw(port);
          await client.send(requestText(merged), { chop });
          const head = await client.readHead();
          if (!head.startsWith('HTTP/1.1 101 ')) await readRefusal(client);
          heads.push(client.recorded.toString('latin1'));
          statuses.add(head.slice(9, 12));
          client.destroy();
        }
        expect(heads[1]).toBe(heads[0]);
      },
    );
    await fc.assert(property, { numRuns: 80 });
    expect(statuses.size).toBeGreaterThan(2);
  });
});

describe('a refusal', () => {
  it('reaches a peer that has closed its own direction already', async () => {
    const body = 'x'.repeat(500_000);
    const listener = createServer({ allowHalfOpen: true }, (socket) => {
      socket.resume().once('end', () => refuse(socket, 403, body));
    }).listen(0, '127.0.0.1');
    onEnd(() => void listener.close());
    await once(listener, 'listening');
    const client = await openRaw((listener.address() as { port: number }).port);
    client.end();
    expect((await readRefusal(client)).body).toBe(body);
    await client.closed;
  });

  it('works on any Duplex, and does nothing on one that is destroyed', async () => {
    const written: Buffer[] = [];
    const duplex = new Duplex({
      read() {},
      write(chunk, _, done) {
        written.push(chunk);
        done();
      },
    });
    refuse(duplex, 418, '', { 'X-Why': ['a', 'b'] });
    await once(duplex, 'finish');
    const text = Buffer.concat(written).toString();
    expect(text).toMatch(/^HTTP\/1\.1 418 /);
    expect(text).toContain('X-Why: a\r\nX-Why: b\r\n');
    duplex.push(null);
    await once(duplex, 'close');
    expect(() => refuse(duplex, 400)).not.toThrow();
    expect(Buffer.concat(written).toString()).toBe(text);
  });

  it('that cannot be formatted throws before it has done anything', () => {
    const duplex = new Duplex({ read() {}, write: (_, __, done) => done() });
    expect(() => refuse(duplex, 99)).toThrow(RangeError);
    expect(() => refuse(duplex, 400, '', { a: 'b\r\nc: d' })).toThrow(TypeError);
    expect(duplex.writableEnded).toBe(false);
    duplex.destroy();
  });
});
