// The tester for compressed messages tested: a hand-made server that behaves passes, and one that
// breaks a single rule is caught. With the table itself, and the reading of answers.

import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  encodeFrame,
  formatSwitching,
  headerOf,
  RawClient,
  type RawConnection,
  RawServer,
  type WireFrame,
} from '../support/wire.ts';
import { CLOSE } from './case.ts';
import { COMPRESSION_CASES, type CompressionCase } from './compression.ts';
import { CONTENTS, messagesOf } from './contents.ts';
import { exchange, readAgreement } from './exchange.ts';

/** How the hand-made server compresses, and what it does wrong. */
interface Manner {
  readonly response?: string;
  readonly takeover?: boolean;
  readonly windowBits?: number;
  /** Changes the frames of an echo, each as `[first byte, payload]`. */
  readonly change?: (
    frames: [number, Buffer][],
    message: Buffer,
    tail: Buffer,
  ) => [number, Buffer][];
  readonly closeByte?: number;
}

const { Z_SYNC_FLUSH } = zlib.constants;

/** Echoes messages of one frame or several, until Close. */
async function serve(peer: RawConnection, manner: Manner): Promise<void> {
  const {
    takeover = true,
    windowBits = 15,
    change = (frames) => frames,
    closeByte = 0x88,
  } = manner;
  const inflate = zlib.createInflateRaw();
  const deflate = zlib.createDeflateRaw({ windowBits });
  const through = async (stream: zlib.InflateRaw | zlib.DeflateRaw, bytes: Buffer) => {
    const pieces: Buffer[] = [];
    stream.removeAllListeners('data').on('data', (piece) => pieces.push(piece));
    stream.write(bytes);
    await new Promise<void>((resolve) => stream.flush(Z_SYNC_FLUSH, () => resolve()));
    return Buffer.concat(pieces);
  };
  const tail = Buffer.from('0000ffff', 'hex');
  let fragments: WireFrame[] = [];
  for (;;) {
    const frame = await peer.nextFrame(1000).catch(() => undefined);
    if (frame === undefined) break;
    if (frame.opcode === CLOSE) {
      await peer.send(Buffer.concat([Buffer.from([closeByte, 2]), frame.payload]));
      peer.end();
      break;
    }
    fragments.push(frame);
    if (!frame.fin) continue;
    const payload = Buffer.concat([...fragments.map((fragment) => fragment.payload), tail]);
    const message = await through(inflate, payload);
    if (!takeover) deflate.reset();
    const bytes = await through(deflate, message);
    const first = 0xc0 + fragments[0].opcode;
    for (const [byte, piece] of change([[first, bytes.subarray(0, -4)]], message, tail)) {
      const spec = { fin: byte >= 128, rsv: (byte >> 4) & 7, opcode: byte & 15, payload: piece };
      await peer.send(encodeFrame(spec));
    }
    fragments = [];
  }
  inflate.close();
  deflate.close();
}

const ACCEPTED = 'permessage-deflate';

/** Plays a case against a server of that manner. */
async function play(number: string, manner: Manner): Promise<void> {
  const entry = COMPRESSION_CASES.find((other) => other.number === number) as CompressionCase;
  const response = manner.response ?? ACCEPTED;
  const server = await RawServer.listen(({ key }) =>
    formatSwitching(key, [`Sec-WebSocket-Extensions: ${response}`]),
  );
  const client = await RawClient.connect(server.port);
  const served = server.accept().then((peer) => serve(peer, manner));
  try {
    const agreement = readAgreement(headerOf(client.head, 'sec-websocket-extensions'), entry.offer);
    await exchange(client, entry, agreement, 1000);
  } finally {
    client.destroy();
    await served;
    await server.close();
  }
}

const FORGETS = `${ACCEPTED}; server_no_context_takeover`;
const SMALL = `${ACCEPTED}; server_max_window_bits=9`;

const HONEST: [number: string, manner: Manner][] = [
  ['12.1.1', {}],
  ['12.1.11', {}],
  ['12.2.9', {}],
  ['12.5.10', {}],
  ['12.1.2', { response: `${ACCEPTED}; client_max_window_bits=9` }],
  // Not every message has to be compressed, and a context that is kept need not be used.
  ['12.1.3', { takeover: false }],
  ['13.2.4', { response: FORGETS, takeover: false }],
  ['13.3.5', { response: SMALL, windowBits: 9 }],
  ['12.4.3', { takeover: false, change: (frames, m) => (m[0] % 2 ? frames : [[0x81, m]]) }],
  [
    '12.1.4',
    {
      change: ([[byte, bytes]]) => [
        [byte - 128, bytes.subarray(0, 9)],
        [0x80, bytes.subarray(9)],
      ],
    },
  ],
];

