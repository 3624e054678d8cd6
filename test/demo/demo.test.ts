// What `npm start` promises: the terminal's words, the page over HTTP, the two endpoints, and the
// page itself driven in a browser.

import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { deflateSync } from 'node:zlib';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ClientOptions, WebSocket } from '../../src/index.ts';
import { type Child, run, startDemo } from './child.ts';

const CHROMIUM = '/usr/bin/chromium';
const hasBrowser = existsSync(CHROMIUM);
const mustHaveBrowser = process.env.HANDFAST_PEERS === 'all';

let demo: Child & { url: string };
let address: string;

beforeAll(async () => {
  demo = await startDemo();
  address = demo.url.replace('http:', 'ws:');
});

afterAll(async () => {
  await demo?.end();
});

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** One request with the path exactly as written, so that `..` reaches the server. */
function ask(path: string, method = 'GET', host = demo.url): Promise<Answer> {
  const { hostname, port } = new URL(host);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, method, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    sent.on('error', reject).end();
  });
}

/** A peer that collects what it hears. */
class Peer {
  readonly socket: WebSocket;
  readonly heard: (string | Buffer)[] = [];
  readonly opened: Promise<void>;
  readonly closed: Promise<{ code: number; reason: string }>;
  error: Error | undefined;

  constructor(url: string, protocols: string[] = [], options: ClientOptions = {}) {
    this.socket = new WebSocket(url, protocols, options);
    this.socket.on('message', (data, isBinary) => {
      this.heard.push(isBinary ? (data as Buffer) : data.toString());
    });
    this.opened = new Promise((resolve) => this.socket.on('open', () => resolve()));
    this.socket.on('error', (error: Error) => {
      this.error = error;
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code: number, reason: Buffer) =>
        resolve({ code, reason: reason.toString() }),
      );
    });
    peers.push(this);
  }

  hears(what: string | RegExp): Promise<void> {
    return expect
      .poll(() => this.heard.filter((one) => typeof one === 'string'), { timeout: 5000 })
      .toContainEqual(typeof what === 'string' ? what : expect.stringMatching(what));
  }
}

const peers: Peer[] = [];

afterEach(async () => {
  const left = peers.splice(0);
  for (const { socket } of left) socket.terminate();
  await Promise.all(left.map(({ closed }) => closed));
});

