import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HandshakeError } from '../../src/errors.ts';
import { parseExtensions } from '../../src/handshake/extensions.ts';
import { HeadParser } from '../../src/handshake/head.ts';
import { createKey } from '../../src/handshake/key.ts';
import {
  checkRequest,
  formatRequest,
  isProtocolField,
  type RequestLike,
  type RequestOptions,
} from '../../src/handshake/request.ts';
import { cpuTimeOf } from '../support/cpu.ts';
import {
  anyCase,
  key,
  type Pairs,
  requestOf,
  space,
  token,
  VALID,
  withField,
} from './arbitraries.ts';

/** The error with which a request is refused. */
function refusal(request: RequestLike): HandshakeError {
  try {
    checkRequest(request);
  } catch (error) {
    if (error instanceof HandshakeError) return error;
    throw error;
  }
  throw new Error('The request was accepted');
}

const statusOf = (pairs: Pairs, overrides: Partial<RequestLike> = {}): number =>
  refusal(requestOf(pairs, overrides)).status;

describe('checkRequest', () => {
  it('says what a valid request asks for', () => {
    const request = requestOf([
      ...VALID,
      ['Origin', 'http://example.com'],
      ['Sec-WebSocket-Protocol', 'chat, superchat'],
      ['Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits'],
    ]);
    expect(checkRequest({ ...request, url: '/chat?a=b' })).toEqual({
      key: 'dGhlIHNhbXBsZSBub25jZQ==',
      protocols: new Set(['chat', 'superchat']),
      extensions: parseExtensions('permessage-deflate; client_max_window_bits'),
      origin: 'http://example.com',
      host: 'example.com',
      resourceName: '/chat?a=b',
    });
  });

  it('[6455-4.2.1-j] [6455-9-c] asks for nothing that may be left out', () => {
    expect(checkRequest(requestOf(VALID))).toMatchObject({
      protocols: new Set(),
      extensions: [],
      origin: undefined,
    });
  });

  it('takes an IncomingMessage', () => {
    const message = new IncomingMessage(new Socket());
    message.method = 'GET';
    message.url = '/';
    message.httpVersionMajor = 1;
    message.httpVersionMinor = 1;
    for (const [name, value] of VALID) {
      message.rawHeaders.push(name, value);
      message.headers[name.toLowerCase()] = value;
    }
    expect(checkRequest(message).host).toBe('example.com');
  });

  it('takes a hand-made object without raw headers, Host or HTTP version, and a numeric version', () => {
    const headers = {
      upgrade: 'websocket',
      connection: 'upgrade',
      'sec-websocket-key': createKey(),
      'sec-websocket-version': 13,
      'sec-websocket-protocol': ['a', 'b'],
    };
    const checked = checkRequest({ method: 'GET', headers });
    expect(checked.host).toBeUndefined();
    expect(checked.resourceName).toBeUndefined();
    expect([...checked.protocols]).toEqual(['a', 'b']);
    expect(refusal({ method: 'GET', headers: { ...headers, host: 'a b' } }).status).toBe(400);
    expect(
      refusal({ method: 'GET', headers: { ...headers, 'sec-websocket-version': 8 } }).status,
    ).toBe(400);
  });

  it('[6455-4.2.1-f] [6455-4.2.1-g] [6455-4.2.1-k] [6455-4.2.1-l] [6455-11.3.4-a] [6455-11.3.2-a] order, case, spacing, split lines and unknown fields change nothing (property 38)', () => {
    const unknown = fc.tuple(
      token.map((name) => `X-${name}`),
      fc.constantFrom('', 'a, b', 'é'),
    );
    const list = fc.tuple(space, space).map(
      ([a, b]) =>
        (items: readonly string[]) =>
          items.join(`${a},${b}`),
    );
    const variant = fc
      .record({
        upgrade: anyCase('websocket'),
        connection: anyCase('upgrade'),
        names: fc.tuple(
          ...['Host', 'Upgrade', 'Connection', 'Sec-WebSocket-Key', 'Sec-WebSocket-Version'].map(
            anyCase,
          ),
          ...['Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions'].map(anyCase),
        ),
        others: fc.uniqueArray(unknown, { selector: ([name]) => name.toLowerCase(), maxLength: 4 }),
        before: fc.array(fc.constantFrom('keep-alive', 'x', ''), { maxLength: 2 }),
        join: list,
        split: fc.tuple(fc.nat(3), fc.nat(2)),
      })
      .chain(({ upgrade, connection, names, others, before, join, split }) => {
        const protocols = ['chat', 'superchat', 'Chat'];
        const offers = ['a; x=1', 'b'];
        const cut = (name: string, items: readonly string[], at: number): Pairs =>
          [items.slice(0, at), items.slice(at)]
            .filter((part) => part.length > 0)
            .map((part) => [name, join(part)] as const);
        const pairs: Pairs = [
          [names[0], 'example.com'],
          [names[1], upgrade],
          [names[2], join([...before, connection])],
          [names[3], 'dGhlIHNhbXBsZSBub25jZQ=='],
          [names[4], '13'],
          ...others,
        ];
        // Lines of one field keep their order among themselves; everything else is shuffled.
        return fc
          .shuffledSubarray([...pairs], { minLength: pairs.length, maxLength: pairs.length })
          .map(
            (shuffled): Pairs => [
              ...cut(names[5], protocols, split[0]),
              ...shuffled,
              ...cut(names[6], offers, split[1]),
            ],
          );
      });
    fc.assert(
      fc.property(variant, (pairs) => {
        const checked = checkRequest(requestOf(pairs));
        expect(checked.key).toBe('dGhlIHNhbXBsZSBub25jZQ==');
        expect([...checked.protocols]).toEqual(['chat', 'superchat', 'Chat']);
        expect(checked.extensions).toEqual(parseExtensions('a; x=1, b'));
        // The same bytes through our own parser.
        const bytes = `GET / HTTP/1.1\r\n${pairs.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`;
        const head = new HeadParser('request').parse(Buffer.from(bytes, 'latin1'));
        expect(head && checkRequest(head)).toEqual(checked);
      }),
    );
  });

  it('[6455-4.2.1-b] [6455-4.2.1-a] refuses every method but GET with 405 and Allow', () => {
    for (const method of ['POST', 'HEAD', 'get', 'CONNECT', '', undefined]) {
      const error = refusal(requestOf(VALID, { method }));
      expect(error.message).toBe('Invalid HTTP method');
      expect(error.status).toBe(405);
      expect(error.headers).toEqual({ Allow: 'GET' });
    }
  });

  it('[6455-4.2.1-c] [6455-11.1-c] [9110-7.8-a] refuses HTTP below 1.1 with 505', () => {
    expect(statusOf(VALID, { httpVersionMajor: 1, httpVersionMinor: 0 })).toBe(505);
    expect(statusOf(VALID, { httpVersionMajor: 0, httpVersionMinor: 9 })).toBe(505);
    expect(checkRequest(requestOf(VALID, { httpVersionMajor: 2, httpVersionMinor: 0 })).host).toBe(
      'example.com',
    );
  });

  it('[6455-4.2.1-d] reads the resource and the host from a target in absolute form', () => {
    const request = requestOf(VALID, { url: 'http://other.example:81/chat?x' });
    expect(checkRequest(request)).toMatchObject({
      host: 'other.example:81',
      resourceName: '/chat?x',
    });
  });

  it('[6455-8.1-a] [6455-10.7-d] refuses a target that is no resource or not ASCII', () => {
    for (const url of ['', '*', '/\u00e9', '/a b', '/a#b', 'example.com:80']) {
      expect(refusal(requestOf(VALID, { url }))).toMatchObject({
        status: 400,
        message: 'Invalid request target',
      });
    }
  });

  it('[6455-4.2.1-e] refuses a request without Host', () => {
    expect(statusOf(withField('Host'))).toBe(400);
  });

  it('[9112-3.2-a] refuses two Host lines, also equal ones, and an invalid one', () => {
    expect(statusOf(withField('Host', 'example.com', 'example.com'))).toBe(400);
    expect(statusOf([...VALID, ['hOsT', 'evil.example']])).toBe(400);
    for (const host of ['', 'a b', 'a, b', 'user@a', 'a/b', '[::1', 'h:x', 'h\u00e9', 'a:1:2']) {
      expect(refusal(requestOf(withField('Host', host)))).toMatchObject({
        status: 400,
        message: 'Missing or invalid Host header',
      });
    }
  });

  it.each([
    '',
    'websockets',
    'web socket',
    'h2c',
    'websocket/13',
    'websocket;x',
    '"websocket"',
    'web, socket',
    undefined,
  ])('[6455-4.2.1-f] [6455-4.2.1-a] refuses Upgrade: %s', (value) => {
    const pairs = value === undefined ? withField('Upgrade') : withField('Upgrade', value);
    expect(refusal(requestOf(pairs))).toMatchObject({
      status: 400,
      message: 'Invalid Upgrade header',
    });
  });

  it.each([
    '',
    'keep-alive',
    'close',
    'upgraded',
    'keep-alive upgrade',
    'upgrade=1',
    'up, grade',
    undefined,
  ])('[6455-4.2.1-g] [6455-4.2.1-a] refuses Connection: %s', (value) => {
    const pairs = value === undefined ? withField('Connection') : withField('Connection', value);
    expect(refusal(requestOf(pairs))).toMatchObject({
      status: 400,
      message: 'Invalid Connection header',
    });
  });

  it('[6455-4.2.1-h] accepts any key of 16 bytes and gives it back as it came (property 37)', () => {
    fc.assert(
      fc.property(key, (value) => {
        expect(checkRequest(requestOf(withField('Sec-WebSocket-Key', value))).key).toBe(value);
      }),
    );
  });

  it('[6455-4.2.1-h] [6455-11.3.1-a] refuses a key that is missing, malformed or doubled', () => {
    const value = 'dGhlIHNhbXBsZSBub25jZQ==';
    const faults = [
      [],
      [''],
      ['abc'],
      [`${value}=`],
      [value.slice(0, 23)],
      [value, value],
      [`${value},`],
    ];
    for (const values of faults) {
      expect(refusal(requestOf(withField('Sec-WebSocket-Key', ...values)))).toMatchObject({
        status: 400,
        message: 'Missing or invalid Sec-WebSocket-Key header',
      });
    }
  });

  it('[6455-4.2.1-i] [6455-4.3-b] [6455-11.3.5-b] [6455-4.1-ad] takes version 13 and no other (property 39)', () => {
    const version = fc.oneof(
      fc.nat(300).map(String),
      fc.constantFrom(
        '',
        '013',
        '13, 13',
        '13, 8',
        '13x',
        '+13',
        '13.0',
        '0xd',
        '1e1',
        '１３',
        'thirteen',
      ),
      fc.string({ maxLength: 4 }),
    );
    fc.assert(
      fc.property(version, (value) => {
        const request = requestOf(withField('Sec-WebSocket-Version', value));
        if (value === '13') checkRequest(request);
        else expect(refusal(request).status).toBe(400);
      }),
    );
  });

  it('[6455-4.2.2-f] [6455-4.4-a] [6455-4.2.2-v] answers another version, or none, with 400 and the list of versions', () => {
    for (const pairs of [
      withField('Sec-WebSocket-Version', '8'),
      withField('Sec-WebSocket-Version'),
    ]) {
      const error = refusal(requestOf(pairs));
      expect(error.status).toBe(400);
      expect(error.message).toBe('Missing or invalid Sec-WebSocket-Version header');
      expect(error.headers).toEqual({ 'Sec-WebSocket-Version': '13' });
    }
  });

  it('[6455-11.3.5-a] refuses two version lines, also equal ones', () => {
    const error = refusal(requestOf(withField('Sec-WebSocket-Version', '13', '13')));
    expect(error.status).toBe(400);
    expect(error.headers['Sec-WebSocket-Version']).toBe('13');
  });

  it('[9110-7.8-b] refuses a request with a body', () => {
    for (const value of ['5', '1', '-0', '', '0x0', '0, 5']) {
      expect(refusal(requestOf(withField('Content-Length', value)))).toMatchObject({
        status: 400,
        message: 'Request with a body',
      });
    }
    for (const value of ['chunked', 'identity', '']) {
      expect(statusOf(withField('Transfer-Encoding', value))).toBe(400);
    }
    expect(statusOf(withField('Content-Length', '0', '5'))).toBe(400);
    expect(statusOf(withField('Content-Length', '0', '0'))).toBe(400);
    expect(checkRequest(requestOf(withField('Content-Length', '0'))).host).toBe('example.com');
  });

  it('[9110-7.8-c] refuses an expectation with 417', () => {
    expect(statusOf(withField('Expect', '100-continue'))).toBe(417);
  });

  it('[6455-4.3-c] refuses a subprotocol list with a duplicate, no token or nothing (property 43)', () => {
    for (const values of [['a, a'], ['a', 'a'], [''], ['a b'], ['a/b'], ['a, \u00e9'], [',']]) {
      expect(refusal(requestOf(withField('Sec-WebSocket-Protocol', ...values)))).toMatchObject({
        status: 400,
        message: 'Invalid Sec-WebSocket-Protocol header',
      });
    }
  });

  it('[6455-9.1-a] refuses an extension list that breaks the grammar', () => {
    for (const values of [[''], ['a;'], ['a; b="c d"'], ['a', 'b=1'], ['a; b=\u00e9']]) {
      expect(refusal(requestOf(withField('Sec-WebSocket-Extensions', ...values)))).toMatchObject({
        status: 400,
        message: 'Invalid Sec-WebSocket-Extensions header',
      });
    }
  });

  it('[6455-9.1-c] [6455-9.1-d] hands on extensions that nobody knows, from any number of lines', () => {
    const request = requestOf(withField('Sec-WebSocket-Extensions', 'bar; baz=2', 'foo'));
    expect(checkRequest(request).extensions).toEqual(parseExtensions('bar; baz=2, foo'));
  });

  it('[6455-8.1-a] takes an origin in ASCII and refuses others, and two of them', () => {
    for (const origin of ['null', 'https://a.example:8443', 'chrome-extension://abc']) {
      expect(checkRequest(requestOf(withField('Origin', origin))).origin).toBe(origin);
    }
    for (const values of [[''], ['http://\u00e9'], ['http://a', 'http://b']]) {
      expect(refusal(requestOf(withField('Origin', ...values)))).toMatchObject({
        status: 400,
        message: 'Invalid Origin header',
      });
    }
  });

  it('[6455-4.2.1-a] finds any one planted fault and names its status (property 39)', () => {
    const fault = fc.oneof(
      fc.constantFrom('POST', 'PUT', 'get').map((method) => [405, VALID, { method }] as const),
      fc.constant([505, VALID, { httpVersionMinor: 0 }] as const),
      fc
        .constantFrom(...VALID.map(([name]) => name))
        .map((name) => [400, withField(name), {}] as const),
      fc
        .constantFrom('Host', 'Sec-WebSocket-Key', 'Sec-WebSocket-Version')
        .map((name) => [400, [...VALID, ...VALID.filter(([n]) => n === name)], {}] as const),
      fc
        .tuple(
          fc.constantFrom(...VALID.map(([name]) => name)),
          fc.constantFrom('@', 'x y', '\u00e9'),
        )
        .map(([name, value]) => [400, withField(name, value), {}] as const),
      fc.integer({ min: 1 }).map((n) => [400, withField('Content-Length', `${n}`), {}] as const),
    );
    fc.assert(
      fc.property(fault, ([status, pairs, overrides]) => {
        expect(statusOf(pairs, overrides)).toBe(status);
      }),
    );
  });

  it('is not confused by fields that a limit on their number has cut away (CVE-2024-37890)', () => {
    expect(statusOf(Array.from({ length: 2000 }, (_, i) => [`x${i}`, ''] as const))).toBe(400);
    expect(refusal({ method: 'GET', headers: {} }).message).toBe('Invalid Upgrade header');
  });

  it('[6455-4.3-d] is harmless with names from Object.prototype (GHSA-5v72-xg48-5rpm)', () => {
    for (const name of ['constructor', '__proto__', 'toString']) {
      const pairs: Pairs = [
        ...VALID,
        ['Sec-WebSocket-Extensions', `${name}; ${name}=${name}`],
        ['Sec-WebSocket-Protocol', name],
        [name, 'x'],
      ];
      const bytes = `GET / HTTP/1.1\r\n${pairs.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`;
      const head = new HeadParser('request').parse(Buffer.from(bytes));
      const checked = head && checkRequest(head);
      expect(checked?.extensions).toEqual([{ name, params: new Map([[name, [name]]]) }]);
      expect(checked?.protocols).toEqual(new Set([name]));
    }
  });

  it('[6455-4.3-d] takes linear time for a hostile list (CVE-2021-32640, CVE-2020-7662)', () => {
    const gap = ' '.repeat(32_000);
    const cost = cpuTimeOf(() => {
      expect(statusOf(withField('Sec-WebSocket-Protocol', `b${gap}x`))).toBe(400);
      expect(statusOf(withField('Connection', `b${gap}x`))).toBe(400);
      expect(statusOf(withField('Upgrade', `${gap}x${gap}y`))).toBe(400);
      expect(statusOf(withField('Host', `a${':'.repeat(32_000)}`))).toBe(400);
      expect(statusOf(withField('Origin', `a${' a'.repeat(16_000)} `))).toBe(400);
      expect(statusOf(withField('Sec-WebSocket-Extensions', `a; b="${'\\c'.repeat(16_000)}`))).toBe(
        400,
      );
    });
    expect(cost).toBeLessThan(500);
  });
});

