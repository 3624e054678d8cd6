// Group 6: text messages, valid and not (§5.6, §8.1, RFC 3629). The sequences are those of Markus
// Kuhn's decoder stress test, in the order in which the case numbers count them.

import {
  type Case,
  CONTINUATION,
  cut,
  failing,
  fragments,
  NORMAL,
  type Step,
  send,
  TEXT,
  text,
} from './case.ts';

const KOSME = bytes('ce ba e1 bd b9 cf 83 ce bc ce b5');
const GREETING = 'Hello-µ@ßöäüàá-UTF-8!!';
// U+D800 between valid text: octet 13, the a0, is the impossible one.
const SURROGATE = Buffer.concat([KOSME, bytes('ed a0 80'), Buffer.from('edited')]);
// U+110000 between valid text: again octet 13, here the 90, is the impossible one.
const TOO_HIGH = Buffer.concat([KOSME, bytes('f4 90 80 80'), Buffer.from('edited')]);

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

function echoed(number: string, rows: string, title: string, steps: Step[], payload: string): Case {
  return { number, rows, title, steps, events: [text(payload)], ending: NORMAL };
}

function refused(number: string, rows: string, title: string, steps: Step[]): Case {
  return { number, rows, title, steps, events: [], ending: failing(1007) };
}

const EMPTY_FRAGMENTS: Case[] = [
  echoed('6.1.1', '[6455-5.2-k]', 'an empty text message', [send([{ opcode: TEXT }])], ''),
  echoed(
    '6.1.2',
    '[6455-5.4-n]',
    'a text message of three empty fragments',
    [send(fragments(TEXT, ['', '', '']))],
    '',
  ),
  echoed(
    '6.1.3',
    '[6455-5.4-b]',
    'a text message of three fragments, only the middle one with content',
    [send(fragments(TEXT, ['', 'middle frame payload', '']))],
    'middle frame payload',
  ),
];

const FRAGMENTED: Case[] = [
  echoed(
    '6.2.1',
    '[6455-5.6-a]',
    'valid UTF-8 in one frame',
    [send([{ opcode: TEXT, payload: GREETING }])],
    GREETING,
  ),
  echoed(
    '6.2.2',
    '[6455-5.6-a]',
    'valid UTF-8 in two fragments, cut between code points',
    [send(fragments(TEXT, [GREETING.slice(0, 11), GREETING.slice(11)]))],
    GREETING,
  ),
  echoed(
    '6.2.3',
    '[6455-5.6-a] [6455-8.1-f]',
    'valid UTF-8 in fragments of one octet, cut within code points',
    [send(fragments(TEXT, cut(Buffer.from(GREETING), 1)))],
    GREETING,
  ),
  echoed(
    '6.2.4',
    '[6455-5.6-a] [6455-8.1-f]',
    'valid Greek text in fragments of one octet, cut within code points',
    [send(fragments(TEXT, cut(KOSME, 1)))],
    KOSME.toString(),
  ),
  refused('6.3.1', '[6455-8.1-b] [6455-8.1-c]', 'a surrogate in an unfragmented message', [
    send([{ opcode: TEXT, payload: SURROGATE }]),
  ]),
  refused('6.3.2', '[6455-8.1-b] [6455-8.1-f]', 'a surrogate in fragments of one octet', [
    send(fragments(TEXT, cut(SURROGATE, 1))),
  ]),
];

// Autobahn would call an end only after the third part "non-strict"; here it is a failure.
const FAIL_FAST: Case[] = [
  failFast('6.4.1', 'fails on the fragment with a code point above U+10FFFF', 11, 15, true),
  failFast('6.4.2', 'fails on the fragment with the first impossible octet', 12, 13, true),
  failFast('6.4.3', 'fails inside a frame, on the part with a code point too high', 11, 15, false),
  failFast('6.4.4', 'fails inside a frame, on the first impossible octet', 12, 13, false),
];

/** The payload in three parts, cut at `first` and `second`: accepted, fatal, and never reached. */
function failFast(
  number: string,
  title: string,
  first: number,
  second: number,
  fragmented: boolean,
): Case {
  const whole = { opcode: TEXT, payload: TOO_HIGH };
  const part = (start: number, end: number): Step =>
    fragmented
      ? send([
          {
            opcode: start === 0 ? TEXT : CONTINUATION,
            fin: end === TOO_HIGH.length,
            payload: TOO_HIGH.subarray(start, end),
          },
        ])
      : { do: 'piece', frame: whole, start, end };
  return refused(number, '[6455-8.1-e] [6455-8.1-f]', title, [
    part(0, first),
    { do: 'quiet' },
    part(first, second),
    { do: 'failure' },
    part(second, TOO_HIGH.length),
  ]);
}

/** A title and its sequences in order; a leading '+' marks valid UTF-8. */
type Section = [title: string, rows: string, sequences: string[]];

const hello = (hex: string) => `+ 68 65 6c 6c 6f ${hex} 77 6f 72 6c 64`;
const INVALID = '[6455-8.1-b] [6455-8.1-c]';
const VALID = '[6455-5.6-a]';
const UNUSUAL = '[6455-5.6-a] [6455-8.1-d]';
// Sequences outside the section of non-characters that the row on unusual but valid text names.
const NAMED = ['00', 'ef bf be', 'ef bf bf', 'f4 8f bf bf', 'ed 9f bf', 'ee 80 80'];
const TRUNCATED = [
  ...['c0', 'e0 80', 'f0 80 80', 'f8 80 80 80', 'fc 80 80 80 80'],
  ...['df', 'ef bf', 'f7 bf bf', 'fb bf bf bf', 'fd bf bf bf bf'],
];

