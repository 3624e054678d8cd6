// curl knows nothing of WebSocket here: it shows what an ordinary HTTP client gets to see of the
// opening handshake.

import { inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Child } from './child.ts';
import { describePeer, describeTls, findBinary } from './peers.ts';
import { Service } from './service.ts';
import { subject } from './subject.ts';

interface Answer {
  readonly status: number;
  /** Names in lower case; a name that came twice holds both values. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** What came after the head, until curl ended or was ended. */
  readonly body: Buffer;
}

/** The opening handshake of §1.3, header by header, so that a test can leave one out. */
const handshake: Readonly<Record<string, string>> = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

function parse(bytes: Buffer): Answer {
  const end = bytes.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const [name = '', value = ''] = line.split(/:\s*(.*)/s);
    headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), value]);
  }
  return { status: Number(statusLine.split(' ')[1]), headers, body: bytes.subarray(end + 4) };
}

/** The frame that `/greet` begins with: FIN, text, not masked, seven bytes. */
const welcome = Buffer.from('\x81\x07welcome', 'latin1');

/**
 * Runs curl until it ends. A 101 never ends by itself: then curl is ended as soon as a greeting has
 * followed the head. (It also keeps the head to itself until a body comes; so the path is
 * `/greet` wherever a 101 is possible.)
 */
async function request(
  curl: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<Answer> {
  const lines = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const child = new Child(curl, ['-isSN', '--http1.1', '-m', '10', ...args, ...lines, url]);
  let output = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => {
    output = Buffer.concat([output, chunk]);
    const end = output.indexOf('\r\n\r\n');
    const upgraded = end !== -1 && output.subarray(9, 12).toString() === '101';
    if (upgraded && output.length >= end + 4 + welcome.length) child.kill('SIGTERM');
  });
  await child.exited;
  if (!output.includes('\r\n\r\n')) throw new Error(`no answer: ${child.complaint}`);
  return parse(output);
}

const without = (name: string) =>
  Object.fromEntries(Object.entries(handshake).filter(([key]) => key !== name));

