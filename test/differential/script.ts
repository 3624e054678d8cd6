// Scripts of what an application and its peer do, as plain data: they print, shrink and can be kept.
// Nothing here knows what either implementation makes of them.

import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { encodeClose, type FrameSpec } from '../support/wire.ts';

/** How data is handed to `send`, `ping` and `pong`. */
export type Kind =
  | ('text' | 'buffer' | 'view' | 'arraybuffer' | 'number' | 'bytes' | 'none')
  /** It can be read when the step `release` comes. */
  | 'blob';

/** What the application does. `cb`: it gives a callback. */
export type Action =
  | { do: 'send'; kind: Kind; length: number; fin: boolean; cb: boolean }
  | { do: 'ping' | 'pong'; kind: Kind; length: number; cb: boolean }
  | { do: 'frame'; opcode: 1 | 2; length: number; cb: boolean }
  | { do: 'close'; code?: number; reason?: string }
  | { do: 'terminate' | 'pause' | 'resume' }
  | { do: 'binaryType'; type: string };

/** A frame of the peer's. */
export interface PeerFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly rsv: number;
  /** Masked as the peer's role wants it, unless true. */
  readonly wrongMask: boolean;
  readonly payload: string;
  /** The length is written in 16 bits, whatever it is. */
  readonly padded?: boolean;
}

/** The peer sends frames, their bytes cut at some places (0 to 1), each piece on its own. */
export interface PeerFrames {
  peer: 'frames';
  frames: PeerFrame[];
  cuts: number[];
}

export type Step =
  | Action
  | PeerFrames
  | { peer: 'end' | 'reset' }
  /** Time passes: to the end of the tick, to the next turn, until all is quiet. */
  | { wait: 'tick' | 'turn' | 'quiet' }
  /** The Blobs that are being read have been read. */
  | { release: 'blobs' }
  /** What the application does within its next message event. */
  | { onMessage: Action };

export interface Script {
  readonly role: 'client' | 'server';
  readonly maxPayload: number;
  readonly steps: readonly Step[];
}

const LENGTHS = [0, 1, 2, 5, 125, 126, 127, 300, 8191, 8192, 9000, 65_536];
const length = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...LENGTHS.slice(0, 6)) },
  { weight: 1, arbitrary: fc.constantFrom(...LENGTHS) },
);
const kind = fc.constantFrom<Kind>(
  ...(['text', 'buffer', 'view', 'arraybuffer', 'number', 'bytes', 'none'] as const),
);
const code = fc.constantFrom(1000, 1001, 1005, 1006, 1011, 999, 2999, 3000, 4999, 5000, 1015, 0);

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      kind,
      length,
      fin: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.boolean()),
      cb: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('ping' as const, 'pong' as const),
      kind,
      length: fc.constantFrom(0, 1, 5, 125, 126),
      cb: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('frame' as const),
      opcode: fc.constantFrom(1 as const, 2 as const),
      length,
      cb: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.oneof(
      fc.record({ do: fc.constant('close' as const) }),
      fc.record({ do: fc.constant('close' as const), code }),
      fc.record({
        do: fc.constant('close' as const),
        code,
        reason: fc.constantFrom('', 'reason', 'ä', 'x'.repeat(123), 'x'.repeat(124)),
      }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('terminate' as const, 'pause' as const, 'resume' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('binaryType' as const),
      type: fc.constantFrom('nodebuffer', 'arraybuffer', 'fragments', 'nonsense'),
    }),
  },
);

const text = fc.constantFrom('', 'a', 'text', 'ä€😀', 'x'.repeat(126), 'y'.repeat(20_000));
/** A frame in order but for what it carries. */
export const valid: Omit<PeerFrame, 'opcode' | 'payload'> = { fin: true, rsv: 0, wrongMask: false };

