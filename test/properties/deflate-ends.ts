// Ends of a connection that have agreed on permessage-deflate, and what they say to each other. A large
// message is decompressed on the thread pool, so everything here waits for the end of that.

import { Buffer } from 'node:buffer';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { ConnectionOptions } from '../../src/connection/connection.ts';
import {
  DeflateCodec,
  type DeflateOptions,
  type DeflateParameters,
} from '../../src/deflate/index.ts';
import { Endpoint, type Told } from '../connection/endpoint.ts';
import { inflate, type Reference, TAIL } from '../deflate/reference/inflate.ts';
import type { FrameSpec, WireFrame } from '../support/wire.ts';
import { fragment } from './arbitraries.ts';

/** What was agreed on for one direction. */
export interface Direction {
  readonly takeover: boolean;
  /** Logarithm of the window. */
  readonly bits: number;
}

export function directionOf(parameters: DeflateParameters, sender: 'client' | 'server'): Direction {
  return sender === 'client'
    ? { takeover: !parameters.clientNoContextTakeover, bits: parameters.clientMaxWindowBits }
    : { takeover: !parameters.serverNoContextTakeover, bits: parameters.serverMaxWindowBits };
}

/** Parameters with the same for both directions. */
export const both = ({ takeover, bits }: Direction): DeflateParameters => ({
  serverNoContextTakeover: !takeover,
  clientNoContextTakeover: !takeover,
  serverMaxWindowBits: bits,
  clientMaxWindowBits: bits,
});

export function endWith(
  role: 'client' | 'server',
  parameters: DeflateParameters,
  options: DeflateOptions = {},
  more: Partial<ConnectionOptions> = {},
): Endpoint {
  return new Endpoint({ role, codec: new DeflateCodec(role, parameters, options), ...more });
}

/** Resolves as soon as `holds()`; throws after ten seconds. What is waited for is on the thread pool. */
export async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (let turns = 0; !holds(); turns++) {
    if (Date.now() > deadline) throw new Error('what was waited for has not come');
    if (turns < 50) await nextTurn();
    else await sleep(1);
  }
}

/** Resolves when nothing is being decompressed. */
export const settled = ({ connection }: Endpoint): Promise<void> =>
  until(() => !connection.isSuspended);

/** Feeds pieces; with `patient`, each only when the one before has been worked through. */
export async function feed(
  endpoint: Endpoint,
  pieces: readonly Buffer[],
  patient: boolean,
): Promise<void> {
  for (const piece of pieces) {
    endpoint.connection.receive(piece);
    if (patient) await settled(endpoint);
  }
  await settled(endpoint);
}

/** A message, and how it is to be sent. */
export interface Saying {
  readonly bytes: Buffer;
  readonly isText: boolean;
  /** Sizes of its fragments but the last. */
  readonly sizes: readonly number[];
  readonly compress: boolean;
  /** Whether to use `sendLater` for what takes long, as the public class does. */
  readonly later: boolean;
  /** Whether a Ping goes with each fragment: before it, or while it is being compressed. */
  readonly pings: boolean;
}

/** Sends a message as it is to be sent. */
export async function say({ connection }: Endpoint, saying: Saying): Promise<void> {
  const { bytes, isText, sizes, compress, later, pings } = saying;
  const fragments = fragment(bytes, sizes);
  for (const [i, piece] of fragments.entries()) {
    const fin = i === fragments.length - 1;
    if (later && connection.takesLong(piece.length, compress)) {
      const sent = new Promise<number>((done) => connection.sendLater(piece, !isText, fin, done));
      if (pings) connection.ping('p');
      await sent;
    } else {
      if (pings) connection.ping('p');
      connection.send(piece, !isText, fin, compress);
    }
  }
}

/** What is heard of it at the other end. */
export function heard({ bytes, isText, sizes, pings }: Saying): Told[] {
  const ping: Told = ['ping', Buffer.from('p').toString('hex')];
  return [
    ...(pings ? Array.from({ length: sizes.length + 1 }, () => ping) : []),
    isText ? ['text', bytes.toString()] : ['binary', bytes.toString('hex')],
  ];
}

/** The usual way to send: at once, in one piece. */
export const saying = (bytes: Buffer, how: Partial<Saying> = {}): Saying => ({
  ...{ bytes, isText: false, sizes: [], compress: true, later: false, pings: false },
  ...how,
});

/** ASCII that no compressor makes much of. */
export function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    // A linear congruential generator; its high bits are good enough.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = 0x21 + ((state >>> 12) % 94);
  }
  return bytes;
}

const part = fc
  .oneof(
    { weight: 3, arbitrary: fc.tuple(fc.nat(40), fc.nat(99)) },
    { weight: 2, arbitrary: fc.tuple(fc.nat(3000), fc.nat(99)) },
  )
  .map(([length, seed]) => noise(length, seed));

/**
 * Messages made of the same few parts over and over, so that there is much to refer to, near and far,
 * in this message and in those before. Some are large enough for the thread pool, compressed or not.
 */
