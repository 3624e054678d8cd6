// The messages that the load sends: payloads, and sequences of frames encoded before the clock starts.
// A sequence has no end, so that a connection can go on for as long as it is asked to. No sockets.

import { randomBytes } from 'node:crypto';
import { constants, createDeflateRaw, deflateRawSync } from 'node:zlib';
import { BINARY, encodeMasked, encodeMessage, TEXT } from './frames.ts';

/** A message as the load sends it. */
export interface Message {
  readonly type: 'text' | 'binary' | 'json';
  /** Payload bytes. */
  readonly size: number;
  /** Payload bytes per frame; one frame when absent. */
  readonly fragment?: number;
}

/** How permessage-deflate is used, in both directions: with its windows kept, reset, or not at all. */
export type Compression = 'none' | 'takeover' | 'reset';

/** The extensions to offer for it (RFC 7692 §7.1.1). */
export function formatOffer(compression: Compression): string | null {
  if (compression === 'none') return null;
  const parameters = '; client_no_context_takeover; server_no_context_takeover';
  return `permessage-deflate${compression === 'reset' ? parameters : ''}`;
}

/** Printable ASCII for text, anything for binary. */
export function createPayload({ type, size }: Message): Buffer {
  if (type === 'json') return createJson(size, 0);
  const payload = randomBytes(size);
  if (type === 'text') for (let i = 0; i < size; i++) payload[i] = 0x20 + (payload[i] % 0x5f);
  return payload;
}

const WORDS =
  'market order price volume trade account update session device sensor north south'.split(' ');

/** A record as applications send them: fields that recur, values that differ. Exactly `size` bytes. */
export function createJson(size: number, index: number): Buffer {
  // The same for every run and every rival: a linear congruential generator, seeded by the index.
  let state = index + 1;
  const random = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % limit;
  };
  const word = (): string => WORDS[random(WORDS.length)];
  const record = {
    type: `${word()}.${word()}`,
    id: random(1_000_000),
    time: 1_700_000_000_000 + index * 137,
    values: Array.from({ length: 8 }, () => random(100_000) / 100),
    user: { id: random(10_000), name: `${word()} ${word()}`, active: random(2) === 1 },
    note: '',
  };
  while (JSON.stringify(record).length < size) record.note += `${word()} `;
  const excess = JSON.stringify(record).length - size;
  record.note = record.note.slice(0, Math.max(0, record.note.length - excess));
  return Buffer.from(JSON.stringify(record).slice(0, size).padEnd(size));
}

/** Frames one after the other in `bytes`, frame i in `[starts[i], starts[i + 1])`. */
interface Run {
  readonly bytes: Buffer;
  readonly starts: readonly number[];
}

function join(frames: readonly Buffer[]): Run {
  const starts = [0];
  for (const { length } of frames) starts.push(starts[starts.length - 1] + length);
  return { bytes: Buffer.concat(frames), starts };
}

/** Frames that go round after a first pass that may differ. */
export class Sequence {
  /** The first message, uncompressed; for those who compare what comes back. */
  readonly first: Buffer;
  readonly #lead: Run;
  readonly #cycle: Run;

  constructor(first: Buffer, lead: readonly Buffer[], cycle: readonly Buffer[]) {
    this.first = first;
    this.#lead = join(lead);
    this.#cycle = join(cycle);
  }

  /** `count` messages from the one at `position` on, in as few pieces as there are. */
  take(position: number, count: number): Buffer[] {
    const pieces: Buffer[] = [];
    let at = position;
    for (let left = count; left > 0; ) {
      const leading = this.#lead.starts.length - 1;
      const run = at < leading ? this.#lead : this.#cycle;
      const length = run.starts.length - 1;
      const index = at < leading ? at : (at - leading) % length;
      const taken = Math.min(left, length - index);
      pieces.push(run.bytes.subarray(run.starts[index], run.starts[index + taken]));
      at += taken;
      left -= taken;
    }
    return pieces;
  }
}

/** One message again and again; `burst` of them can leave in one piece. */
export function createSequence(message: Message, burst: number): Sequence {
  const payload = createPayload(message);
  const opcode = message.type === 'binary' ? BINARY : TEXT;
  const size = message.fragment ?? Math.max(1, message.size);
  const frames = Array.from({ length: burst }, () => encodeMessage(opcode, payload, size));
  return new Sequence(payload, [], frames);
}

/** A deflate window is this long (RFC 7692 §7.1.2): what lies before it cannot be referred to. */
const WINDOW = 32 * 1024;

/** Compresses each payload (RFC 7692 §7.2.1), in one window for all or a new one each. */
async function deflateAll(payloads: readonly Buffer[], reset: boolean): Promise<Buffer[]> {
  // A bit longer than the tail that is taken off: the empty block ends on a byte.
  const strip = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length - 4);
  if (reset) {
    const options = { finishFlush: constants.Z_SYNC_FLUSH };
    return payloads.map((payload) => strip(deflateRawSync(payload, options)));
  }
  const stream = createDeflateRaw();
  const results: Buffer[] = [];
  for (const payload of payloads) {
    stream.write(payload);
    await new Promise<void>((resolve) => stream.flush(constants.Z_SYNC_FLUSH, resolve));
    const pieces: Buffer[] = [];
    for (let piece = stream.read(); piece !== null; piece = stream.read()) pieces.push(piece);
    results.push(strip(Buffer.concat(pieces)));
  }
  stream.close();
  return results;
}

/**
 * Compressed messages, all different. With the window kept they go round all the same: the second pass
 * refers to no more than the last 32 KiB, which are the end of a pass, whichever pass came before.
 */
export async function createDeflatedSequence(
  { size }: Message,
  compression: 'takeover' | 'reset',
): Promise<Sequence> {
  const count = Math.ceil((WINDOW * 1.25) / size);
  const payloads = Array.from({ length: count }, (_, index) => createJson(size, index));
  const deflated = await deflateAll([...payloads, ...payloads], compression === 'reset');
  const frames = deflated.map((bytes) => encodeMasked(TEXT, true, bytes, true));
  return new Sequence(payloads[0], frames.slice(0, count), frames.slice(count));
}
