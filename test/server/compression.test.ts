// permessage-deflate on the wire of a server (RFC 7692 §5, §7): which offers it accepts and how it
// answers, that nothing in an offer is an HTTP error, and that both ends then keep to it.

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { PreparedMessage, type WebSocket, WebSocketServer } from '../../src/index.ts';
import { decodeClose, headerOf, RawClient } from '../support/wire.ts';
import { HOSTS, onEnd, openServer } from './stage.ts';

const RSV1 = 4;
const EXTENSIONS = 'Sec-WebSocket-Extensions';

const deflate = (plain: Buffer | string): Buffer =>
  deflateRawSync(plain, { finishFlush: 2 }).subarray(0, -4);
const inflate = (data: Buffer): string => inflateRawSync(data, { finishFlush: 2 }).toString();

async function connect(port: number, offer: string): Promise<RawClient> {
  const client = await RawClient.connect(port, { headers: { [EXTENSIONS]: offer } });
  onEnd(() => client.destroy());
  return client;
}

const agreedOn = (client: RawClient): string | undefined => headerOf(client.head, EXTENSIONS);

describe.each(HOSTS)('a server on %s', (host) => {
  it('accepts no offer by default, and the connection goes on without', async () => {
    const { server, port } = await openServer(host);
    const extensions: string[] = [];
    server.on('connection', (ws) => {
      extensions.push(ws.extensions);
      ws.on('message', (data) => ws.send(String(data).repeat(500)));
    });
    const client = await connect(port, 'permessage-deflate; client_max_window_bits');
    expect(agreedOn(client)).toBeUndefined();
    await client.sendFrame({ opcode: 1, payload: 'abc' });
    const { rsv, payload } = await client.nextFrame();
    expect([rsv, payload.length]).toEqual([0, 1500]);
    await client.sendFrame({ opcode: 1, rsv: RSV1, payload: 'abc' });
    expect(decodeClose((await client.nextFrame()).payload).code).toBe(1002);
    expect(extensions).toEqual(['']);
  });

  it.each([
    ['permessage-deflate', 'permessage-deflate'],
    ['permessage-deflate; client_max_window_bits', 'permessage-deflate'],
    [
      'permessage-deflate; server_no_context_takeover',
      'permessage-deflate; server_no_context_takeover',
    ],
    [
      'permessage-deflate; server_max_window_bits=8',
      'permessage-deflate; server_max_window_bits=8',
    ],
    [
      'permessage-deflate; client_max_window_bits=9',
      'permessage-deflate; client_max_window_bits=9',
    ],
    [
      'x-webkit-deflate-frame, permessage-deflate; nonsense, permessage-deflate; server_max_window_bits=10',
      'permessage-deflate; server_max_window_bits=10',
    ],
  ])('[7692-5-c] [7692-5-d] [7692-6-a] accepts one extension of %s', async (offer, answer) => {
    const { server, port } = await openServer(host, { perMessageDeflate: { threshold: 0 } });
    const extensions: string[] = [];
    server.on('connection', (ws) => {
      extensions.push(ws.extensions);
      ws.on('message', (data, binary) => ws.send(data, { binary }));
    });
    const client = await connect(port, offer);
    expect(agreedOn(client)).toBe(answer);
    const text = 'some text, some more text and some text again';
    await client.sendFrame({ opcode: 1, rsv: RSV1, payload: deflate(text) });
    const { rsv, opcode, payload } = await client.nextFrame();
    expect([rsv, opcode, inflate(payload)]).toEqual([RSV1, 1, text]);
    expect(extensions).toEqual(['permessage-deflate']);
  });

  it.each([
    'permessage-deflate; nonsense',
    'permessage-deflate; server_no_context_takeover=true',
    'permessage-deflate; server_max_window_bits',
    'permessage-deflate; server_max_window_bits=16',
    'permessage-deflate; client_max_window_bits=08',
    'permessage-deflate; client_max_window_bits; client_max_window_bits',
    'Permessage-Deflate',
    'x-webkit-deflate-frame',
  ])('[7692-5-f] [7692-7-b] [7692-7-c] [7692-7-d] declines %s with a 101', async (offer) => {
    const { server, port } = await openServer(host, { perMessageDeflate: true });
    server.on('connection', (ws) => ws.send('plain'));
    const client = await connect(port, offer);
    expect(agreedOn(client)).toBeUndefined();
    const { rsv, payload } = await client.nextFrame();
    expect([rsv, payload.toString()]).toEqual([0, 'plain']);
  });

  it('answers with what it wants itself', async () => {
    const { port } = await openServer(host, {
      perMessageDeflate: {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 11,
        clientMaxWindowBits: 12,
      },
    });
    expect(agreedOn(await connect(port, 'permessage-deflate; client_max_window_bits'))).toBe(
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover; ' +
        'server_max_window_bits=11; client_max_window_bits=12',
    );
    expect(agreedOn(await connect(port, 'permessage-deflate'))).toBeUndefined();
  });

  it('reads its option anew for each handshake', async () => {
    const { server, port } = await openServer(host);
    const offer = 'permessage-deflate';
    expect(agreedOn(await connect(port, offer))).toBeUndefined();
    server.options.perMessageDeflate = true;
    expect(agreedOn(await connect(port, offer))).toBe(offer);
  });
});