describePeer('curl', { curl: findBinary('curl') }, (found) => {
  let service: Service;
  const http = (path: string) => service.url(path).replace(/^ws/, 'http');
  beforeAll(async () => {
    service = await Service.start(subject, { origins: ['https://welcome.example'] });
  });
  afterAll(() => service?.stop());

  it('[6455-4.2.2-n] [6455-4.2.2-o] [6455-4.2.2-p] [6455-4.2.2-q] [6455-11.3.3-a] gets the RFC’s own answer', async () => {
    const { status, headers } = await request(found.curl, http('/greet'), handshake);
    expect(status).toBe(101);
    expect(headers.get('upgrade')?.join().toLowerCase()).toBe('websocket');
    expect(headers.get('connection')?.join().toLowerCase()).toBe('upgrade');
    expect(headers.get('sec-websocket-accept')).toEqual(['s3pPLMBiTxaQ9kYGzzhZRbK+xOo=']);
  });

  it('[6455-4.2.2-i] [6455-4.2.2-m] [9110-15.2-a] is told of nothing that it did not ask for', async () => {
    const { headers } = await request(found.curl, http('/greet'), handshake);
    for (const name of ['protocol', 'extensions']) {
      expect(headers.has(`sec-websocket-${name}`)).toBe(false);
    }
    expect(headers.has('content-length')).toBe(false);
    expect(headers.has('transfer-encoding')).toBe(false);
  });

  it('[6455-4.2.2-s] [6455-5.1-e] sees the first frame follow the head, unmasked', async () => {
    const { body } = await request(found.curl, http('/greet'), handshake);
    expect(body).toEqual(welcome);
  });

  it('[6455-4.2.2-f] [6455-4.4-a] of another version is answered 400 and the one we speak', async () => {
    const { status, headers } = await request(found.curl, http('/greet'), {
      ...handshake,
      'Sec-WebSocket-Version': '8',
    });
    expect(status).toBe(400);
    expect(headers.get('sec-websocket-version')).toEqual(['13']);
  });

  it('[6455-4.2.1-b] that upgrades with POST is answered 405', async () => {
    const args = ['-X', 'POST'];
    const { status, headers } = await request(found.curl, http('/greet'), handshake, args);
    expect(status).toBe(405);
    expect(headers.get('allow')).toEqual(['GET']);
  });

  it('[6455-4.2.1-c] [9110-7.8-a] that speaks HTTP/1.0 is not upgraded', async () => {
    const args = ['--http1.0'];
    const { status } = await request(found.curl, http('/greet'), handshake, args);
    expect(status).not.toBe(101);
  });

  it('[6455-4.2.1-h] without a key is answered 400', async () => {
    const headers = without('Sec-WebSocket-Key');
    expect((await request(found.curl, http('/echo'), headers)).status).toBe(400);
  });

  it('[6455-4.2.2-u] is answered completely and the connection closed', async () => {
    const { status, headers, body } = await request(found.curl, http('/nowhere'), handshake);
    expect(status).toBe(404);
    expect(headers.get('connection')?.join().toLowerCase()).toBe('close');
    expect(headers.get('content-length')).toEqual([String(body.length)]);
  });

  it('[6455-4.2.2-c] [6455-4.2.2-d] is told how to prove itself, and where to go instead', async () => {
    const asked = await request(found.curl, http('/private'), handshake);
    expect(asked.status).toBe(401);
    expect(asked.headers.get('www-authenticate')).toEqual(['Basic realm="peers"']);
    const moved = await request(found.curl, http('/moved'), handshake);
    expect(moved.status).toBe(302);
    expect(moved.headers.get('location')).toEqual(['/echo']);
  });

  it('[node-upgrade-a] that does not ask for the upgrade reaches the request handler', async () => {
    for (const headers of [{}, without('Connection')]) {
      const { status, body } = await request(found.curl, http('/echo'), headers);
      expect(status).toBe(200);
      expect(body.toString()).toBe('plain HTTP');
    }
  });

  describe('with an Origin', () => {
    const from = (origin: string) =>
      request(found.curl, http('/guarded'), { ...handshake, Origin: origin });

    it('[6455-4.2.2-e] [6455-10.2-b] from elsewhere is answered 403 and told how to allow it', async () => {
      const { status, body } = await from('https://elsewhere.example');
      expect(status).toBe(403);
      expect(body.toString()).toContain('https://elsewhere.example');
      expect(body.toString()).toMatch(/\borigins\b/);
    });

    it('[6455-10.2-a] on the list is taken', async () => {
      expect((await from('https://welcome.example')).status).toBe(101);
    });

    it('[6455-10.2-a] that only resembles one on the list is answered 403', async () => {
      for (const origin of [
        'https://welcome.example.elsewhere.example',
        'https://notwelcome.example',
        'http://welcome.example',
        'https://welcome.example:444',
        'null',
      ]) {
        expect((await from(origin)).status, origin).toBe(403);
      }
    });
  });
});

