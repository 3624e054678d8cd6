import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HandshakeError } from '../../src/errors.ts';
import { acceptKey } from '../../src/handshake/accept.ts';
import { parseExtensions } from '../../src/handshake/extensions.ts';
import { HeadParser, type ResponseHead } from '../../src/handshake/head.ts';
import {
  checkResponse,
  type Expected,
  formatAccept,
  formatRefusal,
  formatResponse,
  joinLines,
} from '../../src/handshake/response.ts';
import { anyCase, key, type Pairs, space, token } from './arbitraries.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

function parse(text: string): ResponseHead {
  const head = new HeadParser('response').parse(Buffer.from(text, 'latin1'));
  if (head === null) throw new Error('The response is incomplete');
  return head;
}

describe('formatAccept and formatResponse', () => {
  it('make nothing that the checks would have changed', () => {
    fc.assert(
      fc.property(key, fc.option(token, { nil: '' }), (key, protocol) => {
        const lines = formatAccept({ key, protocol, extensions: 'permessage-deflate' });
        expect(joinLines(lines)).toBe(formatResponse(lines));
      }),
    );
  });

  it('[6455-4.2.2-n] [6455-4.2.2-o] [6455-4.2.2-p] [6455-4.2.2-q] [9110-15.2-a] write the 101', () => {
    expect(formatResponse(formatAccept({ key: KEY }))).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`,
    );
  });

  it('[6455-4.2.2-i] [6455-4.2.2-m] leave out what was not chosen', () => {
    const plain = formatAccept({ key: KEY });
    expect(formatAccept({ key: KEY, protocol: '', extensions: '' })).toEqual(plain);
    expect(formatAccept({ key: KEY, protocol: undefined, extensions: [] })).toEqual(plain);
    expect(plain.join()).not.toMatch(/protocol:|extensions/i);
  });

  it('[6455-4.2.2-j] [6455-11.3.4-b] name one subprotocol', () => {
    fc.assert(
      fc.property(token, (protocol) => {
        const head = parse(formatResponse(formatAccept({ key: KEY, protocol })));
        expect(head.headers['sec-websocket-protocol']).toBe(protocol);
      }),
    );
    expect(() => formatAccept({ key: KEY, protocol: 'a, b' })).toThrow(TypeError);
  });

  it('[6455-4.2.2-r] list extensions, as a list or as text', () => {
    const line = 'Sec-WebSocket-Extensions: a; b=1, c';
    expect(formatAccept({ key: KEY, extensions: 'a; b=1, c' })).toContain(line);
    expect(formatAccept({ key: KEY, extensions: parseExtensions('a; b=1, c') })).toContain(line);
    expect(() => formatAccept({ key: KEY, extensions: 'a\r\nb' })).toThrow(TypeError);
  });

  it('take further lines that were pushed', () => {
    const lines = formatAccept({ key: KEY });
    lines.push('Set-Cookie: a=b', 'Set-Cookie: c=d', 'X: \u00e9');
    expect(parse(formatResponse(lines)).headers).toMatchObject({
      'set-cookie': ['a=b', 'c=d'],
      x: '\u00e9',
    });
  });

  it('[6455-4.2.2-t] let no line end in and say where it was (property 45)', () => {
    const evil = fc
      .tuple(
        fc.string({ maxLength: 6 }),
        fc.constantFrom('\r', '\n', '\0', '\r\nX: y', '\r\n\r\n', '\u010d\u010a', '\x7f'),
        fc.string({ maxLength: 6 }),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(evil, fc.boolean(), (text, inName) => {
        const lines = [...formatAccept({ key: KEY }), inName ? `X${text}: y` : `X: ${text}`];
        expect(() => formatResponse(lines)).toThrow(/^Line 4 of the response/);
        expect(() => formatAccept({ key: KEY, protocol: text })).toThrow(TypeError);
      }),
    );
  });

  it('[6455-11.3.3-a] [6455-11.3.4-b] [6455-4.2.2-t] refuse a second line of the handshake (property 45)', () => {
    for (const name of [
      'Upgrade',
      'CONNECTION',
      'sec-websocket-accept',
      'Sec-WebSocket-Protocol',
    ]) {
      const lines = [...formatAccept({ key: KEY, protocol: 'a' }), `${name}: a`];
      expect(() => formatResponse(lines)).toThrow(/doubles a field of the handshake$/);
    }
  });

  it('[9110-15.2-a] refuse fields that speak of a body', () => {
    for (const line of ['Content-Length: 0', 'transfer-encoding: chunked']) {
      expect(() => formatResponse([...formatAccept({ key: KEY }), line])).toThrow(
        /speaks of a body/,
      );
    }
  });

  it.each(['', 'no colon', ': no name', 'a b: c', 'a : c'])('refuse %j as a field', (line) => {
    expect(() => formatResponse([...formatAccept({ key: KEY }), line])).toThrow(
      `Line 4 of the response, ${JSON.stringify(line)}, is not a header field`,
    );
  });
});

describe('formatRefusal', () => {
  it('[6455-4.2.2-u] [6455-4.2.2-g] is one complete response that says close', () => {
    expect(formatRefusal(404, 'Not \u00e9 found')).toBe(
      'HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n' +
        'Content-Length: 12\r\n\r\nNot \u00e9 found',
    );
  });

  it('[6455-4.2.2-u] is read whole by our parser, for any status, body and headers', () => {
    const headers = fc.dictionary(token, fc.oneof(fc.constantFrom('', 'a b', '\u00e9'), fc.nat()), {
      maxKeys: 5,
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 200, max: 999 }),
        fc.string({ unit: 'grapheme' }),
        headers,
        (status, body, fields) => {
          const bytes = Buffer.from(formatRefusal(status, body, fields));
          const head = new HeadParser('response').parse(bytes);
          expect(head?.statusCode).toBe(status);
          expect(head?.headers.connection).toMatch(/(^|, )close$/);
          const content = status === 204 || status === 304 ? '' : body;
          expect(head?.rest.toString()).toBe(content);
          if (status !== 204) {
            expect(Number(head?.headers['content-length'])).toBe(Buffer.byteLength(content));
          }
        },
      ),
    );
  });

  it('[9110-15.5.22-a] lets headers replace its own, without case, and add others', () => {
    const text = formatRefusal(426, '{}', {
      'content-TYPE': 'application/json',
      Upgrade: 'websocket',
      Connection: 'Upgrade, close',
      'Set-Cookie': ['a', 'b'],
      'Retry-After': 5,
    });
    expect(text).toBe(
      'HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade, close\r\ncontent-TYPE: application/json\r\n' +
        'Upgrade: websocket\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nRetry-After: 5\r\n' +
        'Content-Length: 2\r\n\r\n{}',
    );
  });

  it('[6455-4.2.2-u] keeps framing and close whatever the headers say', () => {
    const text = formatRefusal(400, 'body', {
      'Content-Length': 0,
      'Transfer-Encoding': 'chunked',
      connection: ['Upgrade'],
    });
    expect(text).toBe(
      'HTTP/1.1 400 Bad Request\r\nconnection: Upgrade\r\nconnection: close\r\n' +
        'Content-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\nbody',
    );
    expect(formatRefusal(204, 'x')).not.toMatch(/Content-Length|x$/);
  });

  it('[6455-4.2.2-t] lets no line end in (property 45)', () => {
    for (const text of ['a\r\nb', '\n', '\0', '\u010a']) {
      expect(() => formatRefusal(400, '', { x: text })).toThrow(TypeError);
      expect(() => formatRefusal(400, '', { x: ['a', text] })).toThrow(TypeError);
      expect(() => formatRefusal(400, '', { [`x${text}`]: 'a' })).toThrow(TypeError);
      expect(() => formatRefusal(400, '', { Connection: text })).toThrow(TypeError);
    }
  });

  it.each([101, 199, 1000, 400.5, Number.NaN, '400\r\n' as unknown as number])(
    'refuses the status %j',
    (status) => {
      expect(() => formatRefusal(status, '')).toThrow(RangeError);
    },
  );

  it('calls a status without a name Unknown', () => {
    expect(formatRefusal(499, '')).toMatch(/^HTTP\/1\.1 499 Unknown\r\n/);
  });
});

describe('checkResponse', () => {
  const VALID: Pairs = [
    ['Upgrade', 'websocket'],
    ['Connection', 'Upgrade'],
    ['Sec-WebSocket-Accept', ACCEPT],
  ];
  const PLAIN: Expected = { key: KEY, protocols: [] };

  const respond = (pairs: Pairs, statusLine = 'HTTP/1.1 101 Switching Protocols'): ResponseHead =>
    parse(`${statusLine}\r\n${pairs.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`);

  /** The message with which a response is refused. */
  function refusal(response: ResponseHead, expected: Expected = PLAIN): string {
    try {
      checkResponse(response, expected);
    } catch (error) {
      if (error instanceof HandshakeError) return error.message;
      throw error;
    }
    throw new Error('The response was accepted');
  }

  it('[6455-4.1-bi] says what was agreed', () => {
    const pairs: Pairs = [
      ...VALID,
      ['Sec-WebSocket-Protocol', 'b'],
      ['Sec-WebSocket-Extensions', 'x; p=1'],
      ['Sec-WebSocket-Extensions', 'y'],
    ];
    const expected = { key: KEY, protocols: new Set(['a', 'b']), extensions: ['y', 'x'] };
    expect(checkResponse(respond(pairs), expected)).toEqual({
      protocol: 'b',
      extensions: parseExtensions('x; p=1, y'),
    });
    expect(checkResponse(respond(VALID), PLAIN)).toEqual({ protocol: '', extensions: [] });
    expect(checkResponse({ headers: respond(VALID).headers }, PLAIN).protocol).toBe('');
  });

  it('[6455-4.1-bh] [6455-4.1-bb] [6455-4.1-bc] names in any case, any reason, spaces around values (property 41)', () => {
    fc.assert(
      fc.property(
        anyCase('upgrade'),
        anyCase('websocket'),
        anyCase('sec-websocket-accept'),
        space,
        fc.constantFrom('', ' ', ' OK', ' \u00e9'),
        (upgrade, websocket, accept, gap, reason) => {
          const pairs: Pairs = [
            [accept, `${gap}${ACCEPT}${gap}`],
            ['CONNECTION', `keep-alive${gap},${upgrade}`],
            [upgrade, websocket],
          ];
          expect(checkResponse(respond(pairs, `HTTP/1.1 101${reason}`), PLAIN).protocol).toBe('');
        },
      ),
    );
  });

  const without = (name: string): Pairs => VALID.filter(([known]) => known !== name);

  it('[6455-4.1-bb] fails without a valid Upgrade', () => {
    for (const value of ['', 'web', 'websocket2', 'h2c']) {
      expect(refusal(respond([...without('Upgrade'), ['Upgrade', value]]))).toBe(
        'Invalid Upgrade header',
      );
    }
    expect(refusal(respond(without('Upgrade')))).toBe('Invalid Upgrade header');
  });

  it('[6455-4.1-bc] fails without a valid Connection', () => {
    for (const value of ['', 'keep-alive', 'upgrades', 'close']) {
      expect(refusal(respond([...without('Connection'), ['Connection', value]]))).toBe(
        'Invalid Connection header',
      );
    }
    expect(refusal(respond(without('Connection')))).toBe('Invalid Connection header');
  });

  it('[6455-4.1-bd] [6455-4.1-bg] fails without the right Accept, exactly once (property 41)', () => {
    const message = 'Invalid Sec-WebSocket-Accept header';
    const rest = without('Sec-WebSocket-Accept');
    expect(refusal(respond(rest))).toBe(message);
    const wrong = fc.oneof(
      fc.nat(ACCEPT.length - 2).map((at) => {
        const other = ACCEPT[at] === 'A' ? 'B' : 'A';
        return ACCEPT.slice(0, at) + other + ACCEPT.slice(at + 1);
      }),
      fc.constantFrom('', ACCEPT.toLowerCase(), ACCEPT.slice(0, -1), `${ACCEPT}, ${ACCEPT}`, KEY),
      token,
    );
    fc.assert(
      fc.property(wrong, (value) => {
        expect(refusal(respond([...rest, ['Sec-WebSocket-Accept', value]]))).toBe(message);
      }),
    );
    expect(refusal(respond([...VALID, ['Sec-WebSocket-Accept', ACCEPT]]))).toBe(message);
    expect(refusal(respond(VALID), { key: `${KEY.slice(0, 20)}Zw==`, protocols: [] })).toBe(
      message,
    );
  });

  it('[6455-4.1-bg] [wh-2.2-f] fails for another status or HTTP/1.0', () => {
    expect(refusal(respond(VALID, 'HTTP/1.1 200 OK'))).toBe('Unexpected server response: 200');
    expect(refusal(respond(VALID, 'HTTP/1.0 101 x'))).toBe('Invalid HTTP version');
    const { headers } = respond(VALID);
    expect(() => checkResponse({ headers, httpVersionMajor: 0 }, PLAIN)).toThrow(
      'Invalid HTTP version',
    );
  });

  it('[6455-4.1-bf] [6455-4.1-bg] [7936-2-a] fails for a subprotocol not asked for, empty, listed or doubled (property 41)', () => {
    const expected = { key: KEY, protocols: ['a', 'b'] };
    for (const values of [['c'], ['A'], [''], ['a, b'], ['a', 'a'], ['a', 'b'], ['a,']]) {
      const pairs = [
        ...VALID,
        ...values.map((value) => ['Sec-WebSocket-Protocol', value] as const),
      ];
      expect(refusal(respond(pairs), expected)).toBe('Server sent an invalid subprotocol');
      expect(refusal(respond(pairs))).toBe('Server sent a subprotocol but none was requested');
    }
  });

  it('[wh-2.2-i] fails when subprotocols were asked for and none is answered', () => {
    expect(refusal(respond(VALID), { key: KEY, protocols: ['a'] })).toBe(
      'Server sent no subprotocol',
    );
  });

  it('[6455-4.1-be] [6455-9-a] fails for an extension that was not offered (property 41)', () => {
    const pairs: Pairs = [...VALID, ['Sec-WebSocket-Extensions', 'x, y']];
    expect(refusal(respond(pairs))).toBe(
      'Server sent a Sec-WebSocket-Extensions header but no extension was requested',
    );
    expect(refusal(respond(pairs), { ...PLAIN, extensions: ['x', 'Y', 'z'] })).toBe(
      'Server indicated an extension that was not requested',
    );
  });

  it('[6455-9.1-a] fails for extensions that break the grammar', () => {
    for (const value of ['', 'x;', 'x; p="a b"', 'x x']) {
      const pairs: Pairs = [...VALID, ['Sec-WebSocket-Extensions', value]];
      expect(refusal(respond(pairs), { ...PLAIN, extensions: ['x'] })).toBe(
        'Invalid Sec-WebSocket-Extensions header',
      );
    }
  });

  it('[6455-9.1-g] keeps the order in which extensions are to be applied', () => {
    const pairs: Pairs = [...VALID, ['Sec-WebSocket-Extensions', 'foo, bar']];
    const { extensions } = checkResponse(respond(pairs), { ...PLAIN, extensions: ['bar', 'foo'] });
    expect(extensions.map(({ name }) => name)).toEqual(['foo', 'bar']);
  });

  it('accepts what formatAccept wrote', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(token, { minLength: 1, maxLength: 5 }),
        fc.nat(),
        (protocols, n) => {
          const protocol = protocols[n % protocols.length];
          const text = formatResponse(formatAccept({ key: KEY, protocol, extensions: 'x; y' }));
          const expected = { key: KEY, protocols, extensions: ['x'] };
          expect(checkResponse(parse(text), expected).protocol).toBe(protocol);
          expect(text).toContain(acceptKey(KEY));
        },
      ),
    );
  });
});
