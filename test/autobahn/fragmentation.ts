// Groups 5 and 10: fragmented messages, whole and broken, with control frames among the fragments (§5.4).

import {
  type Case,
  CONTINUATION,
  cut,
  fragments,
  normal,
  PING,
  PONG,
  pong,
  refused,
  send,
  TEXT,
  text,
} from './case.ts';

const TWO = fragments(TEXT, ['fragment1', 'fragment2']);
const ASIDE = { opcode: PING, payload: 'ping payload' };
const CHOPS = [
  ['whole', 'in one piece', ''],
  ['frame', 'frame by frame', ''],
  [1, 'octet by octet', ' [6455-6.2-a]'],
] as const;

/** Group 5. */
export const FRAGMENTATION_CASES: Case[] = [
  refused('5.1', '[6455-5.5-b]', 'a ping in two fragments', [
    send(fragments(PING, ['fragment1', 'fragment2'])),
  ]),
  refused('5.2', '[6455-5.5-b]', 'a pong in two fragments', [
    send(fragments(PONG, ['fragment1', 'fragment2'])),
  ]),
  ...CHOPS.map(([chop, how, row], i) =>
    normal(
      `5.${3 + i}`,
      `[6455-5.4-b] [6455-5.4-i]${row}`,
      `a text message in two fragments, ${how}`,
      [send(TWO, chop)],
      [text('fragment1fragment2')],
    ),
  ),
  ...CHOPS.map(([chop, how, row], i) =>
    normal(
      `5.${6 + i}`,
      `[6455-5.4-g] [6455-6.2-e]${row}`,
      `a ping between two fragments, ${how}`,
      [send([TWO[0], ASIDE, TWO[1]], chop)],
      [pong('ping payload'), text('fragment1fragment2')],
    ),
  ),
  ...strayContinuation(9, true),
  ...strayContinuation(12, false),
  refused(
    '5.15',
    '[6455-5.4-k]',
    'a message in two fragments, then a continuation of nothing, then text',
    [
      send([
        ...TWO,
        { opcode: CONTINUATION, fin: false, payload: 'fragment3' },
        { opcode: TEXT, payload: 'fragment4' },
      ]),
    ],
    [text('fragment1fragment2')],
  ),
  ...[false, true].map((fin, i) => {
    const stray = { opcode: CONTINUATION, fin, payload: 'fragment1' };
    const once = [stray, ...fragments(TEXT, ['fragment2', 'fragment3'])];
    const title = `twice: a ${fin ? 'final ' : ''}continuation of nothing, then a whole message`;
    return refused(`5.${16 + i}`, '[6455-5.4-k]', title, [send([...once, ...once])]);
  }),
  refused('5.18', '[6455-5.4-f]', 'a second text frame where a continuation belongs', [
    send([TWO[0], { opcode: TEXT, payload: 'fragment2' }]),
  ]),
  ...(['whole', 'frame'] as const).map((chop, i) => slowMessage(`5.${19 + i}`, chop)),
];

function strayContinuation(first: number, fin: boolean): Case[] {
  const stray = { opcode: CONTINUATION, fin, payload: 'non-continuation payload' };
  return CHOPS.map(([chop, how], i) =>
    refused(
      `5.${first + i}`,
      '[6455-5.4-k]',
      `a ${fin ? 'final ' : ''}continuation of nothing, then text, ${how}`,
      [send([stray, { opcode: TEXT, payload: 'Hello, world!' }], chop)],
    ),
  );
}

/** Five fragments with two pings among them; the first pong has to come before the third fragment leaves. */
function slowMessage(number: string, chop: 'whole' | 'frame'): Case {
  const parts = [1, 2, 3, 4, 5].map((n) => `fragment${n}`);
  const frames = fragments(TEXT, parts);
  const asides = ['pongme 1!', 'pongme 2!'].map((payload) => ({ opcode: PING, payload }));
  return normal(
    number,
    '[6455-5.4-g] [6455-6.2-e]',
    `a message of five fragments with two pings among them${chop === 'frame' ? ', frame by frame' : ''}`,
    [
      send([frames[0], frames[1], asides[0]], chop),
      { do: 'events', count: 1 },
      { do: 'quiet' },
      send([frames[2], frames[3], asides[1], frames[4]], chop),
    ],
    [pong('pongme 1!'), pong('pongme 2!'), text(parts.join(''))],
  );
}

// 50 frames of 1300 octets and one of 536.
const STARS = Buffer.alloc(65536, '*');

/** Group 10. */
export const AUTO_FRAGMENTED = normal(
  '10.1.1',
  '[6455-5.4-b] [6455-5.4-i]',
  'a text message of 65536 octets in 51 fragments',
  [send(fragments(TEXT, cut(STARS, 1300)))],
  [text(STARS)],
);