export const sayings: fc.Arbitrary<Saying[]> = fc
  .tuple(
    fc.array(part, { minLength: 1, maxLength: 4 }),
    fc.array(
      fc.record({
        picks: fc.array(fc.nat(3), { maxLength: 6 }),
        times: fc.oneof(
          { weight: 12, arbitrary: fc.constant(1) },
          { weight: 1, arbitrary: fc.integer({ min: 2, max: 12 }) },
        ),
        bulk: fc.oneof(
          { weight: 12, arbitrary: fc.constant(0) },
          { weight: 1, arbitrary: fc.integer({ min: 16_000, max: 70_000 }) },
        ),
        isText: fc.boolean(),
        sizes: fc.array(fc.oneof(fc.nat(50), fc.nat(5000)), { maxLength: 3 }),
        compress: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
        later: fc.boolean(),
        pings: fc.boolean(),
      }),
      { maxLength: 7 },
    ),
  )
  .map(([parts, messages]) =>
    messages.map(({ picks, times, bulk, ...how }, i) => {
      const once = Buffer.concat(picks.map((pick) => parts[pick % parts.length] as Buffer));
      const repeated = Array.from({ length: times }, () => once);
      return { bytes: Buffer.concat([...repeated, noise(bulk, i)]), ...how };
    }),
  );

export const direction: fc.Arbitrary<Direction> = fc.record({
  takeover: fc.boolean(),
  bits: fc.integer({ min: 8, max: 15 }),
});

export const parameters: fc.Arbitrary<DeflateParameters> = fc.record({
  serverNoContextTakeover: fc.boolean(),
  clientNoContextTakeover: fc.boolean(),
  serverMaxWindowBits: fc.integer({ min: 8, max: 15 }),
  clientMaxWindowBits: fc.integer({ min: 8, max: 15 }),
});

/** What may be tuned without the peer's knowledge. */
export const tuning: fc.Arbitrary<DeflateOptions> = fc.record({
  threshold: fc.constantFrom(undefined, 0, 100),
  zlibDeflateOptions: fc.option(
    fc.record({
      level: fc.constantFrom(undefined, 0, 1, 6, 9),
      memLevel: fc.constantFrom(undefined, 1, 8, 9),
      strategy: fc.constantFrom(undefined, 0, 1, 2, 3, 4),
    }),
    { nil: undefined },
  ),
});

/**
 * Messages as they stand on the wire: their frames without the control frames between. Throws for
 * RSV1 anywhere but on the first of a message (RFC 7692 §6).
 */
export function messagesIn(frames: readonly WireFrame[]): WireFrame[][] {
  const messages: WireFrame[][] = [];
  let open: WireFrame[] = [];
  for (const frame of frames) {
    const mayHaveRsv1 = frame.opcode < 8 && open.length === 0;
    if (frame.rsv !== 0 && !(mayHaveRsv1 && frame.rsv === 4)) throw new Error('a misplaced RSV');
    if (frame.opcode >= 8) continue;
    open.push(frame);
    if (!frame.fin) continue;
    messages.push(open);
    open = [];
  }
  return messages;
}

/** What the messages of one direction say, read by the reference with the window that was agreed on. */
export function readMessages(
  frames: readonly WireFrame[],
  { takeover }: Direction,
): { plain: Buffer; references: readonly Reference[]; compressed: boolean }[] {
  let window: Buffer = Buffer.alloc(0);
  return messagesIn(frames).map((message) => {
    const payload = Buffer.concat(message.map((frame) => frame.payload));
    if ((message[0] as WireFrame).rsv === 0) {
      return { plain: payload, references: [], compressed: false };
    }
    const seen = inflate(Buffer.concat([payload, TAIL]), takeover ? { window } : {});
    if (seen.fault !== undefined) throw new Error(seen.fault);
    if (!seen.atBorder || seen.rest > 0) throw new Error('a message that does not end its block');
    window = seen.window;
    return { plain: seen.output, references: seen.references, compressed: true };
  });
}

/** What an endpoint was told, a failure by its code alone. */
export const heardCodes = ({ told }: Endpoint): unknown[] =>
  told.map((told) => (told[0] === 'fail' ? told.slice(0, 2) : told));

/** Fragments of one message, as the peer sends them. */
export function framesOf(
  { payload, isText, rsv }: { payload: Buffer; isText: boolean; rsv: number },
  sizes: readonly number[],
): FrameSpec[] {
  const fragments = fragment(payload, sizes);
  return fragments.map((piece, i) => ({
    opcode: i > 0 ? 0 : isText ? 1 : 2,
    rsv: i > 0 ? 0 : rsv,
    fin: i === fragments.length - 1,
    payload: piece,
  }));
}

/** What is heard of a message with this content. */
export const told = (plain: Buffer, isText: boolean): Told =>
  isText ? ['text', plain.toString()] : ['binary', plain.toString('hex')];

/** Both ways of decompressing, of which the second one is for versions of Node without the first. */
export const WAYS = [
  ['in a kept context', true],
  ['in a run of its own', false],
] as const;
