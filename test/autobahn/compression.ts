// Groups 12 and 13: permessage-deflate (RFC 7692) with different contents and with different
// parameters, 18 lengths each. The well-known suite sends 1000 messages in each case; here it is as
// many as make up 64 KiB, at least 2 and at most 16: all but the short ones fill every window.

import { CONTENTS, type Content, JSON_FILE } from './contents.ts';

export interface CompressionCase {
  /** The well-known number, such as '12.1.1'. */
  readonly number: string;
  /** Requirement rows that the case pins for both roles, in brackets, and for one of them. */
  readonly rows: string;
  readonly serverRows: string;
  readonly clientRows: string;
  readonly title: string;
  readonly content: Content;
  /** Bytes in each message. */
  readonly length: number;
  readonly count: number;
  /** Payload bytes of each frame; 0: one frame for a message. */
  readonly fragment: number;
  /** What the tester offers to a server. */
  readonly offer: string;
  /** What the tester answers to a client, which offers what it does by default. */
  readonly answer: string;
}

const SIZES: readonly (readonly [length: number, fragment: number])[] = [
  ...([16, 64, 256, 1024, 4096, 8192, 16_384, 32_768, 65_536, 131_072] as const).map(
    (length) => [length, 0] as const,
  ),
  ...([8192, 16_384, 32_768, 65_536, 131_072] as const).map((length) => [length, 256] as const),
  ...([1024, 4096, 32_768] as const).map((fragment) => [131_072, fragment] as const),
];

const NAME = 'permessage-deflate';
const MOST = 16;

interface Parameters {
  readonly offer: string;
  readonly answer: string;
  readonly serverRows: string;
  readonly clientRows: string;
  /** Logarithm of the window agreed on for the tested side. */
  readonly bits: number;
}

// The suite's default offer gives the client's window up after each message. That of browsers, which
// is taken here, keeps it, so that both windows are kept in both directions.
const DEFAULT: Parameters = {
  offer: `${NAME}; client_max_window_bits`,
  answer: NAME,
  ...{ serverRows: '', clientRows: '', bits: 15 },
};

/** What the suite's offers all begin with: the client can do without a window, and with a smaller one. */
const ABLE = `${NAME}; client_no_context_takeover; client_max_window_bits`;
const FORGET_ROWS = {
  serverRows: '[7692-7.2.1-g] [7692-7.1.1.1-b]',
  clientRows: '[7692-7.2.1-f] [7692-7.1.1.2-c]',
};
const BITS_ROWS = { serverRows: '[7692-7.1.2.1-b]', clientRows: '' };
const ALL_ROWS = {
  serverRows: `${FORGET_ROWS.serverRows} ${BITS_ROWS.serverRows}`,
  clientRows: FORGET_ROWS.clientRows,
};

/** What each side demands of the other, by subgroup of group 13. Windows of 9 bits are the smallest zlib has. */
const PARAMETERS: readonly Parameters[] = [
  { offer: ABLE, answer: NAME, serverRows: '', clientRows: '', bits: 15 },
  {
    offer: `${ABLE}; server_no_context_takeover`,
    answer: `${NAME}; client_no_context_takeover`,
    ...{ ...FORGET_ROWS, bits: 15 },
  },
  {
    offer: `${ABLE}; server_max_window_bits=9`,
    answer: `${NAME}; client_max_window_bits=9`,
    ...{ ...BITS_ROWS, bits: 9 },
  },
  {
    offer: `${ABLE}; server_max_window_bits=15`,
    answer: `${NAME}; client_max_window_bits=15`,
    ...{ ...BITS_ROWS, bits: 15 },
  },
  {
    offer: `${ABLE}; server_no_context_takeover; server_max_window_bits=9`,
    answer: `${NAME}; client_no_context_takeover; client_max_window_bits=9`,
    ...{ ...ALL_ROWS, bits: 9 },
  },
  {
    offer: `${ABLE}; server_no_context_takeover; server_max_window_bits=15`,
    answer: `${NAME}; client_no_context_takeover; client_max_window_bits=15`,
    ...{ ...ALL_ROWS, bits: 15 },
  },
  {
    offer: [
      `${ABLE}; server_no_context_takeover; server_max_window_bits=9`,
      `${ABLE}; server_no_context_takeover`,
      ABLE,
    ].join(', '),
    answer: `${NAME}; client_no_context_takeover; client_max_window_bits=9`,
    serverRows: `[7692-5-c] ${ALL_ROWS.serverRows}`,
    ...{ clientRows: ALL_ROWS.clientRows, bits: 9 },
  },
];

function subgroup(prefix: string, content: Content, parameters: Parameters): CompressionCase[] {
  return SIZES.map(([length, fragment], i) => {
    const count = Math.min(MOST, Math.max(2, Math.floor(65_536 / length)));
    const pieces = fragment > 0 ? `, ${fragment} in a frame` : '';
    // Only what is longer than the window could break it.
    const fits = length * count <= 2 * 2 ** parameters.bits || parameters.bits === 15;
    const own = (rows: string, bitsRow: string) => `${rows} ${fits ? '' : bitsRow}`.trim();
    return {
      number: `${prefix}.${i + 1}`,
      rows: `[7692-7.2.1-a] [7692-7.2.2-a]${fragment > 0 ? ' [7692-6-j]' : ''}`,
      serverRows: own(parameters.serverRows, '[7692-7.2.1-j]'),
      clientRows: own(parameters.clientRows, '[7692-7.2.1-i]'),
      title: `${count} messages of ${length} octets of ${content.name}${pieces}`,
      ...{ content, length, count, fragment },
      ...{ offer: parameters.offer, answer: parameters.answer },
    };
  });
}

/** All cases, in the order of their numbers. */
export const COMPRESSION_CASES: readonly CompressionCase[] = [
  ...CONTENTS.flatMap((content, i) => {
    // What cannot be compressed refers to nothing, so that nobody has to remember anything.
    const rows = content.compressible ? '[7692-7.2.2-c]' : '';
    const parameters = { ...DEFAULT, serverRows: rows, clientRows: rows };
    return subgroup(`12.${i + 1}`, content, parameters);
  }),
  ...PARAMETERS.flatMap((parameters, i) => subgroup(`13.${i + 1}`, JSON_FILE, parameters)),
];
