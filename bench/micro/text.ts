// Text in messages (§8.1) and in the opening handshake (§4), extension negotiation included (RFC 7692 §7).

import { formatBytes } from '../numbers.ts';
import type { Library, MicroCase } from './case.ts';

export function createUtf8Cases({ message }: Library): MicroCase[] {
  const createCase = (kind: string, sample: string, size: number, piece: number): MicroCase => {
    const text = Buffer.from(sample.repeat(Math.ceil(size / Buffer.byteLength(sample))));
    const validator = new message.Utf8Validator();
    const pieces: Buffer[] = [];
    for (let at = 0; at < text.length; at += piece) pieces.push(text.subarray(at, at + piece));
    const run = (): number => {
      let valid = 0;
      for (const part of pieces) valid += validator.write(part) ? 1 : 0;
      return valid + (validator.end() ? 1 : 0);
    };
    const cut = piece < text.length ? `, in pieces of ${piece} B` : '';
    const name = `${kind}, ${formatBytes(text.length)}${cut}`;
    return { group: 'utf8', name, operations: 1, bytes: text.length, run };
  };
  const kinds = [
    ['ASCII', 'handfast '],
    ['Cyrillic', 'рукопожатие '],
    ['Emoji', '🤝🏽'],
  ] as const;
  return kinds.flatMap(([kind, sample]) => [
    ...[8, 64, 1024, 65_536].map((size) => createCase(kind, sample, size, Infinity)),
    createCase(kind, sample, 1024, 61),
  ]);
}

export function createAcceptCases({ handshake }: Library): MicroCase[] {
  const key = 'dGhlIHNhbXBsZSBub25jZQ==';
  const common = { group: 'accept', operations: 1, bytes: 0 } as const;
  return [
    { ...common, name: 'accept value from a key', run: () => handshake.acceptKey(key).length },
    { ...common, name: 'new key', run: () => handshake.createKey().length },
    { ...common, name: 'is it a key', run: () => (handshake.isKey(key) ? 1 : 0) },
  ];
}

const BROWSER_OFFER = 'permessage-deflate; client_max_window_bits';

/** An opening request as a browser makes it. */
export const REQUEST = [
  'GET /chat?room=42 HTTP/1.1',
  'Host: server.example.com:8080',
  'Connection: Upgrade',
  'Pragma: no-cache',
  'Cache-Control: no-cache',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Safari/537.36',
  'Upgrade: websocket',
  'Origin: http://example.com',
  'Sec-WebSocket-Version: 13',
  'Accept-Encoding: gzip, deflate, br',
  'Accept-Language: en-US,en;q=0.9,de;q=0.8',
  'Cookie: session=0123456789abcdef0123456789abcdef',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  `Sec-WebSocket-Extensions: ${BROWSER_OFFER}`,
  '\r\n',
].join('\r\n');

export function createHandshakeCases({ handshake }: Library): MicroCase[] {
  const bytes = Buffer.from(REQUEST, 'latin1');
  const common = { group: 'handshake', operations: 1, bytes: 0 } as const;
  const parse = (piece: number) => {
    const parser = new handshake.HeadParser('request');
    let head = null;
    for (let at = 0; at < bytes.length; at += piece) {
      head = parser.parse(bytes.subarray(at, at + piece));
    }
    if (head === null) throw new Error('the head is not complete');
    return head;
  };
  const head = parse(Infinity);
  const respond = (key: string): string =>
    handshake.formatResponse(handshake.formatAccept({ key }));
  const options = { resourceName: '/chat', host: 'server.example.com', key: handshake.createKey() };
  const whole = (): number => respond(handshake.checkRequest(parse(Infinity)).key).length;
  return [
    { ...common, name: "parse a browser's request", run: () => parse(Infinity).rawHeaders.length },
    { ...common, name: 'the same in pieces of 64 B', run: () => parse(64).rawHeaders.length },
    { ...common, name: 'check it', run: () => handshake.checkRequest(head).key.length },
    { ...common, name: 'format the 101', run: () => respond('dGhlIHNhbXBsZSBub25jZQ==').length },
    { ...common, name: 'parse, check, format', run: whole },
    {
      ...common,
      name: "format a client's request",
      run: () => handshake.formatRequest(options).length,
    },
  ];
}

export function createNegotiationCases({ deflate, handshake }: Library): MicroCase[] {
  const common = { group: 'negotiation', operations: 1, bytes: 0 } as const;
  const offers = handshake.parseExtensions(BROWSER_OFFER);
  const long = Array.from(
    { length: 8 },
    (_, i) => `permessage-deflate; server_max_window_bits=${8 + i}; client_no_context_takeover`,
  ).join(', ');
  const accept = (): number => deflate.acceptOffer(offers, {})?.response.params.size ?? -1;
  const agreed = deflate.acceptOffer(offers, {});
  if (agreed === null) throw new Error('the offer was declined');
  const format = (): number => handshake.formatExtensions([agreed.response]).length;
  const read = (): number => (deflate.acceptResponse([agreed.response], {}) === null ? 0 : 1);
  return [
    {
      ...common,
      name: "parse a browser's offer",
      run: () => handshake.parseExtensions(BROWSER_OFFER).length,
    },
    { ...common, name: 'parse eight offers', run: () => handshake.parseExtensions(long).length },
    { ...common, name: 'accept an offer', run: accept },
    { ...common, name: 'format the answer', run: format },
    { ...common, name: 'read the answer, client', run: read },
  ];
}
