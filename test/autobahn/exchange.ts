// The tester for compressed messages: sends each message of a case, waits for its echo, and reads that
// with a decoder of its own, which sees what the tested side referred to. Throws at the first difference.

import assert from 'node:assert/strict';
import * as zlib from 'node:zlib';
import { inflate, TAIL } from '../deflate/reference/inflate.ts';
import {
  decodeClose,
  decodeFrames,
  encodeClose,
  type RawPeer,
  type WireFrame,
} from '../support/wire.ts';
import { BINARY, CLOSE, CONTINUATION, cut, TEXT } from './case.ts';
import type { CompressionCase } from './compression.ts';
import { messagesOf } from './contents.ts';

/** What one direction is limited to. */
export interface Direction {
  readonly takeover: boolean;
  /** Logarithm of the window. */
  readonly bits: number;
}

export interface Agreement {
  readonly client: Direction;
  readonly server: Direction;
}

/**
 * What a response says (RFC 7692 §7.1), read strictly against the first element of `offer`, which is
 * preferred (RFC 7692 §5) and can always be accepted. Throws when it is no answer to that.
 */
export function readAgreement(response: string | undefined, offer: string): Agreement {
  assert.ok(response !== undefined, 'the extension was accepted');
  const given = parametersOf(response);
  const asked = parametersOf(offer.split(',')[0]);
  for (const name of given.keys()) {
    assert.ok(isAllowed(name, given, asked), `"${response}" is no answer to "${offer}"`);
  }
  assert.ok(isHonoured(given, asked), `"${response}" leaves out what "${offer}" asks for`);
  return {
    client: {
      takeover: !given.has('client_no_context_takeover'),
      bits: Number(given.get('client_max_window_bits') ?? 15),
    },
    server: {
      takeover: !given.has('server_no_context_takeover'),
      bits: Number(given.get('server_max_window_bits') ?? 15),
    },
  };
}

type Parameters = ReadonlyMap<string, string | undefined>;

function parametersOf(element: string): Parameters {
  const [name, ...parameters] = element.split(';').map((part) => part.trim());
  assert.equal(name, 'permessage-deflate', 'the only extension');
  const pairs = parameters.map((part) => part.split('=') as [string, string?]);
  assert.equal(new Set(pairs.map(([key]) => key)).size, pairs.length, 'no parameter twice');
  return new Map(pairs.map(([key, value]) => [key, value]));
}

function isAllowed(name: string, given: Parameters, asked: Parameters): boolean {
  const value = given.get(name);
  if (name.endsWith('_no_context_takeover')) return value === undefined;
  if (!/^(?:[89]|1[0-5])$/.test(value ?? '')) return false;
  if (name === 'server_max_window_bits') return true;
  // RFC 7692 §7.1.2.2: only if it was offered
  return name === 'client_max_window_bits' && asked.has(name);
}

function isHonoured(given: Parameters, asked: Parameters): boolean {
  if (asked.has('server_no_context_takeover') && !given.has('server_no_context_takeover')) {
    return false;
  }
  const most = asked.get('server_max_window_bits');
  return most === undefined || Number(given.get('server_max_window_bits')) <= Number(most);
}

/**
 * Plays `entry` over a connection past its handshake, to the end of TCP. Throws AssertionError for any
 * difference, Error when nothing came for `patience` ms.
 */
export async function exchange(
  tester: RawPeer,
  entry: CompressionCase,
  agreement: Agreement,
  patience = 8000,
): Promise<void> {
  await new Exchange(tester, entry, agreement, patience).play();
}

class Exchange {
  readonly #tester: RawPeer;
  readonly #case: CompressionCase;
  readonly #patience: number;
  readonly #own: Direction;
  readonly #theirs: Direction;
  readonly #deflate: zlib.DeflateRaw;
  /** What the tested side's references may reach. */
  #window: Uint8Array = Buffer.alloc(0);
  /** Frames that have come and were not looked at, and how many bytes of what came they end behind. */
  readonly #frames: WireFrame[] = [];
  #read = 0;

  constructor(tester: RawPeer, entry: CompressionCase, agreement: Agreement, patience: number) {
    this.#tester = tester;
    this.#case = entry;
    this.#patience = patience;
    this.#own = agreement[tester.role];
    this.#theirs = agreement[tester.role === 'client' ? 'server' : 'client'];
    this.#deflate = zlib.createDeflateRaw({ windowBits: Math.max(9, this.#own.bits) });
  }

  async play(): Promise<void> {
    const { content, length, count } = this.#case;
    let compressed = 0;
    try {
      for (const message of messagesOf(content, length, count)) {
        await this.#send(message);
        compressed += await this.#judge(message);
      }
    } finally {
      this.#deflate.close();
    }
    // RFC 7692 §6 leaves it to the sender, but a side that never compresses has not implemented it.
    if (content.compressible) assert.ok(compressed > 0, 'nothing came compressed');
    await this.#end();
  }

