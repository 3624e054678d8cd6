// Groups 1 to 4: frames of every length, pings and pongs, reserved bits, reserved opcodes (§5.2, §5.5).

import {
  BINARY,
  type Case,
  close,
  normal,
  PING,
  PONG,
  pong,
  refused,
  send,
  TEXT,
  text,
} from './case.ts';

const HELLO = 'Hello, world!';
const NOT_TEXT = Buffer.from([0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff]);

// Group 1: every length form at its borders, for text and for binary messages (§5.2).
const LENGTHS = [0, 125, 126, 127, 128, 65535, 65536];

function framing(subgroup: number, kind: 'text' | 'binary', octet: number): Case[] {
  const opcode = kind === 'text' ? TEXT : BINARY;
  const rows = '[6455-5.2-l] [6455-5.2-m]';
  const roleRows = {
    serverRows: '[6455-5.1-e] [6455-6.2-b]',
    clientRows: '[6455-5.1-b] [6455-6.1-e]',
  };
  const cases = LENGTHS.map((length, i): Case => {
    const payload = Buffer.alloc(length, octet);
    const steps = [send([{ opcode, payload }])];
    const title = `a ${kind} message of ${length} octets`;
    const own = length === 0 ? '[6455-5.2-k]' : rows;
    const all = kind === 'binary' && length > 0 ? `${own} [6455-5.6-b]` : own;
    return {
      ...normal(`1.${subgroup}.${i + 1}`, all, title, steps, [{ kind, payload }]),
      ...roleRows,
    };
  });
  const payload = Buffer.alloc(65536, octet);
  const chopped = [send([{ opcode, payload }], 997)];
  const title = `a ${kind} message of 65536 octets in pieces of 997`;
  return [...cases, normal(`1.${subgroup}.8`, '[6455-6.2-a]', title, chopped, [{ kind, payload }])];
}

// Group 2 (§5.5.2, §5.5.3).
const LONGEST_PING = Buffer.alloc(125, 0xfe);
const TEN = Array.from({ length: 10 }, (_, i) => `payload-${i}`);
const UNSOLICITED = { opcode: PONG, payload: 'unsolicited pong payload' };

function ping(number: string, title: string, payloads: (Buffer | string)[], chop?: number): Case {
  const rows = '[6455-5.5.2-b] [6455-5.5.3-a]';
  const frames = payloads.map((payload) => ({ opcode: PING, payload }));
  const steps = [send(frames, chop ?? 'whole')];
  const all = chop === undefined ? rows : `${rows} [6455-6.2-a]`;
  return normal(number, all, title, steps, payloads.map(pong));
}

const PINGS: Case[] = [
  ping('2.1', 'an empty ping', ['']),
  ping('2.2', 'a ping with text', [HELLO]),
  ping('2.3', 'a ping with octets that are not UTF-8', [NOT_TEXT]),
  ping('2.4', 'a ping of 125 octets', [LONGEST_PING]),
  refused('2.5', '[6455-5.5-a]', 'a ping of 126 octets', [
    send([{ opcode: PING, payload: Buffer.alloc(126, 0xfe) }]),
  ]),
  ping('2.6', 'a ping of 125 octets, octet by octet', [LONGEST_PING], 1),
  normal('2.7', '[6455-5.5.3-d]', 'an empty pong that nobody asked for, then Close', [
    send([{ opcode: PONG }, close(1000)]),
  ]),
  normal('2.8', '[6455-5.5.3-d]', 'a pong with payload that nobody asked for, then Close', [
    send([UNSOLICITED, close(1000)]),
  ]),
  normal(
    '2.9',
    '[6455-5.5.3-d] [6455-5.5.3-a]',
    'a pong that nobody asked for, then a ping',
    [send([UNSOLICITED, { opcode: PING, payload: 'ping payload' }])],
    [pong('ping payload')],
  ),
  // The RFC would let the last pong stand for all (§5.5.3); Autobahn asks for every one.
  { ...ping('2.10', 'ten pings', TEN), clientRows: '[6455-5.3-b]' },
  ping('2.11', 'ten pings, octet by octet', TEN, 1),
];

// Groups 3 and 4: reserved bits and opcodes (§5.2). The echo of the message before the forbidden
// frame is demanded; Autobahn would call its absence non-strict. No pong may follow.
const GREETING = { opcode: TEXT, payload: HELLO };
const RSV = '[6455-5.2-c]';
const OPCODE = '[6455-5.2-d]';

function afterGreeting(
  number: string,
  row: string,
  title: string,
  frame: { opcode: number; rsv?: number; payload?: string },
  chop: 'whole' | 'frame' | 1 = 'whole',
): Case {
  const steps = [send([GREETING, frame, { opcode: PING }], chop)];
  return refused(number, `${row} [6455-7.1.7-g]`, title, steps, [text(HELLO)]);
}

const RESERVED: Case[] = [
  refused('3.1', RSV, 'text with RSV3', [send([{ ...GREETING, rsv: 1 }])]),
  afterGreeting('3.2', RSV, 'echo, then text with RSV2', { ...GREETING, rsv: 2 }),
  afterGreeting(
    '3.3',
    RSV,
    'echo, then text with RSV2 and RSV3, frame by frame',
    { ...GREETING, rsv: 3 },
    'frame',
  ),
  afterGreeting(
    '3.4',
    RSV,
    'echo, then text with RSV1, octet by octet',
    { ...GREETING, rsv: 4 },
    1,
  ),
  refused('3.5', RSV, 'binary with RSV1 and RSV3', [
    send([{ opcode: BINARY, rsv: 5, payload: NOT_TEXT }]),
  ]),
  refused('3.6', RSV, 'ping with RSV1 and RSV2', [
    send([{ opcode: PING, rsv: 6, payload: HELLO }]),
  ]),
  refused('3.7', RSV, 'Close with all three reserved bits', [send([{ ...close(), rsv: 7 }])]),
];

/** 4.1 has the reserved data opcodes 3–7, 4.2 the reserved control opcodes 11–15, alike in form. */
function reservedOpcodes(subgroup: number, first: number): Case[] {
  const number = (i: number) => `4.${subgroup}.${i}`;
  const payload = 'reserved opcode payload';
  const later = (i: number) => `echo, then opcode ${first + i - 1}`;
  return [
    refused(number(1), OPCODE, `opcode ${first}, empty`, [send([{ opcode: first }])]),
    refused(number(2), OPCODE, `opcode ${first + 1} with payload`, [
      send([{ opcode: first + 1, payload }]),
    ]),
    afterGreeting(number(3), OPCODE, `${later(3)}, empty`, { opcode: first + 2 }),
    afterGreeting(number(4), OPCODE, later(4), { opcode: first + 3, payload: HELLO }),
    afterGreeting(
      number(5),
      OPCODE,
      `${later(5)}, octet by octet`,
      { opcode: first + 4, payload: HELLO },
      1,
    ),
  ];
}

export const FRAMING_CASES: Case[] = [
  ...framing(1, 'text', 0x2a),
  ...framing(2, 'binary', 0xfe),
  ...PINGS,
  ...RESERVED,
  ...reservedOpcodes(1, 3),
  ...reservedOpcodes(2, 11),
];
