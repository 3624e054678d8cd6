import { once } from 'node:events';
import * as http from 'node:http';
import * as net from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HandshakeError } from '../../src/errors.ts';
import { HeadParser, type RequestHead, type ResponseHead } from '../../src/handshake/head.ts';
import { checkRequest, type RequestLike } from '../../src/handshake/request.ts';
import { cpuTimeOf } from '../support/cpu.ts';
import { chunks, VALID } from './arbitraries.ts';

type Outcome = { head: RequestHead | ResponseHead; rest: string } | { status: number } | null;

/** Feeds `pieces` and tells how it ended; bytes after the head are put behind `rest`. */
function feed(parser: HeadParser, pieces: readonly Buffer[]): Outcome {
  let result: { head: RequestHead | ResponseHead; rest: string } | null = null;
  for (const piece of pieces) {
    if (result !== null) {
      result.rest += piece.toString('latin1');
      continue;
    }
    try {
      const head = parser.parse(piece);
      if (head !== null) result = { head, rest: head.rest.toString('latin1') };
    } catch (error) {
      if (error instanceof HandshakeError) return { status: error.status };
      throw error;
    }
  }
  return result;
}

const bytewise = (bytes: Buffer): Buffer[] => Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));

/** What came out, without the views of the chunks. */
function describeOutcome(outcome: Outcome): unknown {
  if (outcome === null || 'status' in outcome) return outcome;
  const { head, rest } = outcome;
  const line = 'method' in head ? [head.method, head.url] : [head.statusCode, head.statusMessage];
  return { line, version: head.httpVersion, fields: head.rawHeaders, rest };
}

/** Runs `text` whole, byte by byte, and both with trailing bytes; all four must agree. */
function replay(kind: 'request' | 'response', text: string): unknown {
  const bytes = Buffer.from(text, 'latin1');
  const trailing = Buffer.concat([bytes, Buffer.from('\x81\x05trail\r\n\r\n', 'latin1')]);
  const whole = feed(new HeadParser(kind), [bytes]);
  const expected = describeOutcome(whole);
  expect(describeOutcome(feed(new HeadParser(kind), bytewise(bytes)))).toEqual(expected);
  if (whole !== null) {
    const more =
      'status' in whole
        ? whole
        : { ...(expected as object), rest: `${whole.rest}\x81\x05trail\r\n\r\n` };
    expect(describeOutcome(feed(new HeadParser(kind), [trailing]))).toEqual(more);
    expect(describeOutcome(feed(new HeadParser(kind), bytewise(trailing)))).toEqual(more);
  }
  return expected;
}