/** What a peer sends that keeps the rules; a message may come in fragments, with a Ping between. */
const message: fc.Arbitrary<PeerFrame[]> = fc
  .tuple(fc.constantFrom(1, 2), fc.array(text, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([opcode, pieces, ping]) =>
    pieces.flatMap((payload, i) => [
      ...(ping && i > 0 ? [{ ...valid, opcode: 9, payload: 'between' }] : []),
      { ...valid, opcode: i === 0 ? opcode : 0, fin: i === pieces.length - 1, payload },
    ]),
  );
const control = fc
  .tuple(fc.constantFrom(9, 10), fc.constantFrom('', 'p', 'q'.repeat(125)))
  .map(([opcode, payload]): PeerFrame[] => [{ ...valid, opcode, payload }]);
const close = fc
  .constantFrom<[number?, string?]>([], [1000], [1001, 'bye'], [4000, 'ä'], [1005], [1000, 'r'])
  .map((body): PeerFrame[] => [
    { ...valid, opcode: 8, payload: encodeClose(...body).toString('latin1') },
  ]);
const fault = fc.constantFrom<PeerFrame>(
  { ...valid, opcode: 3, payload: '' },
  { ...valid, opcode: 11, payload: '' },
  { ...valid, opcode: 0, payload: 'x' },
  { ...valid, opcode: 1, rsv: 4, payload: '' },
  { ...valid, opcode: 2, rsv: 2, payload: '' },
  { ...valid, opcode: 9, rsv: 1, payload: '' },
  { ...valid, opcode: 9, fin: false, payload: '' },
  { ...valid, opcode: 9, payload: 'x'.repeat(126) },
  { ...valid, opcode: 8, payload: 'x' },
  { ...valid, opcode: 8, payload: encodeClose(999).toString('latin1') },
  { ...valid, opcode: 8, payload: encodeClose(1000, Buffer.from([0xff])).toString('latin1') },
  { ...valid, opcode: 1, wrongMask: true, payload: 'x' },
  { ...valid, opcode: 1, payload: '\xff' },
  { ...valid, opcode: 1, fin: false, payload: 'unfinished' },
);

const frames = fc.oneof(
  { weight: 8, arbitrary: message },
  { weight: 3, arbitrary: control },
  { weight: 2, arbitrary: close },
  { weight: 2, arbitrary: fault.map((frame) => [frame]) },
);

const peer: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      peer: fc.constant('frames' as const),
      frames: fc.array(frames, { minLength: 1, maxLength: 3 }).map((lists) => lists.flat()),
      cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ peer: fc.constantFrom('end' as const, 'reset' as const) }) },
);

const wait: fc.Arbitrary<Step> = fc.record({
  wait: fc.constantFrom('tick' as const, 'turn' as const, 'quiet' as const),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: action },
  { weight: 5, arbitrary: peer },
  { weight: 5, arbitrary: wait },
  // Pausing within a chunk is a difference that is meant, see the examples.
  { weight: 1, arbitrary: fc.record({ onMessage: action.filter((each) => each.do !== 'pause') }) },
);

/** Any script. */
export const script: fc.Arbitrary<Script> = fc.record({
  role: fc.constantFrom('client' as const, 'server' as const),
  maxPayload: fc.constantFrom(0, 0, 0, 200),
  steps: fc.array(step, { maxLength: 14 }),
});

/**
 * Scripts in which Blobs wait to be read. Without what goes before them on purpose: Pings and Pongs of other
 * kinds, frames made beforehand, and the Close for a fault.
 */
export const waitingScript: fc.Arbitrary<Script> = fc.record({
  role: fc.constantFrom('client' as const, 'server' as const),
  maxPayload: fc.constant(0),
  steps: fc.array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constant('send' as const),
          kind: fc.constantFrom<Kind>('blob', 'blob', 'text', 'view'),
          length,
          fin: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.boolean()),
          cb: fc.boolean(),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constantFrom('ping' as const, 'pong' as const),
          kind: fc.constant<Kind>('blob'),
          length: fc.constantFrom(0, 1, 125, 126),
          cb: fc.boolean(),
        }),
      },
      { weight: 4, arbitrary: fc.record({ release: fc.constant('blobs' as const) }) },
      {
        weight: 1,
        arbitrary: action.filter((each) => /^(close|terminate|resume)$/.test(each.do)),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          peer: fc.constant('frames' as const),
          frames: fc.oneof(close, message).filter(isPlain),
          cuts: fc.constant<number[]>([]),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ peer: fc.constantFrom('end' as const, 'reset' as const) }),
      },
      { weight: 3, arbitrary: wait },
    ),
    { maxLength: 14 },
  ),
});

/** Neither a Ping among them nor a Close with 1005. */
function isPlain(frames: readonly PeerFrame[]): boolean {
  const refused = encodeClose(1005).toString('latin1');
  return frames.every(({ opcode, payload }) => opcode !== 9 && payload !== refused);
}

/** The bytes of a frame's payload: text as UTF-8, unless every character is one byte. */
function bytesOf({ opcode, payload }: PeerFrame): Buffer {
  return Buffer.from(payload, opcode === 8 || payload === '\xff' ? 'latin1' : 'utf8');
}

/** The frame as the other side's test codec takes it. */
export function specOf(frame: PeerFrame, mask: Buffer | false): FrameSpec {
  const { opcode, fin, rsv, padded } = frame;
  const spec: FrameSpec = { opcode, fin, rsv, mask, payload: bytesOf(frame) };
  return padded ? { ...spec, length: 16 } : spec;
}

/** What is handed to the socket, made anew for each of them. */
export function dataOf(kind: Kind, length: number): unknown {
  const bytes = Buffer.from(Array.from({ length }, (_, i) => 97 + (i % 26)));
  switch (kind) {
    case 'text':
      return bytes.toString();
    case 'buffer':
      return bytes;
    case 'view':
      return new Uint8Array(bytes);
    case 'arraybuffer':
      return new Uint8Array(bytes).buffer;
    case 'number':
      return length;
    case 'bytes':
      return [...bytes];
    case 'blob':
      return new Blob([bytes]);
    case 'none':
      return undefined;
  }
}