describe('a server that compresses', () => {
  it('refuses options that make no sense when it is made', () => {
    for (const serverMaxWindowBits of [7, 16, 9.5]) {
      expect(
        () => new WebSocketServer({ noServer: true, perMessageDeflate: { serverMaxWindowBits } }),
      ).toThrow('serverMaxWindowBits must be an integer from 8 to 15');
    }
  });

  it('[7692-6-e] [7692-7.2.2-f] [7692-6-i] fails with the right code, and lives on', async () => {
    const { server, port } = await openServer('port', {
      perMessageDeflate: true,
      maxPayload: 1000,
    });
    server.on('connection', (ws) => ws.on('message', (data) => ws.send(data)));
    const cases = [
      [1002, { opcode: 9, rsv: RSV1 }],
      [1002, { opcode: 1, rsv: 6, payload: deflate('x') }],
      [1007, { opcode: 2, rsv: RSV1, payload: Buffer.from('ffff', 'hex') }],
      [1007, { opcode: 2, rsv: RSV1, payload: deflate('Hello').subarray(0, 4) }],
      [1007, { opcode: 1, rsv: RSV1, payload: deflate(Buffer.from([0xff])) }],
      [1009, { opcode: 2, rsv: RSV1, payload: deflate(Buffer.alloc(1001)) }],
    ] as const;
    for (const chop of [undefined, 1]) {
      for (const [code, spec] of cases) {
        const client = await connect(port, 'permessage-deflate');
        await client.sendFrame(spec, chop === undefined ? {} : { chop });
        expect(decodeClose((await client.nextFrame()).payload).code).toBe(code);
        expect(await client.ended).toBe('fin');
      }
    }
    const client = await connect(port, 'permessage-deflate');
    await client.sendFrame({ opcode: 2, rsv: RSV1, payload: deflate(Buffer.alloc(1000)) });
    expect((await client.nextFrame()).opcode).toBe(2);
  });

  it('sends a prepared message to all, each in the form that it agreed to', async () => {
    const { server, port } = await openServer('port', { perMessageDeflate: { threshold: 0 } });
    const offers = ['permessage-deflate; server_no_context_takeover', 'permessage-deflate', 'none'];
    const clients: RawClient[] = [];
    for (const offer of [...offers, ...offers]) clients.push(await connect(port, offer));
    const text = 'to all of you, to all of you';
    expect(server.broadcast(text)).toBe(6);
    const message = new PreparedMessage(text, { binary: true });
    for (const ws of server.clients) ws.send(message);
    for (const [i, client] of clients.entries()) {
      const compressed = i % 3 !== 2;
      for (const expected of [1, 2]) {
        const { rsv, opcode, payload } = await client.nextFrame();
        expect([rsv, opcode]).toEqual([compressed ? RSV1 : 0, expected]);
        expect(compressed ? inflate(payload) : payload.toString()).toBe(text);
      }
    }
  });

  it('broadcasts to those that are open, and needs to know them', async () => {
    const { server, port } = await openServer();
    expect(server.broadcast('nobody')).toBe(0);
    const sockets: WebSocket[] = [];
    server.on('connection', (ws) => sockets.push(ws));
    const [one, other] = [await connect(port, 'none'), await connect(port, 'none')];
    await expect.poll(() => sockets.length).toBe(2);
    sockets[0]?.close();
    expect(server.broadcast(Buffer.from('x'))).toBe(1);
    expect((await one.nextFrame()).opcode).toBe(8);
    expect((await other.nextFrame()).opcode).toBe(2);
    expect(() => server.broadcast({} as string)).toThrow(TypeError);
    const without = new WebSocketServer({ noServer: true, clientTracking: false });
    expect(() => without.broadcast('x')).toThrow('leave clientTracking on');
  });

  it('holds on to nothing of a client that leaves in the middle of a large message', async () => {
    const { server, port } = await openServer('port', { perMessageDeflate: true });
    const codes: number[] = [];
    server.on('connection', (ws) => {
      ws.on('message', () => {});
      ws.on('close', (code) => codes.push(code));
    });
    const data = deflate(randomBytes(2_000_000));
    for (let i = 0; i < 20; i++) {
      const client = await connect(port, 'permessage-deflate');
      await client.sendFrame({ opcode: 2, rsv: RSV1, payload: data });
      client.destroy();
    }
    await expect.poll(() => codes.length, { timeout: 5000 }).toBe(20);
    expect(new Set(codes)).toEqual(new Set([1006]));
    expect(server.clients.size).toBe(0);
  });
});
