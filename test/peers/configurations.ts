// Configurations: what two ends may want of permessage-deflate, each parameter by itself, and what
// they have to agree on then (RFC 7692 §7.1). Knows nothing of who the ends are.

import type { DeflateWishes } from './api.ts';

/** One configuration: what the ends want, and what they have to agree on. */
export interface Configuration {
  readonly title: string;
  readonly client?: DeflateWishes;
  readonly server?: DeflateWishes;
  /** Messages of 1 MiB instead of 64 KiB. */
  readonly large?: true;
  /** The parameters of the answer. */
  readonly agreed: string;
  /** The requirement rows that this pins when the subject is the server. */
  readonly asServer?: string;
  /** The same when the subject is the client. */
  readonly asClient?: string;
  /** For both, where the peer compresses. */
  readonly receiving?: string;
}

const bits = [8, 9, 10, 11, 12, 13, 14, 15];
const someBits = [8, 10, 15];

/** Every parameter, asked for by the client or demanded by the server. */
export const configurations: readonly Configuration[] = [
  {
    title: 'no parameter: windows of 32 KiB',
    large: true,
    agreed: '',
    asClient: '[7692-7.1.2.1-d]',
    receiving: '[7692-7.2.2-c] [7692-7.2.2-e] [7692-6-k]',
  },
  {
    title: 'client without client_max_window_bits',
    client: { clientMaxWindowBits: false },
    agreed: '',
    asServer: '[7692-7.1.2.2-f]',
  },
  {
    title: 'client asks for server_no_context_takeover',
    client: { serverNoContextTakeover: true },
    agreed: 'server_no_context_takeover',
    asServer: '[7692-7.1.1.1-b] [7692-7.1.1.1-c] [7692-7.2.1-g]',
    asClient: '[7692-7.1.1.1-a]',
  },
  {
    title: 'client announces client_no_context_takeover',
    client: { clientNoContextTakeover: true },
    agreed: 'client_no_context_takeover',
    asClient: '[7692-7.1.1.2-a] [7692-7.1.1.2-d] [7692-7.2.1-f]',
  },
  {
    title: 'server says server_no_context_takeover unasked',
    server: { serverNoContextTakeover: true },
    agreed: 'server_no_context_takeover',
    asServer: '[7692-7.1.1.1-d] [7692-7.2.1-g]',
  },
  {
    title: 'server demands client_no_context_takeover unasked',
    server: { clientNoContextTakeover: true },
    agreed: 'client_no_context_takeover',
    asServer: '[7692-7.1.1.2-b]',
    asClient: '[7692-7.1.1.2-c] [7692-7.2.1-f]',
  },
  ...bits.map((w) => ({
    title: `client asks for server_max_window_bits=${w}`,
    client: { serverMaxWindowBits: w },
    agreed: `server_max_window_bits=${w}`,
    asServer: w < 15 ? '[7692-7.1.2.1-b] [7692-7.2.1-j]' : '[7692-7.1.2.1-b]',
    asClient: '[7692-7.1.2.1-a]',
  })),
  ...someBits.map((w) => ({
    title: `server says server_max_window_bits=${w} unasked`,
    server: { serverMaxWindowBits: w },
    agreed: `server_max_window_bits=${w}`,
    asServer: w < 15 ? '[7692-7.1.2.1-c] [7692-7.2.1-j]' : '[7692-7.1.2.1-c]',
  })),
  ...bits.map((w) => ({
    title: `server demands client_max_window_bits=${w}, offered without a value`,
    server: { clientMaxWindowBits: w },
    agreed: `client_max_window_bits=${w}`,
    asServer: '[7692-7.1.2.2-c]',
    asClient: w < 15 ? '[7692-7.1.2.2-b] [7692-7.2.1-i]' : '[7692-7.1.2.2-b]',
  })),
  ...someBits.map((w) => ({
    title: `client promises client_max_window_bits=${w}`,
    client: { clientMaxWindowBits: w },
    agreed: `client_max_window_bits=${w}`,
    asClient: w < 15 ? '[7692-7.1.2.2-a] [7692-7.2.1-i]' : '[7692-7.1.2.2-a]',
  })),
  {
    title: 'all four, and the server lowers what the client allows',
    client: {
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: 12,
      clientMaxWindowBits: 13,
    },
    server: { serverMaxWindowBits: 10, clientMaxWindowBits: 11 },
    agreed:
      'server_no_context_takeover; client_no_context_takeover; ' +
      'server_max_window_bits=10; client_max_window_bits=11',
    asServer: '[7692-7.1.2.1-b] [7692-7.1.2.2-c] [7692-7.2.1-g] [7692-7.2.1-j]',
    asClient: '[7692-7.2.1-f] [7692-7.2.1-i]',
  },
];

/** Those that are about what is kept between messages, and not about windows. */
export const takeovers = configurations.filter(({ agreed }) => !agreed.includes('bits'));

/** Those in which only the server wants something: for clients whose offer cannot be chosen. */
export const demands = configurations.filter(({ client }) => client === undefined);