describe('a request head', () => {
  it('is taken apart', () => {
    const head = new HeadParser('request').parse(
      Buffer.from(
        'GET /chat?a HTTP/1.1\r\nHost: a:1\r\nX: \t b\tc \t\r\nhost:z\r\nE:\r\nO: \xe9\r\n\r\n\x81\x00',
        'latin1',
      ),
    );
    expect(head).toMatchObject({
      method: 'GET',
      url: '/chat?a',
      httpVersion: '1.1',
      httpVersionMajor: 1,
      httpVersionMinor: 1,
      rawHeaders: ['Host', 'a:1', 'X', 'b\tc', 'host', 'z', 'E', '', 'O', '\u00e9'],
    });
    expect(head?.rest).toEqual(Buffer.from([0x81, 0]));
    expect({ ...head?.headers }).toEqual({ host: 'a:1', x: 'b\tc', e: '', o: '\u00e9' });
    expect(head?.headers).toBe(head?.headers);
  });

  it('[node-upgrade-b] leaves what follows as a view of the last chunk', () => {
    const last = Buffer.from('\r\n\r\nframes');
    const parser = new HeadParser('request');
    expect(parser.parse(Buffer.from('GET / HTTP/1.1\r\nHost: a'))).toBeNull();
    const head = parser.parse(last);
    expect(head?.rest.toString()).toBe('frames');
    expect(head?.rest.buffer).toBe(last.buffer);
    expect(head?.rest.byteOffset).toBe(last.byteOffset + 4);
  });

  it.each([
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.0\r\nA:b\r\n\r\n',
    'GET / HTTP/1.2\r\nA:b\r\n\r\n',
    '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'M-SEARCH * HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET /"<>^`{|}#?%zz HTTP/1.1\r\nA: :\r\nB:;\r\n\r\n',
  ])('is parsed: %j', (text) => {
    expect(replay('request', text)).toHaveProperty('line');
  });

  it.each([
    ['bare LF after the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n'],
    ['bare LF after a field', 'GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n'],
    ['bare LF for the blank line', 'GET / HTTP/1.1\r\nHost: a\r\n\n\r\n\r\n'],
    ['bare CR', 'GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n'],
    ['CR CR LF', 'GET / HTTP/1.1\r\nHost: a\r\r\n\r\n'],
    ['obs-fold', 'GET / HTTP/1.1\r\nX: y\r\n z\r\n\r\n'],
    ['obs-fold in the first field', 'GET / HTTP/1.1\r\n X: y\r\n\r\n'],
    ['space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n'],
    ['no colon', 'GET / HTTP/1.1\r\nHost: a\r\nfoo\r\n\r\n'],
    ['no name', 'GET / HTTP/1.1\r\n: a\r\n\r\n'],
    ['a name that is no token', 'GET / HTTP/1.1\r\nX@: a\r\n\r\n'],
    ['a name beyond ASCII', 'GET / HTTP/1.1\r\n\xe9: a\r\n\r\n'],
    ['NUL', 'GET / HTTP/1.1\r\nX: \0\r\n\r\n'],
    ['a control character', 'GET / HTTP/1.1\r\nX: \x1b\r\n\r\n'],
    ['DEL', 'GET / HTTP/1.1\r\nX: \x7f\r\n\r\n'],
    ['a target beyond ASCII', 'GET /\xe9 HTTP/1.1\r\n\r\n'],
    ['a tab in the target', 'GET /\t HTTP/1.1\r\n\r\n'],
    ['no target', 'GET  HTTP/1.1\r\n\r\n'],
    ['two spaces', 'GET  / HTTP/1.1\r\n\r\n'],
    ['space at the end of the line', 'GET / HTTP/1.1 \r\n\r\n'],
    ['no version', 'GET /\r\n\r\n'],
    ['a version of another protocol', 'GET / ICE/1.0\r\n\r\n'],
    ['a version in lower case', 'GET / http/1.1\r\n\r\n'],
    ['a version with more digits', 'GET / HTTP/1.10\r\n\r\n'],
    ['two empty lines first', '\r\n\r\nGET / HTTP/1.1\r\n\r\n'],
    ['LF first', '\nGET / HTTP/1.1\r\n\r\n'],
    ['a space first', ' GET / HTTP/1.1\r\n\r\n'],
    ['a TLS hello', '\x16\x03\x01\x00\xf4\x01\x00\r\n\r\n'],
    ['a response', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
  ])('[6455-4.2.1-a] [6455-8.1-a] is refused with 400 for %s', (_, text) => {
    expect(replay('request', text)).toEqual({ status: 400 });
  });

  it.each(['GET / HTTP/2.0\r\n\r\n', 'GET / HTTP/0.9\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'])(
    '[6455-11.1-c] is refused with 505: %j',
    (text) => {
      expect(replay('request', text)).toEqual({ status: 505 });
    },
  );

  it('is refused as soon as a byte or the request line is wrong, not at its end', () => {
    const starts = [
      '\x16',
      'GET / HTTP/1.1\r\nX: \0',
      'GET / HTTP/1.1\n',
      'GET /\r\n',
      'A\rB',
      '\x7f',
    ];
    for (const text of starts) {
      expect(() => new HeadParser('request').parse(Buffer.from(text, 'latin1')), text).toThrow(
        HandshakeError,
      );
    }
    expect(() => new HeadParser('request').parse(Buffer.from('GET / HTTP/2.0\r\n'))).toThrow(
      new HandshakeError(505, 'Unsupported HTTP version'),
    );
  });
});

describe('a response head', () => {
  it.each([
    ['HTTP/1.1 101 Switching Protocols', 101, 'Switching Protocols'],
    ['HTTP/1.1 101 ', 101, ''],
    ['HTTP/1.0 200', 200, ''],
    ['HTTP/1.1 404 \xe9\tx', 404, '\u00e9\tx'],
  ])('[6455-4.1-bh] is parsed: %j', (line, code, reason) => {
    expect(replay('response', `${line}\r\nA: b\r\n\r\n`)).toMatchObject({
      line: [code, reason],
      fields: ['A', 'b'],
    });
  });

  it.each([
    'HTTP/1.1 99 x',
    'HTTP/1.1 1010 x',
    'HTTP/1.1  101 x',
    'HTTP/1.1 101\tx',
    'HTTP/1.1 101 \x01',
    'HTTP/1.1',
    'http/1.1 101 x',
    '\r\nHTTP/1.1 101 x',
    'GET / HTTP/1.1',
    '',
  ])('is refused: %j', (line) => {
    expect(replay('response', `${line}\r\n\r\n`)).toEqual({ status: 400 });
  });

  it('of another major version is refused', () => {
    expect(replay('response', 'HTTP/2.0 101 x\r\n\r\n')).toEqual({ status: 505 });
  });

  it('[6455-4.1-bm] may be followed by the next one: the parser goes on', () => {
    const parser = new HeadParser('response');
    const first = parser.parse(
      Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 101 x\r\n'),
    );
    expect(first?.statusCode).toBe(103);
    expect(first && parser.parse(first.rest)).toBeNull();
    expect(parser.parse(Buffer.from('\r\n'))?.statusCode).toBe(101);
  });
});

describe('a parser', () => {
  it('starts afresh after each head, however it was cut', () => {
    const parser = new HeadParser('request');
    const bytes = Buffer.from('GET /1 HTTP/1.1\r\nA: b\r\n\r\n');
    const urls: string[] = [];
    for (const piece of [...bytewise(bytes), bytes, ...bytewise(bytes)]) {
      const head = parser.parse(piece);
      if (head !== null) urls.push(`${head.url} ${head.rawHeaders.join()} ${head.rest.length}`);
    }
    expect(urls).toEqual(['/1 A,b 0', '/1 A,b 0', '/1 A,b 0']);
  });
});

describe('the limits', () => {
  const head = (size: number): Buffer => {
    const frame = 'GET / HTTP/1.1\r\nX: \r\n\r\n';
    return Buffer.from(frame.replace('X: ', `X: ${'y'.repeat(size - frame.length)}`));
  };

  it('[node-upgrade-c] allow 16384 bytes and not one more, however they are cut', () => {
    expect(replay('request', head(16384).toString())).toHaveProperty('line');
    expect(replay('request', head(16385).toString())).toEqual({ status: 431 });
  });

  it('[node-upgrade-c] are refused with 431 without waiting for an end', () => {
    const endless = Buffer.from(`GET / HTTP/1.1\r\nX: ${'y'.repeat(20_000)}`);
    expect(feed(new HeadParser('request'), [endless])).toEqual({ status: 431 });
    const parser = new HeadParser('request', { maxBytes: 64 });
    expect(parser.parse(endless.subarray(0, 63))).toBeNull();
    expect(() => parser.parse(endless.subarray(63, 64))).toThrow(
      new HandshakeError(431, 'HTTP head too large'),
    );
  });

  it('[node-upgrade-c] count fields: 100, or as many as asked for', () => {
    const fields = (n: number): string => `GET / HTTP/1.1\r\n${'a:\r\n'.repeat(n)}\r\n`;
    expect(replay('request', fields(100))).toHaveProperty('line');
    expect(replay('request', fields(101))).toEqual({ status: 431 });
    const parser = new HeadParser('request', { maxFields: 1 });
    expect(() => parser.parse(Buffer.from(fields(2)))).toThrow(HandshakeError);
  });

  it('are positive integers', () => {
    for (const limit of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => new HeadParser('request', { maxBytes: limit })).toThrow(RangeError);
      expect(() => new HeadParser('response', { maxFields: limit })).toThrow(RangeError);
    }
    expect(new HeadParser('request', { maxBytes: undefined }).parse(head(1000))).not.toBeNull();
  });

  it('hold the same error for every call after it', () => {
    const parser = new HeadParser('request');
    expect(() => parser.parse(Buffer.from('\0'))).toThrow(HandshakeError);
    expect(() => parser.parse(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toThrow(/control character/);
  });

  it('[6455-4.3-d] time is linear in the bytes, also one by one and also for what is refused (property 35, CVE-2023-43669)', () => {
    const endless = bytewise(Buffer.from(`GET / HTTP/1.1\r\nX: ${'y'.repeat(500_000)}`));
    const run = (n: number): number => {
      const parser = new HeadParser('request', { maxBytes: 1_000_000 });
      return cpuTimeOf(() => {
        for (let i = 0; i < n; i++) parser.parse(endless[i]);
      });
    };
    const small = Math.min(run(20_000), run(20_000), run(20_000));
    const large = Math.min(run(320_000), run(320_000));
    // Sixteen times the bytes; scanning again from the start would take 256 times as long.
    expect(large).toBeLessThan(100 * Math.max(small, 1));
    const spaces = ' '.repeat(500_000);
    const cost = cpuTimeOf(() => {
      for (const tail of ['\0', `${spaces}x`, '']) {
        const text = `GET / HTTP/1.1\r\nX:${spaces}${tail}\r\nY\r\n\r\n`;
        const parser = new HeadParser('request', { maxBytes: 2_000_000 });
        expect(() => parser.parse(Buffer.from(text))).toThrow(HandshakeError);
      }
    });
    expect(cost).toBeLessThan(1000);
  });

  it('an endless list of fields is cut off at the limit (CVE-2026-54465)', () => {
    const parser = new HeadParser('request');
    const line = Buffer.from('X-Field: value\r\n');
    expect(parser.parse(Buffer.from('GET / HTTP/1.1\r\n'))).toBeNull();
    let lines = 0;
    expect(() => {
      for (; lines < 10_000; lines++) parser.parse(line);
    }).toThrow(HandshakeError);
    expect(lines * line.length).toBeLessThan(16384 + line.length);
  });
});

describe('cuts', () => {
  it('[node-upgrade-b] change nothing, and no byte behind the head is lost', () => {
    const text = fc
      .tuple(
        fc.constantFrom(
          'GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n',
          '\r\nGET /\xe9 HTTP/1.1\r\n\r\n',
          'GET / HTTP/1.1\r\nX\r\n\r\n',
          'GET / HTTP/3.0\r\n\r\n',
        ),
        fc.string({ unit: fc.constantFrom('\r', '\n', '\x81', 'a'), maxLength: 20 }),
      )
      .map((parts) => Buffer.from(parts.join(''), 'latin1'));
    fc.assert(
      fc.property(
        text.chain((bytes) => fc.tuple(fc.constant(bytes), chunks(bytes))),
        ([bytes, pieces]) => {
          expect(Buffer.concat(pieces)).toEqual(bytes);
          expect(describeOutcome(feed(new HeadParser('request'), pieces))).toEqual(
            describeOutcome(feed(new HeadParser('request'), [bytes])),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('[6455-10-z] of any bytes end in a head, a wait or a HandshakeError', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .string({
          unit: fc.constantFrom('G', ' ', '/', 'HTTP/1.1', '\r\n', ':', '\0', '\r', '\n'),
          maxLength: 40,
        })
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(
        noise.chain((bytes) => chunks(Buffer.from(bytes))),
        fc.constantFrom<'request' | 'response'>('request', 'response'),
        (pieces, kind) => {
          feed(new HeadParser(kind, { maxBytes: 100 }), pieces);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('next to the parser of node:http', () => {
  let server: http.Server;
  let verdict: unknown;

  /** What a server says to a parsed request. */
  function judge(request: RequestLike): unknown {
    const { method, url, rawHeaders } = request;
    try {
      return { method, url, rawHeaders, asked: checkRequest(request) };
    } catch (error) {
      return refused(error);
    }
  }

  function refused(error: unknown): string {
    if (error instanceof HandshakeError) return 'refused';
    throw error;
  }

  function ours(pieces: readonly Buffer[]): unknown {
    const outcome = feed(new HeadParser('request'), pieces);
    if (outcome === null || 'status' in outcome) return 'refused';
    return judge(outcome.head as RequestHead);
  }

  async function theirs(pieces: readonly Buffer[]): Promise<unknown> {
    verdict = 'refused';
    const { port } = server.address() as net.AddressInfo;
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    socket.on('error', () => {});
    socket.resume();
    const closed = once(socket, 'close');
    for (const piece of pieces) socket.write(piece);
    socket.end();
    await closed;
    return verdict;
  }

  beforeAll(async () => {
    server = http.createServer({ requireHostHeader: false }, (request, response) => {
      verdict = judge(request);
      response.end();
    });
    server.on('upgrade', (request, socket) => {
      verdict = judge(request);
      socket.destroy();
    });
    server.on('clientError', (_, socket) => {
      socket.destroy();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterAll(() => {
    server.close();
  });

  const TEXT = `GET /chat HTTP/1.1\r\n${VALID.map(([n, v]) => `${n}: ${v}\r\n`).join('')}X: y\r\n\r\n`;

  // The closed list. Everything else must be judged alike.
  const DIFFERENCES: readonly { what: string; known: RegExp; example: string }[] = [
    {
      what: 'more than one space in the request line',
      known: /^(\r\n)?\S* {2}|^[^\r\n]* {2,}HTTP/,
      example: TEXT.replace(' ', '  '),
    },
    {
      what: 'more than one empty line, or a bare line end, in front',
      known: /^(\r\n[\r\n]|\n|\r[^\n])/,
      example: `\r\n\r\n${TEXT}`,
    },
    {
      what: 'HTTP/2.0 in the text of HTTP/1',
      known: /^(\r\n)?[^\r\n]*HTTP\/2/,
      example: TEXT.replace('1.1', '2.0'),
    },
  ];

  it.each(DIFFERENCES)('is stricter about $what', async ({ known, example }) => {
    const pieces = [Buffer.from(example)];
    expect(example).toMatch(known);
    expect(ours(pieces)).toBe('refused');
    expect(await theirs(pieces)).toHaveProperty('asked');
  });

  it('follows RFC 9112 §2.3 where Node does not know a minor version', async () => {
    const pieces = [Buffer.from(TEXT.replace('1.1', '1.2'))];
    expect(ours(pieces)).toHaveProperty('asked');
    expect(await theirs(pieces)).toBe('refused');
  });

  it('[6455-4.2.1-a] [6455-4.2.1-k] judges the same bytes in the same way, but for a closed list (property 40)', async () => {
    const bytes = Buffer.from(TEXT);
    const mutation = fc.record({
      at: fc.oneof(fc.nat(30), fc.nat(bytes.length - 1)),
      remove: fc.nat(2),
      insert: fc.oneof(
        fc.constantFrom(
          '',
          '\r',
          '\n',
          '\r\n',
          '\0',
          ' ',
          '\t',
          ':',
          ',',
          '@',
          'a',
          '\x7f',
          '\xe9',
          '"',
          '/',
          '#',
        ),
        fc.constantFrom(
          '\r\nHost: b',
          '\r\nContent-Length: 3',
          '\r\nTransfer-Encoding: chunked',
          '\r\nSec-WebSocket-Version: 13',
          '\r\nExpect: 100-continue',
          '\r\nSec-WebSocket-Protocol: a, b',
          '\r\n folded',
        ),
      ),
    });
    const mutated = fc
      .array(mutation, { maxLength: 2 })
      .map((list) =>
        list.reduce(
          (text, { at, remove, insert }) => text.slice(0, at) + insert + text.slice(at + remove),
          TEXT,
        ),
      );
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(
        mutated.chain((text) => {
          const latin1 = Buffer.from(text, 'latin1');
          return fc.tuple(fc.constant(text), chunks(latin1));
        }),
        async ([text, pieces]) => {
          const here = ours(pieces);
          if (DIFFERENCES.some(({ known }) => known.test(text))) {
            expect(here).toBe('refused');
            return;
          }
          if (here !== 'refused') accepted++;
          // Many pieces only cost time over TCP, which joins them again.
          const there = pieces.length > 12 ? [Buffer.concat(pieces)] : pieces;
          expect(here).toEqual(await theirs(there));
        },
      ),
      { numRuns: 400 },
    );
    // Neither side of the verdict is a rare case.
    expect(accepted).toBeGreaterThan(50);
  });
});
