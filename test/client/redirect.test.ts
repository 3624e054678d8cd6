import type { ClientRequest } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { resolveLocation, sameHost, withoutCredentials } from '../../src/client/redirect.ts';
import { parseUrl } from '../../src/handshake/url.ts';
import { type ClientOptions, WebSocket } from '../../src/index.ts';
import { type Answer, formatSwitching, headerOf, RawServer } from '../support/wire.ts';
import { uncaughtDuring } from '../websocket/pair.ts';
import { linesOf, Witness } from './witness.ts';

const servers: RawServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

interface Recorded {
  readonly url: string;
  readonly port: number;
  readonly heads: string[];
}

/** A raw server that keeps the requests it got. */
async function listen(answer: Answer): Promise<Recorded> {
  const heads: string[] = [];
  const server = await RawServer.listen((request) => {
    heads.push(request.head);
    return answer(request);
  });
  servers.push(server);
  return { url: server.url, port: server.port, heads };
}

function moved(location: string, status = 302): string {
  return `HTTP/1.1 ${status} Moved\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;
}

const switching: Answer = ({ key }) => formatSwitching(key);
const pathOf = (head: string) => head.split(' ')[1];

async function follow(url: string, options: ClientOptions = {}): Promise<Witness> {
  const ws = new WebSocket(url, { followRedirects: true, handshakeTimeout: 10_000, ...options });
  const witness = new Witness(ws);
  ws.on('open', () => ws.terminate());
  return witness.closed();
}

describe('resolveLocation', () => {
  const to = (location: string, base: string) => resolveLocation(location, parseUrl(base)).href;

  it('resolves against the address that was asked', () => {
    expect(to('/b?x=1', 'ws://host:81/a/c')).toBe('ws://host:81/b?x=1');
    expect(to('d', 'ws://host:81/a/c')).toBe('ws://host:81/a/d');
    expect(to('//other/d', 'wss://host/a')).toBe('wss://other/d');
    expect(to('https://other/d', 'ws://host/a')).toBe('wss://other/d');
    expect(to('wss://other:8443', 'ws://host/a')).toBe('wss://other:8443/');
  });

  it('keeps to the Unix socket for a location that is a path only', () => {
    const base = 'ws+unix:/tmp/a%3Ab%20c.sock:/old/x?y';
    expect(resolveLocation('/new?z=1', parseUrl(base))).toMatchObject({
      href: 'ws+unix:/tmp/a%3Ab%20c.sock:/new?z=1',
      socketPath: '/tmp/a:b c.sock',
      resourceName: '/new?z=1',
    });
    expect(resolveLocation('new', parseUrl(base)).resourceName).toBe('/old/new');
    expect(resolveLocation('ws://host/', parseUrl(base)).socketPath).toBeUndefined();
  });

  it('refuses what is no address of a WebSocket', () => {
    for (const location of ['http://', 'ftp://host/', 'ws://host/#fragment', 'mailto:a@b']) {
      expect(() => to(location, 'ws://host/')).toThrow(SyntaxError);
    }
    expect(() => to('/a#b', 'ws+unix:/s:/x')).toThrow(SyntaxError);
  });
});

describe('sameHost', () => {
  it('compares name, port and Unix socket', () => {
    const same = (a: string, b: string) => sameHost(parseUrl(a), parseUrl(b));
    expect(same('ws://HOST/a', 'ws://host:80/b')).toBe(true);
    expect(same('ws://host:443/', 'wss://host/')).toBe(true);
    expect(same('ws://host/', 'ws://sub.host/')).toBe(false);
    expect(same('ws://host:81/', 'ws://host/')).toBe(false);
    expect(same('ws+unix:/a:/x', 'ws+unix:/a:/y')).toBe(true);
    expect(same('ws+unix:/a:/x', 'ws+unix:/b:/x')).toBe(false);
    expect(same('ws+unix:/a:/x', 'ws://localhost/x')).toBe(false);
  });
});

describe('withoutCredentials', () => {
  it('takes out what was meant for the first server alone', () => {
    const headers = () => ({
      authorization: 'a',
      cookie: 'b',
      'proxy-authorization': 'c',
      host: 'h',
      'x-other': 'd',
    });
    const elsewhere = headers();
    withoutCredentials(elsewhere, false);
    expect(elsewhere).toEqual({ 'x-other': 'd' });
    const same = headers();
    withoutCredentials(same, true);
    expect(same).toEqual({ host: 'h', 'x-other': 'd' });
  });
});

describe('a redirected opening handshake', () => {
  it('[6455-4.1-bn] [wh-2.2-a] is not followed unless asked for', async () => {
    const target = await listen(switching);
    const server = await listen(() => moved(target.url));
    for (const options of [{}, { followRedirects: false }]) {
      const witness = await new Witness(new WebSocket(server.url, options)).closed();
      expect(witness.log).toEqual(['error Unexpected server response: 302', 'close 1006']);
    }
    expect(target.heads).toEqual([]);
  });

  it('[6455-4.1-bn] ends at the limit of hops, 10 unless told', async () => {
    const server = await listen(({ head }) => moved(`/${Number(pathOf(head)?.slice(1)) + 1}`));
    const witness = await follow(`${server.url}/0`);
    expect(witness.log).toEqual(['error Maximum redirects exceeded', 'close 1006']);
    expect(server.heads.map(pathOf)).toEqual(Array.from({ length: 11 }, (_, i) => `/${i}`));
    server.heads.length = 0;
    await follow(`${server.url}/0`, { maxRedirects: 0 });
    expect(server.heads.map(pathOf)).toEqual(['/0']);
  });

  it.each([300, 301, 302, 303, 307, 308])(
    '[6455-4.1-bn] [6455-4.1-ba] follows %i with a new key, every other field as before',
    async (status) => {
      const server = await listen((request) =>
        pathOf(request.head) === '/end?q' ? switching(request) : moved('end?q', status),
      );
      const ws = new WebSocket(`${server.url}/start`, ['chat'], { followRedirects: true });
      const redirects: string[] = [];
      ws.on('redirect', (url) => redirects.push(url));
      const witness = await new Witness(ws).closed();
      // The raw 101 names no subprotocol, which fails after the redirect was followed.
      expect(witness.log[0]).toBe('error Server sent no subprotocol');
      expect(redirects).toEqual([`${server.url}/end?q`]);
      expect(ws.url).toBe(`${server.url}/end?q`);
      const [first, second] = server.heads as [string, string];
      const keys = server.heads.map((head) => headerOf(head, 'sec-websocket-key'));
      expect(new Set(keys).size).toBe(2);
      const rest = (head: string) =>
        head.split('\r\n').filter((line, i) => i > 0 && !/^sec-websocket-key:/i.test(line));
      expect(rest(second)).toEqual(rest(first));
    },
  );

  it('opens, and delivers, at the end of the way', async () => {
    const target = await listen(switching);
    const middle = await listen(() => moved(`http://127.0.0.1:${target.port}/there`, 307));
    const server = await listen(() => moved(`//127.0.0.1:${middle.port}/`, 301));
    const witness = await follow(server.url);
    expect(witness.log).toEqual(['open', 'close 1006']);
    expect(target.heads.map(pathOf)).toEqual(['/there']);
    expect(linesOf(target.heads[0] as string, 'host')).toEqual([`127.0.0.1:${target.port}`]);
  });

  it('leaves the connection that it was redirected on', async () => {
    const target = await listen(switching);
    const server = await RawServer.listen(() => moved(target.url));
    servers.push(server);
    const ws = new WebSocket(server.url, { followRedirects: true });
    await new Witness(ws).opened();
    const peer = await server.accept();
    await peer.until(() => peer.finished !== undefined);
    expect(peer.received).toHaveLength(0);
    expect(ws.readyState).toBe(1);
    ws.terminate();
  });

  const secrets = {
    headers: {
      Authorization: 'Bearer secret',
      Cookie: 'sid=secret',
      'Proxy-Authorization': 'secret',
      Host: 'virtual.example',
      'X-Kept': 'yes',
    },
  };

  it('[6455-4.1-bn] keeps the credentials on the same host', async () => {
    const server = await listen((request) =>
      pathOf(request.head) === '/b' ? switching(request) : moved('/b'),
    );
    await follow(`${server.url}/a`, secrets);
    const head = server.heads[1] as string;
    expect(linesOf(head, 'authorization')).toEqual(['Bearer secret']);
    expect(linesOf(head, 'cookie')).toEqual(['sid=secret']);
    expect(linesOf(head, 'host')).toEqual(['virtual.example']);
  });

  it('[6455-4.1-bn] drops them for another host', async () => {
    const target = await listen(switching);
    const server = await listen(() => moved(target.url));
    await follow(server.url, secrets);
    expect(server.heads[0]).toContain('secret');
    const head = target.heads[0] as string;
    expect(head).not.toContain('secret');
    expect(linesOf(head, 'host')).toEqual([`127.0.0.1:${target.port}`]);
    expect(linesOf(head, 'x-kept')).toEqual(['yes']);
  });

  it('leaves them to a redirect listener, who may take them out of the request', async () => {
    for (const drops of [false, true]) {
      const target = await listen(switching);
      const server = await listen(() => moved(target.url));
      const ws = new WebSocket(server.url, { followRedirects: true, ...secrets });
      const found: unknown[] = [];
      ws.on('redirect', (_url, request) => {
        for (const name of ['authorization', 'cookie', 'proxy-authorization', 'host']) {
          found.push(request.getHeader(name));
          if (drops) request.removeHeader(name);
        }
        if (drops) request.setHeader('host', new URL(target.url).host);
      });
      ws.on('open', () => ws.terminate());
      expect((await new Witness(ws).closed()).log).toContain('open');
      expect(found).toEqual(['Bearer secret', 'sid=secret', 'secret', 'virtual.example']);
      const head = target.heads[0] as string;
      const sent = ['authorization', 'cookie', 'host'].map((name) => linesOf(head, name));
      if (drops) expect(sent).toEqual([[], [], [`127.0.0.1:${target.port}`]]);
      else expect(sent).toEqual([['Bearer secret'], ['sid=secret'], ['virtual.example']]);
      expect(linesOf(head, 'x-kept')).toEqual(['yes']);
    }
  });

  it('[6455-4.1-bn] asks again at every hop whether somebody listens', async () => {
    let back = '';
    const last = await listen(switching);
    const other = await listen(() => moved(back));
    const server = await listen((request) =>
      moved(pathOf(request.head) === '/a' ? other.url : last.url),
    );
    back = `${server.url}/b`;
    const ws = new WebSocket(`${server.url}/a`, { followRedirects: true, ...secrets });
    const seen: string[] = [];
    ws.once('redirect', (url) => seen.push(url));
    ws.on('open', () => ws.terminate());
    await new Witness(ws).closed();
    expect(seen).toEqual([`${other.url}/`]);
    expect(other.heads[0]).toContain('secret');
    // Nobody listens any more: not back on the first host, nor on the last one.
    expect([server.heads[1], last.heads[0]].join()).not.toContain('secret');
  });

  it('[6455-4.1-bn] drops them for good: a way back by another host brings none back', async () => {
    let back = '';
    const other = await listen(() => moved(back));
    const server = await listen((request) =>
      pathOf(request.head) === '/a' ? moved(other.url) : switching(request),
    );
    back = `${server.url}/chosen-by-other`;
    const witness = await follow(`${server.url}/a`, secrets);
    expect(witness.log).toContain('open');
    expect(server.heads[1]).not.toContain('secret');
  });

  it('[6455-4.1-bn] treats the user of the URL and `auth` likewise', async () => {
    const basic = (user: string) => `Basic ${Buffer.from(user).toString('base64')}`;
    for (const withAuth of [false, true]) {
      for (const listens of [false, true]) {
        const target = await listen(switching);
        let next = '';
        const server = await listen(({ head }) => moved(pathOf(head) === '/a' ? next : target.url));
        next = `ws://you:too@127.0.0.1:${server.port}/b`;
        const user = withAuth ? '' : 'me:pass@';
        const options = { followRedirects: true, ...(withAuth && { auth: 'me:pass' }) };
        const ws = new WebSocket(`ws://${user}127.0.0.1:${server.port}/a`, options);
        if (listens) ws.on('redirect', () => {});
        ws.on('open', () => ws.terminate());
        expect((await new Witness(ws).closed()).log).toContain('open');
        const heads = [...server.heads, ...target.heads];
        const mine = [basic('me:pass')];
        const sent = heads.map((head) => linesOf(head, 'authorization'));
        expect(sent).toEqual([mine, mine, listens ? mine : []]);
      }
    }
  });

  it('sends the user that the location itself names', async () => {
    const target = await listen(switching);
    const server = await listen(() => moved(`ws://you:there@127.0.0.1:${target.port}/`));
    await follow(server.url, { auth: 'me:pass' });
    expect(linesOf(target.heads[0] as string, 'authorization')).toEqual([
      `Basic ${Buffer.from('you:there').toString('base64')}`,
    ]);
  });

  it.each(['ws://', 'ftp://127.0.0.1/', '/path#fragment', 'ws://127.0.0.1:99999/'])(
    'fails for the location %s',
    async (location) => {
      const server = await listen(() => moved(location));
      const witness = await follow(server.url);
      expect(witness.log).toHaveLength(2);
      expect(witness.error).toBeInstanceOf(SyntaxError);
      expect(witness.log[1]).toBe('close 1006');
      expect(server.heads).toHaveLength(1);
    },
  );

  it('keeps the user that was given, whatever the Location on the same host says', async () => {
    const server = await listen((request) =>
      pathOf(request.head) === '/old'
        ? moved(`ws://other:user@127.0.0.1:${server.port}/new`)
        : switching(request),
    );
    const basic = (user: string) => `Basic ${Buffer.from(user).toString('base64')}`;
    await follow(`ws://me:pass@127.0.0.1:${server.port}/old`);
    expect(server.heads.map((head) => headerOf(head, 'authorization'))).toEqual([
      basic('me:pass'),
      basic('me:pass'),
    ]);
    server.heads.length = 0;
    await follow(`ws://127.0.0.1:${server.port}/old`);
    expect(server.heads.map((head) => headerOf(head, 'authorization'))).toEqual([
      undefined,
      basic('other:user'),
    ]);
  });

  it('is followed though a listener throws, which the process hears of', async () => {
    const target = await listen(switching);
    const first = await listen(() => moved(`${target.url}/new`));
    const ws = new WebSocket(first.url, { followRedirects: true, handshakeTimeout: 10_000 });
    const witness = new Witness(ws);
    ws.on('open', () => ws.terminate());
    const failure = new Error('listener');
    ws.on('redirect', () => {
      throw failure;
    });
    const caught = await uncaughtDuring(async () => void (await witness.closed()));
    expect(caught).toEqual([failure]);
    expect(witness.log).toContain('open');
    expect(target.heads.length).toBe(1);
  });

  it('fails for a redirect without a location', async () => {
    const server = await listen(() => 'HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n');
    const witness = await follow(server.url);
    expect(witness.log).toEqual(['error Unexpected server response: 302', 'close 1006']);
  });

  it.each(['close', 'terminate'] as const)('ends when the listener calls %s()', async (method) => {
    const target = await listen(switching);
    const server = await listen(() => moved(target.url));
    let finished = 0;
    const finishRequest = (request: ClientRequest) => {
      finished++;
      request.end();
    };
    const ws = new WebSocket(server.url, { followRedirects: true, finishRequest });
    ws.on('redirect', (_url, request) => {
      request.destroy(new Error('mine'));
      ws[method]();
    });
    const witness = await new Witness(ws).closed();
    expect(witness.log).toEqual([
      'error WebSocket was closed before the connection was established',
      'close 1006',
    ]);
    expect(target.heads).toEqual([]);
    expect(finished).toBe(1);
  });

  it('lets the listener change the request, and finishRequest finish it', async () => {
    const target = await listen(switching);
    const server = await listen(() => moved(target.url));
    let finished = 0;
    const ws = new WebSocket(server.url, {
      followRedirects: true,
      finishRequest(request) {
        finished++;
        request.end();
      },
    });
    ws.on('redirect', (_url, request) => request.setHeader('Cookie', 'fresh=1'));
    ws.on('open', () => ws.terminate());
    await new Witness(ws).closed();
    expect(finished).toBe(2);
    expect(linesOf(target.heads[0] as string, 'cookie')).toEqual(['fresh=1']);
  });

  it('[6455-4.1-bo] counts the redirects into handshakeTimeout', async () => {
    const server = await listen(() => moved('/again'));
    const began = performance.now();
    const witness = await follow(server.url, { handshakeTimeout: 150, maxRedirects: 1e9 });
    expect(witness.log).toEqual(['error Opening handshake has timed out', 'close 1006']);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(server.heads.length).toBeGreaterThan(1);
  });
});