describePeer('curl, our server with compression', { curl: findBinary('curl') }, (found) => {
  let service: Service;
  beforeAll(async () => {
    service = await Service.start(subject, { perMessageDeflate: { threshold: 0 } });
  });
  afterAll(() => service?.stop());
  const offer = (value: string, to = service) =>
    request(found.curl, to.url('/greet').replace(/^ws/, 'http'), {
      ...handshake,
      'Sec-WebSocket-Extensions': value,
    });

  it('[7692-6-c] [7692-6-f] [7692-7.2.1-a] gets a greeting that inflates', async () => {
    const { status, headers, body } = await offer('permessage-deflate; client_max_window_bits');
    expect(status).toBe(101);
    expect(headers.get('sec-websocket-extensions')).toEqual(['permessage-deflate']);
    // FIN, RSV1, text; not masked, and short.
    expect(body[0]).toBe(0xc1);
    expect(body[1]).toBe(body.length - 2);
    const deflated = Buffer.concat([body.subarray(2), Buffer.from([0, 0, 0xff, 0xff])]);
    expect(inflateRawSync(deflated, { finishFlush: 2 }).toString()).toBe('welcome');
  });

  it('[7692-5-c] [7692-5-f] gets the first offer that can be accepted', async () => {
    const wrong = 'permessage-deflate; server_max_window_bits=16, permessage-deflate; other';
    const right = 'permessage-deflate; server_max_window_bits="10", permessage-deflate';
    const { status, headers } = await offer(`${wrong}, x-unknown, ${right}`);
    expect(status).toBe(101);
    const agreed = ['permessage-deflate; server_max_window_bits=10'];
    expect(headers.get('sec-websocket-extensions')).toEqual(agreed);
  });

  it('[7692-7.1.2.2-d] [7692-7.1.2.2-g] is told to limit its window only where it offers that', async () => {
    const limited = await Service.start(subject, {
      perMessageDeflate: { clientMaxWindowBits: 10 },
    });
    try {
      const silent = 'permessage-deflate; client_no_context_takeover';
      const able = 'permessage-deflate; client_max_window_bits';
      const answers = [];
      for (const offered of [silent, able, `${silent}, ${able}`]) {
        const { headers } = await offer(offered, limited);
        answers.push(headers.get('sec-websocket-extensions')?.join() ?? 'none');
      }
      expect(answers).toEqual(['none', `${able}=10`, `${able}=10`]);
    } finally {
      await limited.stop();
    }
  });

  it('[7692-7-b] [7692-7-c] [7692-7-d] [7692-5-f] goes on without where none can', async () => {
    for (const parameters of [
      'other',
      'server_max_window_bits=08',
      'client_no_context_takeover=1',
      'client_max_window_bits; client_max_window_bits',
    ]) {
      const { status, headers, body } = await offer(`permessage-deflate; ${parameters}`);
      expect(status, parameters).toBe(101);
      expect(headers.get('sec-websocket-extensions'), parameters).toBeUndefined();
      expect(body, parameters).toEqual(welcome);
    }
  });
});

describePeer('curl, our server on its own listener', { curl: findBinary('curl') }, (found) => {
  let service: Service;
  beforeAll(async () => {
    service = await Service.start(subject, { listener: 'own' });
  });
  afterAll(() => service?.stop());

  it('[9110-15.5.22-a] [6455-4.4-a] is told to upgrade, and to which version', async () => {
    const url = service.url('/greet').replace(/^ws/, 'http');
    const { status, headers } = await request(found.curl, url, {});
    expect(status).toBe(426);
    expect(headers.get('upgrade')?.join().toLowerCase()).toBe('websocket');
    expect(headers.get('sec-websocket-version')).toEqual(['13']);
  });

  it('[6455-4.2.2-q] [6455-4.2.2-s] gets the same answer and the same frame', async () => {
    const url = service.url('/greet').replace(/^ws/, 'http');
    const { status, headers, body } = await request(found.curl, url, handshake);
    expect(status).toBe(101);
    expect(headers.get('sec-websocket-accept')).toEqual(['s3pPLMBiTxaQ9kYGzzhZRbK+xOo=']);
    expect(body).toEqual(welcome);
  });
});

describeTls('curl over TLS', { curl: findBinary('curl') }, (certificate, found) => {
  let service: Service;
  beforeAll(async () => {
    service = await Service.start(subject, { certificate: certificate() });
  });
  afterAll(() => service?.stop());

  it('[6455-4.2.2-b] [6455-10.6-a] gets the same answer inside the tunnel', async () => {
    const url = service.url('/greet').replace(/^ws/, 'http');
    const { status, headers, body } = await request(found.curl, url, handshake, ['-k']);
    expect(status).toBe(101);
    expect(headers.get('sec-websocket-accept')).toEqual(['s3pPLMBiTxaQ9kYGzzhZRbK+xOo=']);
    expect(body).toEqual(welcome);
  });
});
