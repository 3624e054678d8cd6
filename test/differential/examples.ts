// Scripts worth keeping: those that once showed a difference which was a fault of ours, and those that show
// what differs on purpose, each on both sides.

import type { Outcome } from './player.ts';
import { type PeerFrame, type Script, type Step, valid } from './script.ts';

const frame = (opcode: number, payload = '', rest: Partial<PeerFrame> = {}): PeerFrame => ({
  ...valid,
  opcode,
  payload,
  ...rest,
});

/** The peer sends frames in one chunk. */
const peer = (...frames: PeerFrame[]): Step => ({ peer: 'frames', frames, cuts: [] });

const quiet: Step = { wait: 'quiet' };

/** Once different, the same since. */
export const mended: Readonly<Record<string, readonly Step[]>> = {
  'what was sent before terminate() is handed to the transport': [
    { do: 'send', kind: 'text', length: 5, fin: true, cb: false },
    { do: 'ping', kind: 'buffer', length: 5, cb: false },
    { do: 'terminate' },
  ],
  'a paused socket that is lost is CLOSING before it tells what it still holds': [
    { do: 'pause' },
    peer(frame(9, 'ping'), frame(1, 'text')),
    { peer: 'reset' },
  ],
  'messages, Pings and Pongs keep their order when a paused socket is lost': [
    { do: 'pause' },
    peer(frame(1, 'first'), frame(9, 'ping'), frame(1, 'last'), frame(10, 'pong')),
    { peer: 'reset' },
  ],
  'what was paused arrives though resume() comes behind terminate()': [
    { do: 'pause' },
    peer(frame(1, 'text')),
    { do: 'terminate' },
    { do: 'resume' },
  ],
  'isPaused stays as it was when the connection closes': [{ do: 'pause' }, { do: 'terminate' }],
};

export interface Meant {
  readonly name: string;
  readonly role: Script['role'];
  readonly steps: readonly Step[];
  readonly ours: Partial<Outcome>;
  readonly theirs: Partial<Outcome>;
}

/** Different on purpose; docs/migrating-from-ws.md has the reasons. */
export const meant: readonly Meant[] = [
  {
    name: 'Padded lengths are refused',
    role: 'server',
    steps: [peer(frame(1, 'x', { padded: true }))],
    ours: {
      events: [
        'open (1)',
        'error WS_ERR_NON_MINIMAL_LENGTH Invalid WebSocket frame: payload length 1 is not in its shortest form (2)',
        'close 1006 buffer "" (3)',
      ],
      wire: ['fin 0 8 7 "\\u0003ê"', 'fin'],
    },
    theirs: { events: ['open (1)', 'message false buffer "x" (1)', 'close 1006 buffer "" (3)'] },
  },
  {
    name: 'Text fails at the first byte that is wrong',
    role: 'server',
    steps: [peer(frame(1, '\xff', { fin: false })), quiet],
    ours: { states: ['2 false nodebuffer   ', '2 false nodebuffer   ', '3 false nodebuffer   '] },
    theirs: {
      states: ['1 false nodebuffer   none', '1 false nodebuffer   none', '3 false nodebuffer   '],
    },
  },
  {
    name: 'A reason without a code goes with 1000',
    role: 'server',
    steps: [{ do: 'close', reason: 'done' }],
    ours: { wire: ['fin 0 8 7 "\\u0003èdone"'] },
    theirs: { wire: ['fin 0 8 7 ""'] },
  },
  {
    name: 'Pausing holds what has been read already',
    role: 'server',
    steps: [{ onMessage: { do: 'pause' } }, peer(frame(1, 'a'), frame(1, 'b')), { peer: 'reset' }],
    ours: {
      events: [
        ...['open (1)', 'message false buffer "a" (1)', 'message false buffer "b" (2)'],
        'close 1006 buffer "" (3)',
      ],
    },
    theirs: {
      events: [
        ...['open (1)', 'message false buffer "a" (1)', 'message false buffer "b" (1)'],
        'close 1006 buffer "" (3)',
      ],
    },
  },
  {
    name: 'A client leaves it to the server to end the transport',
    role: 'client',
    steps: [peer(frame(8))],
    ours: { wire: ['fin 0 8 masked 7 ""'] },
    theirs: { wire: ['fin 0 8 masked 7 ""', 'fin'] },
  },
  {
    name: 'Pings are answered until the Close of the peer comes',
    role: 'server',
    steps: [{ do: 'close' }, peer(frame(9, 'p'))],
    ours: { wire: ['fin 0 8 7 ""', 'fin 0 10 7 "p"'] },
    theirs: { wire: ['fin 0 8 7 ""'] },
  },
  {
    name: 'A fault is answered although the end of the transport came with it',
    role: 'client',
    steps: [{ do: 'pause' }, peer(frame(3)), { peer: 'end' }, { do: 'resume' }],
    ours: { wire: ['fin 0 8 masked 7 "\\u0003ê"', 'fin'] },
    theirs: { wire: ['fin'] },
  },
  {
    name: 'Pongs wait while the peer does not read',
    role: 'server',
    steps: [
      { onMessage: { do: 'frame', opcode: 2, length: 65_536, cb: false } },
      peer(frame(1), frame(9, 'p'), frame(3)),
    ],
    ours: { wire: ['fin 0 2 64 65536:"abcdefgh"', 'fin 0 8 7 "\\u0003ê"', 'fin'] },
    theirs: {
      wire: ['fin 0 2 64 65536:"abcdefgh"', 'fin 0 10 7 "p"', 'fin 0 8 7 "\\u0003ê"', 'fin'],
    },
  },
  {
    name: 'A write that was cut off is told as not written',
    role: 'server',
    steps: [{ do: 'send', kind: 'text', length: 1, fin: true, cb: true }, { do: 'terminate' }],
    ours: { callbacks: ['send 1 error'], wire: ['fin 0 1 7 "a"'] },
    theirs: { callbacks: ['send 1 ok'], wire: ['fin 0 1 7 "a"'] },
  },
  {
    name: 'Callbacks of a batch come together, those of what came too late before them',
    role: 'server',
    steps: [
      { do: 'send', kind: 'text', length: 1, fin: true, cb: true },
      { do: 'close' },
      { do: 'send', kind: 'text', length: 1, fin: true, cb: true },
    ],
    ours: { callbacks: ['send 2 error', 'send 1 ok'] },
    theirs: { callbacks: ['send 1 ok', 'send 2 error'] },
  },
];