describe('the terminal', () => {
  it('says the address, how to talk to /echo, how to listen elsewhere and how to stop', () => {
    expect(demo.output()).toContain(`${demo.url}/`);
    expect(demo.output()).toMatch(/HOST=\S+ PORT=\d+ npm start/);
    expect(demo.output()).toContain('Ctrl+C');
    expect(demo.errors()).toBe('');
  });

  it('prints a line for /echo that works as it stands', async () => {
    const script = /^\s*node --import tsx -e "(.+)"$/m.exec(demo.output())?.[1] ?? '';
    const line = run('--eval', {}, [script]);
    expect(await line.ended).toBe(0);
    expect(line.output().trim()).toBe('hello');
  });

  it('says in one line that a port is taken, and what to change', async () => {
    const { port } = new URL(demo.url);
    const second = run('demo/main.ts', { HOST: '127.0.0.1', PORT: port });
    expect(await second.ended).toBe(1);
    expect(second.errors()).toBe(
      `Port ${port} is taken. Choose another: PORT=${Math.min(Number(port) + 1, 65_535)} npm start\n`,
    );
    expect(second.output()).toBe('');
  });

  it.each(['http', '65536', '-1', '80.5', '0x50'])('refuses PORT=%s in one line', async (port) => {
    const child = run('demo/main.ts', { PORT: port });
    expect(await child.ended).toBe(1);
    expect(child.errors()).toMatch(/^PORT=\S+ is not a port\. .+PORT=8081 npm start\n$/);
  });

  it('refuses a HOST that is not this machine in one line', async () => {
    const child = run('demo/main.ts', { HOST: '192.0.2.1', PORT: '0' });
    expect(await child.ended).toBe(1);
    expect(child.errors()).toMatch(/^HOST=192\.0\.2\.1 is not an address of this machine\. .+\n$/);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s closes peers with 1001 and exits 0',
    async (signal) => {
      const child = await startDemo();
      try {
        const url = child.url.replace('http:', 'ws:');
        const both = [new Peer(`${url}/echo`), new Peer(`${url}/chat`)];
        // A connection that never becomes a WebSocket must not hold the exit up either.
        const idle = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
        await Promise.all(both.map(({ opened }) => opened));
        const since = performance.now();
        child.process.kill(signal);
        expect(await child.ended).toBe(0);
        expect(performance.now() - since).toBeLessThan(5000);
        idle.destroy();
        for (const peer of both) {
          expect(await peer.closed).toEqual({ code: 1001, reason: 'The server is going away' });
        }
      } finally {
        await child.end();
      }
    },
  );

  it('exits soon although a peer never answers the Close', async () => {
    const child = await startDemo();
    const { port } = new URL(child.url);
    const mute = connect(Number(port), '127.0.0.1').on('error', () => {});
    try {
      mute.write(
        `GET /echo HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      );
      await new Promise((resolve) => mute.once('data', resolve));
      const since = performance.now();
      child.process.kill('SIGTERM');
      expect(await child.ended).toBe(0);
      expect(performance.now() - since).toBeLessThan(5000);
    } finally {
      mute.destroy();
      await child.end();
    }
  });
});

describe('the page over HTTP', () => {
  it.each([
    ['/', 'text/html; charset=utf-8', '<!doctype html>'],
    ['/?from=somewhere', 'text/html; charset=utf-8', '<!doctype html>'],
    ['/page.css', 'text/css; charset=utf-8', ':root'],
    ['/page.js', 'text/javascript; charset=utf-8', 'WebSocket'],
    ['/favicon.svg', 'image/svg+xml', '<svg'],
  ])('serves %s as %s under a strict policy', async (path, type, part) => {
    const { status, headers, body } = await ask(path);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe(type);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(body).toContain(part);
  });

  it('answers HEAD with the length and no body', async () => {
    const [head, get] = [await ask('/page.js', 'HEAD'), await ask('/page.js')];
    expect(head.status).toBe(200);
    expect(head.body).toBe('');
    expect(head.headers['content-length']).toBe(String(Buffer.byteLength(get.body)));
  });

  it.each([
    '/main.ts',
    '/../main.ts',
    '/page/../../package.json',
    '/%2e%2e/main.ts',
    '/page.js/',
    '//page.js',
    '/index.html',
    '/__proto__',
  ])('answers 404 for %s', async (path) => {
    expect((await ask(path)).status).toBe(404);
  });

  it('answers 405 for another method and says which there are', async () => {
    const { status, headers } = await ask('/', 'POST');
    expect(status).toBe(405);
    expect(headers.allow).toBe('GET, HEAD');
  });
});

describe('/echo', () => {
  it('sends text back as text and binary as binary, the convention included', async () => {
    const peer = new Peer(`${address}/echo`);
    await peer.opened;
    const picture = Buffer.from([0, 255, 128, 1]);
    for (const one of ['grüße 👋', '', 'demo:ping', picture]) peer.socket.send(one);
    await expect.poll(() => peer.heard, { timeout: 5000 }).toHaveLength(4);
    expect(peer.heard).toEqual(['grüße 👋', '', 'demo:ping', picture]);
    expect(peer.socket.protocol).toBe('');
  });

  it('pings on request, once at a time, and says what the Pong took', async () => {
    const peer = new Peer(`${address}/echo`, ['demo.handfast']);
    await peer.opened;
    expect(peer.socket.protocol).toBe('demo.handfast');
    let pings = 0;
    peer.socket.on('ping', () => {
      pings += 1;
    });
    peer.socket.pong('not asked for');
    peer.socket.send('demo:ping');
    await peer.hears(/^demo:pong \d+\.\d\d$/);
    expect(pings).toBe(1);
    peer.socket.send('demo:echo 7');
    await peer.hears('demo:echo 7');
    expect(peer.heard).toHaveLength(2);
  });

  it('refuses a message larger than 16 MiB with 1009', async () => {
    const peer = new Peer(`${address}/echo`);
    await peer.opened;
    peer.socket.send(Buffer.alloc(16 * 1024 * 1024 + 1), { compress: false });
    expect((await peer.closed).code).toBe(1009);
  });

  it('gives a peer that reads late everything it sent, in order', async () => {
    const peer = new Peer(`${address}/echo`, [], { perMessageDeflate: false });
    await peer.opened;
    peer.socket.pause();
    const size = 256 * 1024;
    for (let i = 0; i < 64; i++) peer.socket.send(Buffer.alloc(size, i));
    await new Promise((resolve) => setTimeout(resolve, 300));
    peer.socket.resume();
    await expect.poll(() => peer.heard.length, { timeout: 10_000 }).toBe(64);
    expect(peer.heard.every((one, i) => one.length === size && one[0] === i)).toBe(true);
  });

  it.each(['http://example.org', 'null'])(
    'refuses the page of another origin, %s',
    async (origin) => {
      const peer = new Peer(`${address}/echo`, [], { headers: { Origin: origin } });
      await peer.closed;
      expect(peer.error?.message).toMatch(/403/);
    },
  );

  it('accepts its own page, and no other path', async () => {
    const own = new Peer(`${address}/echo`, [], { headers: { Origin: demo.url } });
    await own.opened;
    const lost = new Peer(`${address}/nowhere`);
    await lost.closed;
    expect(lost.error).toBeInstanceOf(Error);
    expect(own.socket.readyState).toBe(WebSocket.OPEN);
  });
});

describe('/chat', () => {
  it('lets everyone hear everyone, tells who comes and goes, and keeps probes to their sender', async () => {
    const first = new Peer(`${address}/chat`, ['demo.handfast']);
    await first.hears(/^\* You are \w+; 1 here$/);
    const second = new Peer(`${address}/chat`);
    await second.hears(/^\* You are \w+; 2 here$/);
    await first.hears(/^\* \w+ joined; 2 here$/);
    const name = /You are (\w+)/.exec(String(second.heard[0]))?.[1];
    first.socket.send('demo:echo 1');
    first.socket.send(Buffer.from([1, 2, 3]));
    second.socket.send('hello');
    for (const peer of [first, second]) {
      await peer.hears(`${name}: hello`);
      await expect.poll(() => peer.heard).toContainEqual(Buffer.from([1, 2, 3]));
      await peer.hears(/^\* \w+ sends a file of 3 bytes$/);
    }
    expect(first.heard).toContain('demo:echo 1');
    expect(second.heard.join()).not.toContain('demo:echo');
    second.socket.close();
    await first.hears(`* ${name} left; 1 here`);
  });

  it('takes 200 members and closes the next with 1013', async () => {
    const members = Array.from({ length: 200 }, () => new Peer(`${address}/chat`));
    await Promise.all(members.map((member) => member.hears(/You are/)));
    const late = new Peer(`${address}/chat`);
    expect(await late.closed).toEqual({ code: 1013, reason: 'The room is full' });
    const names = members.map((member) => /You are ([\w ]+);/.exec(String(member.heard[0]))?.[1]);
    expect(new Set(names).size).toBe(200);
  });

  it('passes over a member that does not read, and tells it what it missed', async () => {
    const slow = new Peer(`${address}/chat`, [], { perMessageDeflate: false });
    const quick = new Peer(`${address}/chat`, [], { perMessageDeflate: false });
    await Promise.all([slow.hears(/You are/), quick.hears(/You are/)]);
    slow.socket.pause();
    const piece = Buffer.alloc(1024 * 1024);
    for (let i = 0; i < 48; i++) {
      quick.socket.send(piece);
      await expect
        .poll(() => quick.heard.filter((one) => typeof one !== 'string').length, {
          timeout: 5000,
          interval: 5,
        })
        .toBe(i + 1);
    }
    slow.socket.resume();
    await expect
      .poll(
        () => {
          quick.socket.send('still there?');
          return slow.heard.some((one) =>
            /^\* Missed while you were behind: \d+$/.test(String(one).slice(0, 40)),
          );
        },
        { timeout: 8000, interval: 100 },
      )
      .toBe(true);
    expect(slow.heard.filter((one) => typeof one !== 'string').length).toBeLessThan(48);
  });
});

describe('the browser', () => {
  if (!hasBrowser && !mustHaveBrowser) {
    it('is not tried', () => {
      process.stdout.write(`${CHROMIUM} is not installed: the demo page was not driven\n`);
    });
    return;
  }

  let browser: Browser;
  let context: BrowserContext;
  let complaints: string[];

  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        '--no-sandbox',
        '--headless',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  }, 30_000);

  afterAll(() => browser?.close());

  afterEach(async () => {
    await context?.close();
    expect(complaints).toEqual([]);
  });

  async function openPage(fresh = true): Promise<Page> {
    if (fresh) {
      context = await browser.newContext();
      context.setDefaultTimeout(8000);
      complaints = [];
    }
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        complaints.push(message.text());
    });
    page.on('request', (sent) => {
      const url = new URL(sent.url());
      const here = url.host === new URL(demo.url).host || url.protocol === 'blob:';
      if (!here) complaints.push(`asked for ${sent.url()}`);
    });
    await page.goto(demo.url);
    return page;
  }

  async function connectTo(page: Page, endpoint: string): Promise<void> {
    await page.getByRole('radio', { name: endpoint }).check();
    await page.getByRole('button', { name: 'Connect' }).click();
    await page.locator('#state').getByText(`Open on ${endpoint}`).waitFor();
  }

  const rows = (page: Page, way: 'in' | 'out') => page.locator(`#log .row.${way}:not(.probe)`);

  it('sends a text and shows it coming back, with what was negotiated', async () => {
    const page = await openPage();
    expect(await page.getByLabel('Text to send').isDisabled()).toBe(true);
    await connectTo(page, '/echo');
    await page.getByLabel('Text to send').fill('<b>grüße</b> 👋');
    await page.keyboard.press('Enter');
    const back = rows(page, 'in').last();
    await back.getByText('<b>grüße</b> 👋').waitFor();
    expect(await back.textContent()).toMatch(/\d\d:\d\d:\d\d\.\d{3}.*Received.*text\s+19 B/s);
    expect(await rows(page, 'out').last().textContent()).toMatch(/Sent.*text\s+19 B/s);
    expect(await page.locator('#fact-protocol').textContent()).toBe('demo.handfast');
    const extensions = await page.locator('#fact-extensions').textContent();
    expect(extensions).toBe((await offerDeflate(demo.url)) || 'none');
    expect(await page.locator('#fact-url').textContent()).toBe(`${address}/echo`);
  });

  it('sends an image, shows it, and offers it for saving with its bytes unchanged', async () => {
    const page = await openPage();
    await connectTo(page, '/echo');
    const image = png(24, 16);
    await page
      .locator('#file')
      .setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: image });
    await page.getByText(`a.png, ${image.length} B`).waitFor();
    await page.getByRole('button', { name: 'Send' }).click();
    const shown = page.getByAltText(/Received image/);
    await shown.waitFor();
    await expect
      .poll(() =>
        shown.evaluate((one) => (one as unknown as { naturalWidth: number }).naturalWidth),
      )
      .toBe(24);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: /Save the received file/ }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('received-1.png');
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks)).toEqual(image);
  });

  it('keeps back a file larger than the endpoint takes, and says so', async () => {
    const page = await openPage();
    await connectTo(page, '/chat');
    const buffer = Buffer.alloc(4 * 1024 * 1024 + 1);
    await page.locator('#file').setInputFiles({ name: 'big.bin', mimeType: 'a/b', buffer });
    await page.getByText('big.bin is larger than 4.0 MiB').waitFor();
  });

  it('measures the round trip itself, and shows what the server measured', async () => {
    const page = await openPage();
    await connectTo(page, '/echo');
    await page.getByRole('button', { name: 'Ping' }).click();
    await page
      .locator('#log')
      .getByText(/measured here: \d+(\.\d)? ms/)
      .waitFor();
    await page
      .locator('#log')
      .getByText(/measured there: \d+\.\d\d ms/)
      .waitFor();
    await page
      .locator('#latency')
      .getByText(/^\d+(\.\d)?$/)
      .waitFor();
    expect(await page.locator('#spark').getAttribute('aria-label')).toMatch(/best .+ of \d+$/);
    await expect.poll(() => page.locator('#spark-line').getAttribute('d')).toMatch(/^M.*L/);
    expect(await page.locator('#log .probe').first().isVisible()).toBe(false);
    await page.getByLabel('show latency probes').check();
    expect(await page.locator('#log .probe').first().isVisible()).toBe(true);
  });

  it('lets two pages on /chat hear each other', async () => {
    const first = await openPage();
    const second = await openPage(false);
    await connectTo(first, '/chat');
    await connectTo(second, '/chat');
    await rows(first, 'in')
      .getByText(/joined; 2 here/)
      .waitFor();
    for (const [from, to, words] of [
      [first, second, 'can you hear me'],
      [second, first, 'loud and clear'],
    ] as const) {
      await from.getByLabel('Text to send').fill(words);
      await from.getByRole('button', { name: 'Send' }).click();
      await rows(to, 'in').getByText(words).waitFor();
    }
    await second.close();
    await rows(first, 'in')
      .getByText(/left; 1 here/)
      .waitFor();
  });

  it('closes with 4001 and a reason, shows both, and can connect again', async () => {
    const page = await openPage();
    await connectTo(page, '/echo');
    await page.getByLabel('Code').fill('1001');
    await page.getByRole('button', { name: 'Close' }).click();
    expect(await page.locator('#state').textContent()).toBe('Open on /echo');
    await page.getByLabel('Code').fill('4001');
    await page.getByLabel('Reason').fill('enough for today');
    await page.getByRole('button', { name: 'Close' }).click();
    await page.locator('#state').getByText('Closed, 4001').waitFor();
    await page.locator('#log').getByText('Closed: 4001 “enough for today”').waitFor();
    await connectTo(page, '/chat');
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await page.locator('#state').getByText('Closed, 1000').waitFor();
  });

  it('shows 1001 when the server goes', async () => {
    const own = await startDemo();
    try {
      const page = await openPage();
      page.removeAllListeners('request');
      await page.goto(own.url);
      await connectTo(page, '/echo');
      await page.locator('#latency').getByText(/^\d/).waitFor();
      own.process.kill('SIGTERM');
      expect(await own.ended).toBe(0);
      await expect.poll(() => page.locator('#state').textContent()).toBe('Closed, 1001');
      await page.locator('#log').getByText('Closed: 1001 “The server is going away”').waitFor();
    } finally {
      await own.end();
    }
  });

  it.each([1280, 400, 320])('fits %i px without scrolling sideways', async (width) => {
    const page = await openPage();
    await page.setViewportSize({ width, height: 800 });
    await connectTo(page, '/echo');
    await page.getByLabel('Text to send').fill('x'.repeat(300));
    await page.keyboard.press('Enter');
    await rows(page, 'in').last().waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    expect(
      await page.evaluate(
        "{ const log = document.getElementById('log-frame'); log.scrollWidth - log.clientWidth }",
      ),
    ).toBe(0);
  });

  it('gives every control a name and a visible focus', async () => {
    const page = await openPage();
    await connectTo(page, '/echo');
    const nameless =
      await page.evaluate(`Array.from(document.querySelectorAll('input, button, textarea'))
      .filter((one) => !(one.labels?.length || one.textContent.trim() || one.ariaLabel))
      .map((one) => one.outerHTML)`);
    expect(nameless).toEqual([]);
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press('Tab');
      const outlined = await page.evaluate(`{
        const at = document.activeElement;
        const shown = at.closest('.choice, .button') ?? at;
        at === document.body || getComputedStyle(shown).outlineStyle !== 'none';
      }`);
      expect(outlined).toBe(true);
    }
  });
});

/** What the server answers to the extension that browsers offer; '' when it takes none. */
function offerDeflate(url: string): Promise<string> {
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
  };
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/echo`, { headers, agent: false });
    sent.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response.headers['sec-websocket-extensions'] ?? '');
    });
    sent.on('error', reject).end();
  });
}

/** A small RGB picture, so that the browser has something real to decode. */
function png(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const pixels = Buffer.alloc(height * (1 + width * 3), 0x60);
  for (let y = 0; y < height; y++) pixels[y * (1 + width * 3)] = 0;
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(pixels)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** PNG's checksum (ISO 3309); node:zlib has it only from Node 22.2. */
function crc32(data: Buffer): number {
  let crc = ~0;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
