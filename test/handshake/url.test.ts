import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRequest } from '../../src/handshake/request.ts';
import { parseUrl } from '../../src/handshake/url.ts';
import { anyCase } from './arbitraries.ts';

describe('parseUrl', () => {
  it('[6455-3-a] [6455-3-b] takes ports and the secure flag from the scheme', () => {
    expect(parseUrl('ws://h/')).toMatchObject({ secure: false, port: 80, host: 'h' });
    expect(parseUrl('WSS://h/')).toMatchObject({ secure: true, port: 443, host: 'h' });
    expect(parseUrl('wss://h:80/')).toMatchObject({ secure: true, port: 80, host: 'h:80' });
    expect(parseUrl('ws://h:443/')).toMatchObject({ secure: false, port: 443, host: 'h:443' });
  });

  it('[wh-3.1-b] [wh-3.1-h] takes http for ws and https for wss, and normalises', () => {
    expect(parseUrl('HTTP://H:80/a/../b')).toMatchObject({
      protocol: 'ws:',
      href: 'ws://h/b',
      origin: 'ws://h',
    });
    expect(parseUrl(new URL('https://h:443'))).toMatchObject({
      protocol: 'wss:',
      href: 'wss://h/',
      port: 443,
      origin: 'wss://h',
    });
    expect(parseUrl('https://h:80').port).toBe(80);
  });

  it('leaves a URL object as it was', () => {
    const url = new URL('http://h/');
    parseUrl(url);
    expect(url.protocol).toBe('http:');
  });

  it('[6455-4.1-o] keeps the brackets of an IPv6 address in Host only', () => {
    expect(parseUrl('ws://[::1]:8080/')).toMatchObject({
      hostname: '::1',
      port: 8080,
      host: '[::1]:8080',
    });
    expect(parseUrl('ws://[::1]:80/').host).toBe('[::1]');
  });

  it('[6455-3-c] [wh-2.1-a] makes the resource name from path and query', () => {
    expect(parseUrl('ws://h').resourceName).toBe('/');
    expect(parseUrl('ws://h?').resourceName).toBe('/');
    expect(parseUrl('ws://h?a=b').resourceName).toBe('/?a=b');
    expect(parseUrl('ws://h/a/b;c?d&e').resourceName).toBe('/a/b;c?d&e');
    expect(parseUrl('ws://h/.well-known/x').resourceName).toBe('/.well-known/x');
  });

  it('[6455-3-e] lets %23 travel as it is', () => {
    expect(parseUrl('ws://h/a%23b?c%23d').resourceName).toBe('/a%23b?c%23d');
  });

  it('[6455-3-f] keeps userinfo out of Host and target, decoded', () => {
    expect(parseUrl('ws://a%20b:c%3A%C3%A9@h:1/x')).toMatchObject({
      username: 'a b',
      password: 'c:\u00e9',
      host: 'h:1',
      resourceName: '/x',
      origin: 'ws://h:1',
    });
    expect(parseUrl('ws://%zz@h/').username).toBe('%zz');
    expect(parseUrl('ws://h/')).toMatchObject({ username: '', password: '' });
  });

  it('[6455-11.1-a] [6455-11.1-b] brings what is not ASCII into ASCII', () => {
    expect(parseUrl('ws://b\u00fccher.example/\u00e9 \u{1f600}?\u00e9')).toMatchObject({
      hostname: 'xn--bcher-kva.example',
      host: 'xn--bcher-kva.example',
      resourceName: '/%C3%A9%20%F0%9F%98%80?%C3%A9',
    });
  });

  it.each(['', 'h', '//h/', 'ws://', 'ws://h:99999/', 'ws://h:x/', 'ws://a b/', 'ws://[::1/'])(
    '[6455-4.1-a] refuses what is no URL: %j',
    (address) => {
      expect(() => parseUrl(address)).toThrow(new SyntaxError(`Invalid URL: ${address}`));
    },
  );

  it.each(['ftp://h/', 'wss+unix:/a', 'file:///a', 'javascript:1', 'w://h'])(
    '[wh-3.1-c] refuses another scheme: %s',
    (address) => {
      expect(() => parseUrl(address)).toThrow(
        new SyntaxError(
          'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"',
        ),
      );
    },
  );

  it.each(['ws://h/#', 'ws://h/#a', 'wss://h#', 'http://h/?a#b', 'ws+unix:/a:/b#c', 'ws+unix:/a#'])(
    '[6455-3-d] [wh-3.1-d] refuses a fragment, be it empty: %s',
    (address) => {
      const error = new SyntaxError('The URL contains a fragment identifier');
      expect(() => parseUrl(address)).toThrow(error);
      expect(() => parseUrl(new URL(address))).toThrow(error);
    },
  );

  it('[6455-3-c] [6455-4.1-l] [6455-4.1-n] gives target, Host and flag as the table, fit for a request line (property 44)', () => {
    const host = fc.constantFrom(
      ['h', 'h'],
      ['EXAMPLE.com', 'example.com'],
      ['127.0.0.1', '127.0.0.1'],
      ['[0:0::1]', '[::1]'],
      ['\u00fc', 'xn--tda'],
    );
    const text = fc.string({ unit: 'binary', maxLength: 12 }).map((s) => s.replace(/[#?]/g, ''));
    const parts = fc.record({
      scheme: fc
        .constantFrom('ws', 'wss', 'http', 'https')
        .chain((s) => fc.tuple(fc.constant(s), anyCase(s))),
      host,
      port: fc.option(fc.oneof(fc.constantFrom(80, 443), fc.integer({ min: 1, max: 65535 }))),
      user: fc.option(fc.constantFrom('u', 'u:p', '%40')),
      path: fc.option(text),
      query: fc.option(text),
    });
    fc.assert(
      fc.property(
        parts,
        ({ scheme: [scheme, spelled], host: [given, ascii], port, user, path, query }) => {
          const address =
            `${spelled}://${user === null ? '' : `${user}@`}${given}${port === null ? '' : `:${port}`}` +
            `${path === null ? '' : `/${path}`}${query === null ? '' : `?${query}`}`;
          const url = parseUrl(address);
          const secure = scheme === 'wss' || scheme === 'https';
          const standard = secure ? 443 : 80;
          expect(url.secure).toBe(secure);
          expect(url.port).toBe(port ?? standard);
          expect(url.host).toBe(url.port === standard ? ascii : `${ascii}:${port}`);
          expect(url.resourceName).toMatch(/^\/[\x21\x22\x24-\x7e]*$/);
          const end = url.resourceName.indexOf('?');
          // An empty query leaves no "?" behind; the URL parser drops tabs and line ends, and white space at the end.
          if (query === null || query === '') expect(end).toBe(-1);
          const line = formatRequest({ ...url, key: 'dGhlIHNhbXBsZSBub25jZQ==' }).split('\r\n')[0];
          expect(line.split(' ')).toEqual(['GET', url.resourceName, 'HTTP/1.1']);
          expect(() => parseUrl(`${address}#`)).toThrow(SyntaxError);
        },
      ),
      { numRuns: 500 },
    );
  });

  describe('with ws+unix', () => {
    it('splits socket and resource', () => {
      expect(parseUrl('ws+unix:/tmp/a%20b.sock:/chat?x:y')).toEqual({
        href: 'ws+unix:/tmp/a%20b.sock:/chat?x:y',
        secure: false,
        protocol: 'ws+unix:',
        hostname: 'localhost',
        port: 80,
        host: 'localhost',
        resourceName: '/chat?x:y',
        origin: 'null',
        username: '',
        password: '',
        socketPath: '/tmp/a b.sock',
      });
      expect(parseUrl('ws+unix:///tmp/s')).toMatchObject({
        socketPath: '/tmp/s',
        resourceName: '/',
      });
      expect(parseUrl('ws+unix:rel.sock:a b')).toMatchObject({
        socketPath: 'rel.sock',
        resourceName: '/a%20b',
      });
      expect(parseUrl('ws+unix:/100%:/').socketPath).toBe('/100%');
      expect(parseUrl('ws://h/')).not.toHaveProperty('socketPath');
    });

    it('refuses an empty path', () => {
      expect(() => parseUrl('ws+unix:')).toThrow(new SyntaxError("The URL's pathname is empty"));
    });
  });
});
