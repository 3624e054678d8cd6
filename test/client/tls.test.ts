// wss (§3, §4.1 item 5): TLS below the handshake, against a server made by hand.

import { once } from 'node:events';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClientOptions, WebSocket } from '../../src/index.ts';
import { Certificate } from '../peers/certificate.ts';
import { encodeFrame, formatSwitching, headerOf } from '../support/wire.ts';
import { linesOf, Witness } from './witness.ts';

let certificate: Certificate;
let server: tls.Server;
let port = 0;
/** What the server answers; by default the 101 and one message. */
let answer: ((head: string) => Buffer | string) | null = null;
const heads: string[] = [];
const names: (string | false | null)[] = [];

beforeAll(async () => {
  certificate = new Certificate('openssl');
  server = tls.createServer({ key: certificate.key, cert: certificate.cert });
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket) => {
    names.push(socket.servername ?? null);
    socket.on('error', () => {});
    let head = '';
    socket.on('data', (chunk) => {
      if (head.endsWith('\r\n\r\n')) return;
      head += chunk.toString('latin1');
      if (!head.endsWith('\r\n\r\n')) return;
      heads.push(head);
      socket.write(answer?.(head) ?? welcome(head));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as net.AddressInfo).port;
});

afterAll(() => {
  server.close();
  certificate.remove();
});

function welcome(head: string): Buffer {
  const switching = formatSwitching(headerOf(head, 'sec-websocket-key') as string);
  return Buffer.concat([Buffer.from(switching), encodeFrame({ opcode: 1, payload: 'hi' })]);
}

/** Opens, waits for the message, drops the connection. */
async function greet(address: string, options: ClientOptions): Promise<Witness> {
  heads.length = 0;
  names.length = 0;
  const ws = new WebSocket(address, { handshakeTimeout: 10_000, ...options });
  const witness = new Witness(ws);
  ws.on('message', () => ws.terminate());
  return witness.closed();
}

const resolveLocally: net.LookupFunction = (_name, options, callback) => {
  if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
  else callback(null, '127.0.0.1', 4);
};

describe('wss', () => {
  it('opens over TLS where the certificate is trusted, from wss and https', async () => {
    for (const scheme of ['wss', 'https']) {
      const witness = await greet(`${scheme}://127.0.0.1:${port}/x`, { ca: certificate.cert });
      expect(witness.log).toEqual(['open', 'message hi', 'close 1006']);
      expect(linesOf(heads[0] as string, 'host')).toEqual([`127.0.0.1:${port}`]);
    }
    const careless = await greet(`wss://127.0.0.1:${port}`, { rejectUnauthorized: false });
    expect(careless.log).toContain('open');
  });

  it('[6455-4.1-k] names the host in the TLS handshake, and no address', async () => {
    const ca = certificate.cert;
    await greet(`wss://localhost:${port}`, { ca, lookup: resolveLocally });
    expect(names).toEqual(['localhost']);
    await greet(`wss://127.0.0.1:${port}`, { ca });
    expect(names.map((name) => name || null)).toEqual([null]);
    await greet(`wss://127.0.0.1:${port}`, { ca, servername: 'localhost' });
    expect(names).toEqual(['localhost']);
  });

  it('[wh-4-j] [6455-4.1-bl] TLS that fails closes with 1006, never 1015', async () => {
    const untrusted = await greet(`wss://127.0.0.1:${port}`, {});
    expect(untrusted.error?.code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    const other = await greet(`wss://other.example:${port}`, {
      ca: certificate.cert,
      lookup: resolveLocally,
    });
    expect(other.error?.code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    for (const witness of [untrusted, other]) {
      expect(witness.log).toHaveLength(2);
      expect(witness.log[1]).toBe('close 1006');
    }
    expect(heads).toEqual([]);
  });

  it('[wh-4-j] a server that speaks no TLS, and ws to one that does: 1006', async () => {
    const plain = net.createServer((socket) =>
      socket.on('error', () => {}).end('HTTP/1.1 400 x\r\n\r\n'),
    );
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    const witness = await greet(`wss://127.0.0.1:${(plain.address() as net.AddressInfo).port}`, {});
    plain.close();
    expect(witness.log).toHaveLength(2);
    expect(witness.log[1]).toBe('close 1006');
    const unencrypted = await greet(`ws://127.0.0.1:${port}`, {});
    expect(unencrypted.log).toHaveLength(2);
    expect(unencrypted.log[1]).toBe('close 1006');
  });
});

describe('a redirect from wss', () => {
  it('[6455-4.1-bn] to ws takes no credentials along, be it to the same host and port', async () => {
    // One port for both: the first octet of TLS is 22.
    const plainHeads: string[] = [];
    const both = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (chunk) => {
        if (chunk[0] === 22) {
          const inner = net.connect(port, '127.0.0.1');
          inner.on('error', () => {});
          inner.write(chunk);
          socket.pipe(inner).pipe(socket);
          return;
        }
        const head = chunk.toString('latin1');
        plainHeads.push(head);
        socket.write(welcome(head));
      });
    });
    both.listen(0, '127.0.0.1');
    await once(both, 'listening');
    const host = `127.0.0.1:${(both.address() as net.AddressInfo).port}`;
    answer = () =>
      `HTTP/1.1 302 Found\r\nLocation: ws://${host}/plain\r\nContent-Length: 0\r\n\r\n`;
    try {
      const witness = await greet(`wss://me:secret@${host}/`, {
        ca: certificate.cert,
        followRedirects: true,
        headers: { Cookie: 'sid=secret', 'X-Kept': 'yes' },
      });
      expect(witness.log).toEqual(['open', 'message hi', 'close 1006']);
      expect(linesOf(heads[0] as string, 'cookie')).toEqual(['sid=secret']);
      expect(linesOf(heads[0] as string, 'authorization')).toHaveLength(1);
      const [plain] = plainHeads as [string];
      expect(linesOf(plain, 'cookie')).toEqual([]);
      expect(linesOf(plain, 'authorization')).toEqual([]);
      expect(linesOf(plain, 'x-kept')).toEqual(['yes']);
    } finally {
      answer = null;
      both.close();
    }
  });
});