const FAULTS: [fault: string, number: string, manner: Manner, complaint: RegExp][] = [
  ['keeps a window that it promised to forget', '13.2.1', { response: FORGETS }, /too far back/],
  ['uses a larger window than agreed on', '13.3.5', { response: SMALL }, /beyond the window/],
  ['does not answer the offer', '13.3.5', {}, /leaves out/],
  [
    'leaves the tail on',
    '12.1.2',
    { change: ([[byte, bytes]], _, tail) => [[byte, Buffer.concat([bytes, tail])]] },
    /where a block ends/,
  ],
  [
    'cuts the data short',
    '12.1.2',
    { change: ([[byte, bytes]]) => [[byte, bytes.subarray(0, -2)]] },
    /where a block ends|DEFLATE|content/,
  ],
  [
    'sets RSV1 on every frame',
    '12.1.2',
    {
      change: ([[byte, bytes]]) => [
        [byte - 128, bytes],
        [0xc0, Buffer.alloc(0)],
      ],
    },
    /reserved bit/,
  ],
  ['forgets RSV1', '12.1.2', { change: ([[, bytes]]) => [[0x81, bytes]] }, /plain echo/],
  [
    'never compresses',
    '12.2.3',
    { change: (_, message) => [[0x82, message]] },
    /nothing came compressed/,
  ],
  ['echoes text as binary', '12.1.2', { change: ([[, bytes]]) => [[0xc2, bytes]] }, /the type/],
  ['sets RSV1 on Close', '12.1.1', { closeByte: 0xc8 }, /never compressed/],
  ['is silent', '12.1.1', { change: () => [] }, /nothing after/],
];

describe.concurrent('the tester for compressed messages', () => {
  for (const [i, [number, manner]] of HONEST.entries()) {
    it(`lets a server that behaves pass ${number} (${i})`, () => play(number, manner));
  }

  for (const [fault, number, manner, complaint] of FAULTS) {
    it(`catches in ${number} a server that ${fault}`, async () => {
      await expect(play(number, manner)).rejects.toThrow(complaint);
    });
  }
});

describe('the reading of answers', () => {
  const offer = `${ACCEPTED}; client_max_window_bits; server_max_window_bits=10`;

  it.each([
    ['server_max_window_bits=10', 15, 10],
    ['server_max_window_bits=9; client_max_window_bits=12', 12, 9],
  ])('takes %s', (parameters, client, server) => {
    const agreement = readAgreement(`${ACCEPTED}; ${parameters}`, offer);
    expect([agreement.client.bits, agreement.server.bits]).toEqual([client, server]);
  });

  it.each([
    [undefined, /was accepted/],
    ['x-deflate', /only extension/],
    [ACCEPTED, /leaves out/],
    [`${ACCEPTED}; server_max_window_bits=11`, /leaves out/],
    [`${ACCEPTED}; server_max_window_bits=010`, /no answer/],
    [`${ACCEPTED}; server_max_window_bits=9; client_max_window_bits`, /no answer/],
    [`${ACCEPTED}; server_max_window_bits=9; server_max_window_bits=9`, /twice/],
    [`${ACCEPTED}; server_max_window_bits=9; server_no_context_takeover=1`, /no answer/],
    [`${ACCEPTED}; server_max_window_bits=9; fast`, /no answer/],
  ])('refuses %s', (response, complaint) => {
    expect(() => readAgreement(response, offer)).toThrow(complaint);
  });

  it('refuses a window for the client that the client cannot have', () => {
    const response = `${ACCEPTED}; client_max_window_bits=10`;
    expect(() => readAgreement(response, ACCEPTED)).toThrow(/no answer/);
  });
});

describe('the table of compression cases', () => {
  it('has the 216 cases of groups 12 and 13, each once and in order', () => {
    const groups = [
      ...[1, 2, 3, 4, 5].map((i) => `12.${i}`),
      ...[1, 2, 3, 4, 5, 6, 7].map((i) => `13.${i}`),
    ];
    const numbers = groups.flatMap((group) =>
      Array.from({ length: 18 }, (_, i) => `${group}.${i + 1}`),
    );
    expect(COMPRESSION_CASES.map(({ number }) => number)).toEqual(numbers);
    expect(COMPRESSION_CASES).toHaveLength(216);
  });

  it('sends at least two messages in each, of the length that it says', () => {
    for (const { content, length, count } of COMPRESSION_CASES) {
      expect(count).toBeGreaterThanOrEqual(2);
      const messages = messagesOf(content, length, count);
      expect(messages.map((message) => message.length)).toEqual(Array(count).fill(length));
    }
  });

  it('has contents that compress, and one that does not', () => {
    const ratios = CONTENTS.map(({ bytes }) => zlib.deflateRawSync(bytes).length / bytes.length);
    expect(ratios.map((ratio) => ratio < 0.7)).toEqual([true, true, true, true, false]);
    const ascii = CONTENTS.filter(({ bytes }) => bytes.every((byte) => byte < 128));
    expect(ascii.map(({ kind }) => kind)).toEqual(['text', 'text']);
  });
});
