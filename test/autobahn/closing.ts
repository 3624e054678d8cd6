// Group 7: the closing handshake, begun by the tester (§5.5.1, §7).

import type { FrameSpec } from '../support/wire.ts';
import {
  type Case,
  CLOSE,
  close,
  type Event,
  fragments,
  PING,
  type Step,
  send,
  TEXT,
  text,
} from './case.ts';

const TWO = fragments(TEXT, ['fragment1', 'fragment2']);
const ENDS = { serverRows: '[6455-5.5.1-m]', clientRows: '[6455-5.5.1-f]' };

/** The tester's Close comes first and is sound; `code` is what the answer must carry. */
function answered(
  number: string,
  rows: string,
  title: string,
  steps: Step[],
  code: number | undefined,
  events: Event[] = [],
): Case {
  return {
    ...{ number, rows, title, steps, events, ...ENDS },
    ending: { by: 'tester', code, clean: true },
  };
}

/** The tester's Close comes first and breaks a rule. Autobahn would also take a dropped connection. */
function condemned(
  number: string,
  rows: string,
  title: string,
  frame: FrameSpec,
  code = 1002,
): Case {
  return {
    ...{ number, rows, title, steps: [send([frame])], events: [] },
    ending: { by: 'tester', code, clean: false },
  };
}

const ANSWER = '[6455-5.5.1-h] [6455-5.5.1-k]';
const LONG_TEXT = 'BAsd7&jh23'.repeat(26215).slice(0, 256 * 1024);

export const CLOSING_CASES: Case[] = [
  answered(
    '7.1.1',
    ANSWER,
    'a message, then Close',
    [
      send([{ opcode: TEXT, payload: 'Hello World!' }]),
      { do: 'events', count: 1 },
      send([close(1000)]),
    ],
    1000,
    [text('Hello World!')],
  ),
  answered(
    '7.1.2',
    '[6455-7.1.1-d]',
    'a second Close is ignored',
    [send([close(1000), close()])],
    1000,
  ),
  answered(
    '7.1.3',
    '[6455-7.1.1-d]',
    'a ping after Close gets no pong',
    [send([close(1000), { opcode: PING }])],
    1000,
  ),
  answered(
    '7.1.4',
    '[6455-7.1.1-d]',
    'a message after Close is ignored',
    [send([close(1000), { opcode: TEXT, payload: 'Hello World!' }])],
    1000,
  ),
  answered(
    '7.1.5',
    '[6455-5.5.1-q] [6455-7.1.1-d]',
    'Close in the middle of a fragmented message',
    [send([TWO[0], close(1000), TWO[1]])],
    1000,
  ),
  // Informational for Autobahn. An echo is queued before the Close is read, so it goes out first.
  answered(
    '7.1.6',
    '[6455-6.1-f] [6455-7.1.1-d]',
    '256 KiB of text, a short text, Close and a ping, all at once',
    [
      send([
        { opcode: TEXT, payload: LONG_TEXT },
        { opcode: TEXT, payload: 'Hello World!' },
        close(1000),
        { opcode: PING },
      ]),
    ],
    1000,
    [text(LONG_TEXT), text('Hello World!')],
  ),
  // Autobahn also takes 1000 as the answer.
  answered('7.3.1', ANSWER, 'Close without a body', [send([close()])], undefined),
  condemned('7.3.2', '[6455-5.5.1-c]', 'Close with a body of one octet', {
    opcode: CLOSE,
    payload: 'a',
  }),
  answered('7.3.3', ANSWER, 'Close with a code', [send([close(1000)])], 1000),
  answered(
    '7.3.4',
    ANSWER,
    'Close with a code and a reason',
    [send([close(1000, 'Hello World!')])],
    1000,
  ),
  answered(
    '7.3.5',
    ANSWER,
    'Close with the longest reason, 123 octets',
    [send([close(1000, '*'.repeat(123))])],
    1000,
  ),
  condemned(
    '7.3.6',
    '[6455-5.5-a]',
    'Close with a reason of 124 octets',
    close(1000, '*'.repeat(124)),
  ),
  // Autobahn also takes 1002.
  condemned(
    '7.5.1',
    '[6455-8.1-i]',
    'Close with a reason that is not UTF-8',
    close(1000, Buffer.from('cebae1bdb9cf83cebcceb5eda080656469746564', 'hex')),
    1007,
  ),
  // Autobahn also takes 1000 and a Close without a code; the code is to be repeated.
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map(
    (code, i) => {
      const row = code >= 4000 ? ' [6455-7.4.2-d]' : code >= 3000 ? ' [6455-7.4.2-c]' : '';
      return answered(
        `7.7.${i + 1}`,
        ANSWER + row,
        `Close with ${code}`,
        [send([close(code)])],
        code,
      );
    },
  ),
  ...[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999].map((code, i) =>
    condemned(`7.9.${i + 1}`, rowOfForbidden(code), `refuses Close with ${code}`, close(code)),
  ),
  // Informational for Autobahn; outside every range of §7.4.2.
  ...[5000, 65535].map((code, i) =>
    condemned(`7.13.${i + 1}`, '[6455-7.4.2-e]', `refuses Close with ${code}`, close(code)),
  ),
];

function rowOfForbidden(code: number): string {
  if (code < 1000) return '[6455-7.4.2-a]';
  if (code === 1004) return '[6455-7.4.1-d]';
  if (code === 1005) return '[6455-7.4.1-a]';
  if (code === 1006) return '[6455-7.4.1-b]';
  return '[6455-7.4.2-b]';
}