  async #send(message: Buffer): Promise<void> {
    const payload = await this.#compress(message);
    const first = this.#case.content.kind === 'text' ? TEXT : BINARY;
    const pieces = this.#case.fragment > 0 ? cut(payload, this.#case.fragment) : [payload];
    for (const [i, piece] of pieces.entries()) {
      // RFC 7692 §6: RSV1 on the first frame only
      const [opcode, rsv] = i === 0 ? [first, 4] : [CONTINUATION, 0];
      await this.#tester.sendFrame({ opcode, rsv, fin: i === pieces.length - 1, payload: piece });
    }
  }

  async #compress(message: Buffer): Promise<Buffer> {
    const deflate = this.#deflate;
    if (!this.#own.takeover) deflate.reset();
    const pieces: Buffer[] = [];
    const gather = (piece: Buffer) => pieces.push(piece);
    deflate.on('data', gather);
    deflate.write(message);
    await new Promise<void>((resolve) => deflate.flush(zlib.constants.Z_SYNC_FLUSH, resolve));
    deflate.off('data', gather);
    const bytes = Buffer.concat(pieces);
    assert.ok(bytes.subarray(-4).equals(TAIL), 'zlib ended with a flush mark');
    return bytes.subarray(0, -4);
  }

  /** The echo of a message; returns 1 when it was compressed, 0 when it was not. */
  async #judge(message: Buffer): Promise<number> {
    const frames = await this.#next();
    const payload = Buffer.concat(frames.map((frame) => frame.payload));
    frames.forEach(({ opcode, rsv, masked }, i) => {
      const kind = this.#case.content.kind === 'text' ? TEXT : BINARY;
      assert.equal(opcode, i === 0 ? kind : CONTINUATION, 'the type of the echo');
      assert.ok(rsv === 0 || (rsv === 4 && i === 0), 'no reserved bit but RSV1 at the beginning');
      assert.equal(masked, this.#tester.role === 'server', 'masked exactly when from a client');
    });
    if (frames[0].rsv === 0) {
      assert.ok(payload.equals(message), 'the content of a plain echo');
      return 0;
    }
    const window = this.#theirs.takeover ? this.#window : Buffer.alloc(0);
    const seen = inflate(Buffer.concat([payload, TAIL]), { window, behindFinal: 'go on' });
    assert.equal(seen.fault, undefined, `DEFLATE data: ${seen.fault}`);
    assert.ok(seen.atBorder && seen.zeroPadded, 'ends where a block ends');
    for (const { distance } of seen.references) {
      assert.ok(distance <= 2 ** this.#theirs.bits, `${distance} is beyond the window agreed on`);
    }
    assert.ok(seen.output.equals(message), 'the content of a compressed echo');
    this.#window = seen.window;
    return 1;
  }

  /** The frames of the next message. */
  async #next(): Promise<WireFrame[]> {
    let end = -1;
    await this.#until(() => {
      this.#take();
      end = this.#frames.findIndex(({ fin, opcode }) => fin || opcode >= CLOSE);
      return end >= 0;
    });
    const frames = this.#frames.splice(0, end + 1);
    assert.ok(frames.length > 0, 'the connection ended without an echo');
    assert.ok(
      frames.every(({ opcode }) => opcode < CLOSE),
      'a control frame instead of an echo',
    );
    return frames;
  }

  /** The tester closes with 1000, and is answered in kind. */
  async #end(): Promise<void> {
    const tester = this.#tester;
    await tester.sendFrame({ opcode: CLOSE, payload: encodeClose(1000) });
    await this.#until(() => {
      this.#take();
      return this.#frames.length > 0;
    });
    const [frame] = this.#frames;
    assert.equal(frame?.opcode, CLOSE, 'nothing but Close after the last echo');
    assert.equal(frame.rsv, 0, 'a control frame is never compressed');
    assert.equal(decodeClose(frame.payload).code, 1000, 'code in the Close');
    if (tester.role === 'client') await this.#until(() => tester.finished !== undefined);
    tester.end();
    await this.#until(() => tester.isClosed);
    assert.equal(tester.finished, 'fin', 'TCP ended in order');
    assert.equal(this.#frames.length, 1, 'nothing after Close');
  }

  #take(): void {
    const { frames } = decodeFrames(this.#tester.received.subarray(this.#read));
    for (const frame of frames) {
      this.#read += frame.bytes.length;
      this.#frames.push(frame);
    }
  }

  #until(holds: () => boolean): Promise<void> {
    const tester = this.#tester;
    return tester.until(() => holds() || tester.finished !== undefined, this.#patience);
  }
}