const SECTIONS: Section[] = [
  [
    'some valid sequences',
    VALID,
    [hello('24'), hello('c2 a2'), hello('e2 82 ac'), hello('f0 a4 ad a2'), `+ ${hex(KOSME)}`],
  ],
  ['a prefix of a valid text', INVALID, prefixes()],
  ['first sequence of its length', VALID, ['+ 00', '+ c2 80', '+ e0 a0 80', '+ f0 90 80 80']],
  ['first sequence of five or six octets', INVALID, ['f8 88 80 80 80', 'fc 84 80 80 80 80']],
  ['last sequence of its length', VALID, ['+ 7f', '+ df bf', '+ ef bf bf', '+ f4 8f bf bf']],
  [
    'last sequence of four, five or six octets',
    INVALID,
    ['f7 bf bf bf', 'fb bf bf bf bf', 'fd bf bf bf bf bf'],
  ],
  [
    'other boundaries',
    VALID,
    ['+ ed 9f bf', '+ ee 80 80', '+ ef bf bd', '+ f4 8f bf bf', 'f4 90 80 80'],
  ],
  [
    'unexpected continuation octets',
    INVALID,
    [
      ...['80', 'bf', '80 bf', '80 bf 80', '80 bf 80 bf', '80 bf 80 bf 80', '80 bf 80 bf 80 bf'],
      range(0x80, 0xbe).join(' '),
    ],
  ],
  [
    'start octets followed by spaces',
    INVALID,
    [
      lonely(0xc0, 0xde),
      lonely(0xe0, 0xee),
      lonely(0xf0, 0xf6),
      lonely(0xf8, 0xfa),
      lonely(0xfc, 0xfc),
    ],
  ],
  ['last continuation octet missing', INVALID, TRUNCATED],
  ['incomplete sequences in a row', INVALID, [TRUNCATED.join(' ')]],
  ['impossible octets', INVALID, ['fe', 'ff', 'fe fe ff ff']],
  [
    'an overlong solidus',
    INVALID,
    ['c0 af', 'e0 80 af', 'f0 80 80 af', 'f8 80 80 80 af', 'fc 80 80 80 80 af'],
  ],
  [
    'highest overlong sequence of its length',
    INVALID,
    ['c1 bf', 'e0 9f bf', 'f0 8f bf bf', 'f8 87 bf bf bf', 'fc 83 bf bf bf bf'],
  ],
  [
    'an overlong NUL',
    INVALID,
    ['c0 80', 'e0 80 80', 'f0 80 80 80', 'f8 80 80 80 80', 'fc 80 80 80 80 80'],
  ],
  [
    'a single surrogate',
    INVALID,
    ['a0 80', 'ad bf', 'ae 80', 'af bf', 'b0 80', 'be 80', 'bf bf'].map((low) => `ed ${low}`),
  ],
  [
    'a pair of surrogates',
    INVALID,
    ['a0 80', 'ad bf', 'ae 80', 'af bf'].flatMap((high) => [
      `ed ${high} ed b0 80`,
      `ed ${high} ed bf bf`,
    ]),
  ],
  ['a non-character', UNUSUAL, nonCharacters()],
  ['a special', VALID, range(0xb9, 0xbf).map((last) => `+ ef bf ${last}`)],
];

function hex(octets: Buffer): string {
  return octets.toString('hex').replace(/..(?=.)/g, '$& ');
}

/** Hex of the octets from `first` to `last`, both included. */
function range(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i).toString(16));
}

function lonely(first: number, last: number): string {
  return range(first, last)
    .map((octet) => `${octet} 20`)
    .join(' ');
}

/** The Greek word has code points of 2, 3, 2, 2 and 2 octets: only these prefixes are whole. */
function prefixes(): string[] {
  const whole = [2, 5, 7, 9, 11];
  return Array.from(KOSME, (_, i) => i + 1).map(
    (n) => `${whole.includes(n) ? '+ ' : ''}${hex(KOSME.subarray(0, n))}`,
  );
}

/** U+FFFE and U+FFFF, then the last two code points of each further plane, in order of their octets. */
function nonCharacters(): string[] {
  const planes = ['f0 9f', 'f0 af', 'f0 bf'];
  for (const lead of ['f1', 'f2', 'f3']) {
    for (const second of ['8f', '9f', 'af', 'bf']) planes.push(`${lead} ${second}`);
  }
  planes.push('f4 8f');
  const ends = ['+ ef bf be', '+ ef bf bf'];
  for (const plane of planes) ends.push(`+ ${plane} bf be`, `+ ${plane} bf bf`);
  return ends;
}

/** Sections count from 6.5, sequences within from 1. */
function sectionCases([title, rows, sequences]: Section, index: number): Case[] {
  return sequences.map((sequence, i) => {
    const number = `6.${index + 5}.${i + 1}`;
    const payload = bytes(sequence.replace('+', ''));
    const isValid = sequence.startsWith('+');
    const shown = `${title}: ${payload.toString('hex').slice(0, 24)}`;
    const steps = [send([{ opcode: TEXT, payload }])];
    if (!isValid) return refused(number, INVALID, `refuses ${shown}`, steps);
    const validRows = rows === UNUSUAL || NAMED.includes(hex(payload)) ? UNUSUAL : VALID;
    return { ...echoed(number, validRows, `takes ${shown}`, steps, ''), events: [text(payload)] };
  });
}

export const UTF8_CASES: Case[] = [
  ...EMPTY_FRAGMENTS,
  ...FRAGMENTED,
  ...FAIL_FAST,
  ...SECTIONS.flatMap(sectionCases),
];
