// The tester tested: a hand-made server that behaves passes, and one that breaks a single rule is
// caught by the case that is about that rule, with the right complaint.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  encodeClose,
  type FrameSpec,
  RawClient,
  type RawConnection,
  RawServer,
  type WireFrame,
} from '../support/wire.ts';
import { BINARY, CLOSE, close, PING, PONG, TEXT } from './case.ts';
import { CASES } from './cases.ts';
import { run } from './run.ts';

/** What a server does about one frame; after `end` it does nothing more. */
type Reply = { frames: FrameSpec[]; end?: boolean };
type Behaviour = (frame: WireFrame) => Reply;

/** Right as long as a message has one frame and valid text. */
const honest: Behaviour = ({ opcode, rsv, payload }) => {
  if (rsv !== 0) return { frames: [close(1002)], end: true };
  if (opcode === CLOSE) return { frames: [{ opcode, payload }], end: true };
  if (opcode === PING) return { frames: [{ opcode: PONG, payload }] };
  return { frames: opcode === PONG ? [] : [{ opcode, payload }] };
};

/** Honest except about frames with this opcode. */
const except =
  (opcode: number, other: Behaviour): Behaviour =>
  (frame) =>
    (frame.opcode === opcode ? other : honest)(frame);

/** Honest, but every frame it sends is changed. */
const always =
  (change: Partial<FrameSpec>): Behaviour =>
  (frame) => {
    const reply = honest(frame);
    return { ...reply, frames: reply.frames.map((spec) => ({ ...spec, ...change })) };
  };

const silent: Behaviour = () => ({ frames: [] });

const FAULTS: [fault: string, number: string, behaviour: Behaviour, complaint: RegExp][] = [
  ['masks as a server', '1.1.2', always({ mask: Buffer.from('abcd') }), /masked exactly/],
  ['sets a reserved bit', '1.1.2', always({ rsv: 4 }), /no reserved bit/],
  ['pads a length', '1.1.2', always({ length: 16 }), /shortest length form/],
  [
    'splits a pong',
    '2.2',
    except(PING, () => ({ frames: [{ opcode: PONG, fin: false }] })),
    /never fragmented/,
  ],
  [
    'echoes text as binary',
    '1.1.3',
    except(TEXT, ({ payload }) => ({ frames: [{ opcode: BINARY, payload }] })),
    /what came back/,
  ],
  [
    'changes the last octet of a long message',
    '1.2.7',
    except(BINARY, ({ opcode, payload }) => {
      payload[payload.length - 1] ^= 1;
      return { frames: [{ opcode, payload }] };
    }),
    /payload of event 0/,
  ],
  [
    'answers a ping with an empty pong',
    '2.2',
    except(PING, () => ({ frames: [{ opcode: PONG }] })),
    /what came back/,
  ],
  [
    'answers a pong',
    '2.8',
    except(PONG, ({ payload }) => ({ frames: [{ opcode: PONG, payload }] })),
    /what came back/,
  ],
  ['does not mind reserved bits', '3.1', (frame) => honest({ ...frame, rsv: 0 }), /nothing after/],
  [
    'fails with another code',
    '3.1',
    () => ({ frames: [close(1000)], end: true }),
    /code in the Close/,
  ],
  ['drops TCP instead of failing', '3.1', () => ({ frames: [], end: true }), /exactly one Close/],
  ['looks at text only when it is complete', '6.4.3', silent, /nothing after/],
  [
    'fails before anything is wrong',
    '6.4.1',
    () => ({ frames: [close(1007)], end: true }),
    /silence/,
  ],
  ['never answers Close', '7.3.3', silent, /nothing after/],
  ['never ends TCP', '7.3.3', (frame) => ({ frames: honest(frame).frames }), /nothing after/],
  [
    'answers every Close',
    '7.1.2',
    (frame) => ({ frames: honest(frame).frames }),
    /exactly one Close|nothing after/,
  ],
  [
    'answers a ping after Close',
    '7.1.3',
    (frame) => ({
      frames: [...honest(frame).frames, ...(frame.opcode === CLOSE ? [{ opcode: PONG }] : [])],
      end: true,
    }),
    /what came back|nothing after Close/,
  ],
  [
    'writes 1005 into a Close',
    '7.3.1',
    () => ({ frames: [{ opcode: CLOSE, payload: encodeClose(1005) }], end: true }),
    /code in the Close/,
  ],
  ['repeats a forbidden code', '7.9.4', honest, /code in the Close/],
];

describe.concurrent('the tester', () => {
  let server: RawServer;
  const behaviours = new Map<string, Behaviour>();

  beforeAll(async () => {
    server = await RawServer.listen();
    void (async () => {
      for (;;) {
        const connection = await server.accept(60_000).catch(() => undefined);
        if (connection === undefined) return;
        const name = connection.head.split(' ')[1];
        void serve(connection, behaviours.get(name) ?? honest);
      }
    })();
  });

  afterAll(() => server.close());

  /** Plays the case against a server that behaves like this. */
  async function play(path: string, number: string, behaviour: Behaviour): Promise<void> {
    behaviours.set(path, behaviour);
    const client = await RawClient.connect(server.port, { path });
    const entry = CASES.find((other) => other.number === number);
    if (entry === undefined) throw new Error(`no case ${number}`);
    try {
      await run(client, entry, 300);
    } finally {
      client.destroy();
    }
  }

  for (const number of [
    '1.1.1',
    '1.2.7',
    '2.2',
    '2.8',
    '2.11',
    '3.1',
    '6.2.1',
    '7.1.3',
    '7.3.1',
    '7.7.2',
  ]) {
    it(`lets a server that behaves pass ${number}`, () =>
      play(`/honest/${number}`, number, honest));
  }

  for (const [i, [fault, number, behaviour, complaint]] of FAULTS.entries()) {
    it(`catches in ${number} a server that ${fault}`, async () => {
      await expect(play(`/fault/${i}`, number, behaviour)).rejects.toThrow(complaint);
    });
  }
});

/** Runs a behaviour over a connection until it ends. */
async function serve(connection: RawConnection, behave: Behaviour): Promise<void> {
  for (;;) {
    const frame = await connection.nextFrame(1000).catch(() => undefined);
    if (frame === undefined) return;
    const { frames, end } = behave(frame);
    for (const spec of frames) await connection.sendFrame(spec);
    if (end) return connection.end();
  }
}
