import { describe, expect, it } from 'vitest';
import { isResourceName, parseTarget } from '../../src/handshake/target.ts';

describe('parseTarget', () => {
  it('[6455-4.2.1-d] [8307-1-a] takes origin form as it is, well-known or not', () => {
    for (const target of ['/', '/chat?a=b&c', '//x', '/.well-known/x', '/%23?q=%0d', '/a"b']) {
      expect(parseTarget(target)).toEqual({ host: undefined, resourceName: target });
    }
  });

  it.each([
    ['http://example.com/chat?a', 'example.com', '/chat?a'],
    ['HTTPS://example.com:8443', 'example.com:8443', '/'],
    ['ws://[::1]:80?q', '[::1]:80', '/?q'],
    ['wss://h/', 'h', '/'],
  ])('[6455-4.2.1-d] takes %s for the resource that it names', (target, host, resourceName) => {
    expect(parseTarget(target)).toEqual({ host, resourceName });
  });

  it.each([
    '',
    '*',
    'chat',
    'example.com:80',
    'http:/a',
    'http:///a',
    'ftp://a/',
    'http://u:p@a/',
    'http://a b/',
    '/a b',
    '/a#b',
    '/#',
    'http://a/#',
    '/\u00e9',
    '/a\r\n',
    '/\x7f',
    'http://a#b',
    'http://é/',
  ])('[6455-4.2.1-a] takes nothing of %j', (target) => {
    expect(parseTarget(target)).toBeUndefined();
  });
});

describe('isResourceName', () => {
  it('is for origin form only', () => {
    expect(isResourceName('/a?b')).toBe(true);
    for (const text of ['', 'a', '/a b', '/a#', '/\r\n', '/é', 'http://a/']) {
      expect(isResourceName(text), text).toBe(false);
    }
  });
});
