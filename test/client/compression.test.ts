// permessage-deflate on the wire of a client (RFC 7692 §5, §7): what it offers, which answers it takes
// and which fail the connection, and that it keeps to what was agreed on.

import { Buffer } from 'node:buffer';
import { deflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { type ClientOptions, WebSocket } from '../../src/index.ts';
import { inflate, TAIL } from '../deflate/reference/inflate.ts';
import { formatSwitching, type RawConnection, RawServer } from '../support/wire.ts';
import { linesOf, Witness } from './witness.ts';

const raws: RawServer[] = [];
afterEach(async () => {
  for (const server of raws.splice(0)) await server.close();
});

interface Opened {
  readonly ws: WebSocket;
  readonly witness: Witness;
  readonly peer: RawConnection;
  readonly offer: string | undefined;
}

/** A client, and the server that answers its offer with these extensions, or with none. */
async function open(options: ClientOptions, answer: string | null): Promise<Opened> {
  const extra = answer === null ? [] : [`Sec-WebSocket-Extensions: ${answer}`];
  const server = await RawServer.listen(({ key }) => formatSwitching(key, extra));
  raws.push(server);
  const ws = new WebSocket(server.url, options);
  const witness = new Witness(ws);
  const peer = await server.accept();
  return { ws, witness, peer, offer: linesOf(peer.head, 'sec-websocket-extensions')[0] };
}

const RSV1 = 4;
const deflate = (plain: Buffer | string): Buffer =>
  deflateRawSync(plain, { finishFlush: 2 }).subarray(0, -4);

describe('the offer', () => {
  it.each([
    [undefined, 'permessage-deflate; client_max_window_bits'],
    [true, 'permessage-deflate; client_max_window_bits'],
    [{ threshold: 5 }, 'permessage-deflate; client_max_window_bits'],
    [false, undefined],
    [
      {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 10,
        clientMaxWindowBits: 11,
      },
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover; ' +
        'server_max_window_bits=10; client_max_window_bits=11',
    ],
    [{ clientMaxWindowBits: false }, 'permessage-deflate'],
  ])('[7692-5-a] [wh-2.2-d] [iana-ext-a] for %j is %s', async (perMessageDeflate, expected) => {
    const given = perMessageDeflate === undefined ? {} : { perMessageDeflate };
    const { ws, witness, offer } = await open(given as ClientOptions, null);
    expect(offer).toBe(expected);
    await witness.opened();
    expect(ws.extensions).toBe('');
    ws.terminate();
  });

  it('is not made of options that make no sense', () => {
    expect(
      () => new WebSocket('ws://127.0.0.1:1', { perMessageDeflate: { clientMaxWindowBits: 3 } }),
    ).toThrow(RangeError);
  });
});

describe('the answer', () => {
  it.each([
    'permessage-deflate',
    'permessage-deflate; server_max_window_bits=8; client_max_window_bits=8',
    'permessage-deflate;client_no_context_takeover; server_no_context_takeover',
    'permessage-deflate; client_max_window_bits="10"',
  ])('[7692-7.1.1.2-c] [7692-7.1-a] %s is kept to', async (answer) => {
    const { ws, witness, peer } = await open({ perMessageDeflate: { threshold: 0 } }, answer);
    await witness.opened();
    expect(ws.extensions).toBe('permessage-deflate');
    const text = 'words, words and the same words again, words';
    for (let i = 0; i < 2; i++) ws.send(text);
    await peer.until(() => peer.frames().length === 2);
    const takeover = !answer.includes('client_no');
    let window: Buffer = Buffer.alloc(0);
    for (const { rsv, masked, payload } of peer.frames()) {
      expect([rsv, masked]).toEqual([RSV1, true]);
      const result = inflate(Buffer.concat([payload, TAIL]), { window });
      expect(result.output.toString()).toBe(text);
      if (takeover) window = result.window;
    }
    await peer.sendFrame({ opcode: 1, rsv: RSV1, payload: deflate('Hello') });
    await expect.poll(() => witness.log).toContain('message Hello');
    ws.terminate();
  });

  it.each([
    ['permessage-deflate; nonsense', {}],
    ['permessage-deflate; server_max_window_bits=7', {}],
    ['permessage-deflate; client_max_window_bits', {}],
    ['permessage-deflate; server_no_context_takeover; server_no_context_takeover', {}],
    ['permessage-deflate, permessage-deflate', {}],
    ['permessage-deflate, x-other', {}],
    ['permessage-deflate; client_max_window_bits=9', { clientMaxWindowBits: false }],
    ['permessage-deflate', { serverNoContextTakeover: true }],
    ['permessage-deflate; server_max_window_bits=12', { serverMaxWindowBits: 11 }],
    ['permessage-deflate', false],
  ])(
    '[7692-5-e] [7692-5-g] [7692-6-b] [7692-7-f] [7692-7-g] [7692-7-h] %s fails the connection where the offer was %j',
    async (answer, perMessageDeflate) => {
      const { witness, peer } = await open({ perMessageDeflate } as ClientOptions, answer);
      await witness.closed();
      expect(witness.log.map((line) => line.split(' ')[0])).toEqual(['error', 'close']);
      expect(witness.error?.message).toMatch(/extension/i);
      expect(peer.received).toHaveLength(0);
    },
  );
});
