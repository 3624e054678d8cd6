// The Origin policy (§10.2): what is the same host, what a pattern lets in, and what a page that is
// not let in is told on the wire.

import { describe, expect, it } from 'vitest';
import { isListedOrigin, isSameHost } from '../../src/server/origin.ts';
import { accepted, HOSTS, openServer, refused } from './stage.ts';

describe('the same host', () => {
  it.each([
    ['http://a.example', 'a.example'],
    ['http://a.example', 'a.example:80'],
    ['http://a.example:80', 'a.example'],
    ['https://a.example', 'a.example:443'],
    ['https://a.example:8443', 'a.example:8443'],
    ['http://A.example', 'a.EXAMPLE'],
    ['http://[::1]:8080', '[::1]:8080'],
    ['http://[::1]', '[0:0:0:0:0:0:0:1]:80'],
    ['http://127.0.0.1:3000', '127.0.0.1:3000'],
  ])('%s is that of Host: %s', (origin, host) => {
    expect(isSameHost(origin, host)).toBe(true);
  });

  it.each([
    ['null', 'a.example'],
    ['http://a.example', undefined],
    ['http://a.example', ''],
    ['http://a.example:81', 'a.example'],
    ['http://a.example', 'a.example:443'],
    ['https://a.example', 'a.example:80'],
    ['http://a.example.evil', 'a.example'],
    ['http://sub.a.example', 'a.example'],
    ['file://', 'a.example'],
    ['chrome-extension://a.example', 'a.example'],
    ['http://[::2]', '[::1]'],
    ['not a url', 'a.example'],
  ])('%s is not that of Host: %s', (origin, host) => {
    expect(isSameHost(origin, host)).toBe(false);
  });
});

describe('a pattern', () => {
  it.each([
    ['https://app.example.com', 'https://app.example.com'],
    ['HTTPS://App.Example.com', 'https://app.example.com'],
    ['https://*.example.com', 'https://a.example.com'],
    ['https://*.example.com', 'https://a.b.example.com'],
    ['http://localhost:*', 'http://localhost:5173'],
    ['null', 'null'],
    ['*', 'null'],
    ['*', 'https://anywhere.example'],
    [/https:\/\/[a-z]+\.example\.com/, 'https://a.example.com'],
    [/HTTPS:\/\/A\.EXAMPLE/i, 'https://a.example'],
    [/http:\/\/a|http:\/\/b/, 'http://b'],
  ])('%s lets %s in', (pattern, origin) => {
    expect(isListedOrigin(origin, ['https://other.example', pattern])).toBe(true);
  });

  it.each([
    ['https://app.example.com', 'http://app.example.com'],
    ['https://app.example.com', 'https://app.example.com:444'],
    ['https://app.example.com', 'https://app.example.com.evil'],
    ['https://app.example.com', 'https://appXexample.com'],
    ['https://*.example.com', 'https://example.com'],
    ['https://*.example.com', 'https://.example.com'],
    ['https://*.example.com', 'https://evil.com/.example.com'],
    ['https://*.example.com', 'https://a.exampleXcom'],
    ['https://*.example.com', 'https://a.example.com.evil'],
    [/https:\/\/a\.example/, 'https://a.example.evil'],
    [/https:\/\/a\.example/, 'evil-https://a.example'],
    [/http:\/\/a|http:\/\/b/, 'http://a.evil'],
  ])('%s keeps %s out', (pattern, origin) => {
    expect(isListedOrigin(origin, [pattern])).toBe(false);
  });

  it('with the g or y flag answers the same each time', () => {
    const patterns = [/http:\/\/a/g, /http:\/\/b/y];
    for (let i = 0; i < 3; i++) {
      expect(isListedOrigin('http://a', patterns)).toBe(true);
      expect(isListedOrigin('http://b', patterns)).toBe(true);
    }
  });

  it('of an empty list lets nobody in', () => {
    expect(isListedOrigin('http://a', [])).toBe(false);
  });
});

describe.each(HOSTS)('on the wire, with %s', (host) => {
  const from = (Origin: string, Host = 'server.example.com') => ({ fields: { Origin, Host } });

  it('[6455-10.2-a] [6455-10.2-b] [6455-4.2.2-e] answers 403 to a page of another host, and says how to allow it', async () => {
    const { server, port } = await openServer(host);
    let connections = 0;
    server.on('connection', () => connections++);
    for (const origin of ['http://evil.example', 'null', 'http://server.example.com:8080']) {
      const { status, body } = await refused(port, from(origin));
      expect(status).toBe(403);
      expect(body).toContain(`Origin ${origin} is not allowed to connect to server.example.com`);
      expect(body).toContain(`origins: ['${origin}']`);
    }
    expect(connections).toBe(0);
  });

  it('lets pages of its own host in, and requests without an Origin', async () => {
    const { port } = await openServer(host);
    await accepted(port);
    await accepted(port, from('http://server.example.com'));
    await accepted(port, from('https://server.example.com', 'server.example.com:443'));
    await accepted(port, from('http://[::1]:99', '[::1]:99'));
  });

  it('takes the host of an absolute target for its own (RFC 9112 §3.2.2)', async () => {
    const { port } = await openServer(host);
    const line = 'GET http://real.example/ HTTP/1.1';
    await accepted(port, { line, fields: { Origin: 'http://real.example' } });
    const wrong = await refused(port, { line, fields: { Origin: 'http://server.example.com' } });
    expect(wrong.status).toBe(403);
  });

  it('goes by `origins`, one or several, where they are given', async () => {
    const several = await openServer(host, { origins: ['https://*.example.org', /http:\/\/b/] });
    await accepted(several.port, from('https://a.example.org'));
    await accepted(several.port, from('http://b'));
    await accepted(several.port);
    expect((await refused(several.port, from('http://b.evil'))).status).toBe(403);
    // A list replaces the default.
    expect((await refused(several.port, from('http://server.example.com'))).status).toBe(403);
    const one = await openServer(host, { origins: 'null' });
    await accepted(one.port, from('null'));
    expect((await refused(one.port, from('http://a'))).status).toBe(403);
    const all = await openServer(host, { origins: '*' });
    await accepted(all.port, from('http://evil.example'));
  });

  it('leaves the default check to `verifyClient` where there is one, but not `origins`', async () => {
    const seen: (string | undefined)[] = [];
    const verifyClient = ({ origin }: { origin: string | undefined }) => {
      seen.push(origin);
      return true;
    };
    const { port } = await openServer(host, { verifyClient });
    await accepted(port, from('http://evil.example'));
    await accepted(port);
    expect(seen).toEqual(['http://evil.example', undefined]);
    const both = await openServer(host, { verifyClient, origins: ['http://a'] });
    expect((await refused(both.port, from('http://evil.example'))).status).toBe(403);
    expect(seen).toHaveLength(2);
  });
});