describe('formatRequest', () => {
  const options: RequestOptions = {
    resourceName: '/chat',
    host: 'server.example.com',
    key: 'dGhlIHNhbXBsZSBub25jZQ==',
  };

  it('[6455-4.1-m] [6455-4.1-n] [6455-4.1-o] [6455-4.1-p] [6455-4.1-q] [6455-4.1-w] writes a request with what §4.1 asks for', () => {
    expect(formatRequest(options)).toBe(
      'GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
  });

  it('[6455-4.1-x] [6455-4.1-v] [6455-4.1-aa] [6455-4.1-ab] adds subprotocols, extensions, origin and further fields', () => {
    const text = formatRequest({
      ...options,
      protocols: ['chat', 'superchat'],
      extensions: parseExtensions('a; b=1, c'),
      origin: 'http://example.com',
      headers: { Cookie: ['a=1', 'b=2'], 'X-Number': 7 },
    });
    expect(text.split('\r\n').slice(6)).toEqual([
      'Sec-WebSocket-Protocol: chat, superchat',
      'Sec-WebSocket-Extensions: a; b=1, c',
      'Origin: http://example.com',
      'Cookie: a=1',
      'Cookie: b=2',
      'X-Number: 7',
      '',
      '',
    ]);
  });

  it('is accepted by checkRequest, through the parser', () => {
    const protocols = fc.uniqueArray(token, { maxLength: 4 });
    const headers = fc.dictionary(
      token.map((name) => `x-${name}`),
      fc.constantFrom('', 'a', 'b c'),
      {
        maxKeys: 4,
      },
    );
    fc.assert(
      fc.property(protocols, headers, key, (names, fields, nonce) => {
        const text = formatRequest({ ...options, key: nonce, protocols: names, headers: fields });
        const head = new HeadParser('request').parse(Buffer.from(text));
        const checked = head && checkRequest(head);
        expect(checked?.key).toBe(nonce);
        expect([...(checked?.protocols ?? [])]).toEqual(names);
        for (const [name, value] of Object.entries(fields)) {
          expect(head?.rawHeaders).toContain(name);
          expect(head?.rawHeaders).toContain(value);
        }
      }),
    );
  });

  it('[6455-4.1-ab] does not let the fields of the handshake be set or doubled (property 45)', () => {
    const names = [
      'Host',
      'Upgrade',
      'Connection',
      'Sec-WebSocket-Key',
      'Sec-WebSocket-Version',
      'Sec-WebSocket-Protocol',
      'Sec-WebSocket-Extensions',
      'Sec-WebSocket-Accept',
      'Content-Length',
      'Transfer-Encoding',
      'Expect',
    ];
    for (const name of names) {
      for (const spelled of [name, name.toLowerCase(), name.toUpperCase()]) {
        expect(isProtocolField(spelled)).toBe(true);
        expect(() => formatRequest({ ...options, headers: { [spelled]: 'x' } })).toThrow(
          new TypeError(`headers must not contain ${spelled}: it belongs to the handshake`),
        );
      }
    }
    expect(isProtocolField('Cookie')).toBe(false);
    expect(() =>
      formatRequest({ ...options, origin: 'http://a', headers: { origin: 'http://b' } }),
    ).toThrow(TypeError);
    expect(formatRequest({ ...options, headers: { Origin: 'http://b' } })).toContain(
      'Origin: http://b\r\n',
    );
  });

  it('[6455-4.1-l] lets no line end in, wherever it is put (property 45)', () => {
    const evil = fc
      .tuple(
        fc.string({ maxLength: 6 }),
        fc.constantFrom('\r', '\n', '\0', '\r\nX: y', '\u010a', '\x7f'),
        fc.string({ maxLength: 6 }),
      )
      .map((parts) => parts.join(''));
    const place = fc.constantFrom<(text: string) => Partial<RequestOptions>>(
      (text) => ({ resourceName: `/${text}` }),
      (text) => ({ host: `h${text}` }),
      (text) => ({ key: text }),
      (text) => ({ protocols: [`p${text}`] }),
      (text) => ({ extensions: [{ name: `e${text}`, params: new Map() }] }),
      (text) => ({ extensions: [{ name: 'e', params: new Map([['p', [text]]]) }] }),
      (text) => ({ origin: `http://a${text}` }),
      (text) => ({ headers: { [`x${text}`]: 'y' } }),
      (text) => ({ headers: { x: text } }),
      (text) => ({ headers: { x: ['y', text] } }),
    );
    fc.assert(
      fc.property(place, evil, (put, text) => {
        expect(() => formatRequest({ ...options, ...put(text) })).toThrow(
          /TypeError|must|not a token|subprotocol/,
        );
      }),
    );
  });

  it('[6455-4.1-y] [6455-4.1-z] refuses subprotocols that are no tokens or not unique', () => {
    expect(() => formatRequest({ ...options, protocols: ['a', 'a'] })).toThrow(SyntaxError);
    expect(() => formatRequest({ ...options, protocols: ['a b'] })).toThrow(SyntaxError);
  });

  it('says what to change', () => {
    expect(() => formatRequest({ ...options, resourceName: 'chat' })).toThrow(
      new TypeError('resourceName must begin with "/" and be percent-encoded, not "chat"'),
    );
    expect(() => formatRequest({ ...options, key: 'x' })).toThrow(
      /^key must come from createKey\(\)/,
    );
  });
});

it('names the missing Upgrade before other missing fields, as ws does', () => {
  const request = { method: 'GET', url: '/', headers: { foo: 'bar' }, rawHeaders: ['foo', 'bar'] };
  expect(() => checkRequest(request)).toThrow('Invalid Upgrade header');
});
