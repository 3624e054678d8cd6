// Exchanges: what every pair of implementations is put through, one row of the table each. A row
// names the requirements it pins when the subject is the server, and when it is the client; it is
// left out where an end cannot do or show what it is about.

import { expect } from 'vitest';
import type { Feature, Message } from './conversation.ts';
import { credentials } from './service.ts';
import {
  closedByClient,
  closedByServer,
  converse,
  echoed,
  expectSame,
  open,
  type Pair,
  pattern,
  refused,
} from './talk.ts';

export interface Exchange {
  readonly title: string;
  /** The requirement rows that this pins when the subject is the server. */
  readonly server?: string;
  /** The same when the subject is the client. */
  readonly client?: string;
  readonly clientNeeds?: readonly Feature[];
  readonly serverNeeds?: readonly Feature[];
  /** Also run over TLS, where it tells something about that. */
  readonly secure?: true;
  /** Features whose presence in the client makes the exchange meaningless. */
  readonly not?: readonly Feature[];
  run(pair: Pair): Promise<void>;
}

const MiB = 1024 * 1024;
const bom = '\u{feff}';
const unicode = [
  'astral 𝒽𝒶𝓃𝒹𝒻𝒶𝓈𝓉 🤝🏽 \u{10ffff}',
  'edges \u{0} \u{7f} \u{80} \u{7ff} \u{800} \u{d7ff} \u{e000} \u{fffe} \u{ffff} \u{1fffe}',
  '中文 العربية ไทย e\u{301}',
];

/** Strings and Buffers in turn, of sizes that fill every form of the length field. */
const thousand = Array.from(
  { length: 1000 },
  (_, index): Message => (index % 2 === 0 ? `message ${index}` : pattern((index * 37) % 700)),
);

export const exchanges: readonly Exchange[] = [
  {
    title: 'text, there and back',
    secure: true,
    server: '[6455-5.1-a] [6455-6.2-b]',
    client: '[6455-5.1-a]',
    run: echoed(['hello', 'again']),
  },
  {
    title: 'binary, there and back',
    server: '[6455-6.2-b]',
    run: echoed([pattern(1000), Buffer.from([0]), Buffer.from([0xff, 0xfe])]),
  },
  {
    title: 'empty messages of either type',
    secure: true,
    run: echoed(['', Buffer.alloc(0), '', 'not empty', Buffer.alloc(0)]),
  },
  {
    title: 'lengths on both sides of each border of the length field',
    secure: true,
    server: '[6455-5.2-l]',
    client: '[6455-5.2-l]',
    run: echoed([1, 125, 126, 127, 65535, 65536].flatMap((n) => [pattern(n), 'x'.repeat(n)])),
  },
  {
    title: '1 MiB both ways, binary and text',
    secure: true,
    run: echoed([pattern(MiB), 'é'.repeat(MiB / 2)]),
  },
  {
    title: 'unicode: astral characters and the edges of UTF-8',
    server: '[6455-8.1-d]',
    client: '[6455-8.1-d]',
    run: echoed(unicode),
  },
  {
    title: 'a leading BOM is content',
    server: '[6455-8.1-g]',
    client: '[6455-8.1-g]',
    not: ['drops-bom'],
    run: echoed([`${bom}a BOM is content`, bom, `${bom}${bom}`]),
  },
  {
    title: 'a leading BOM reaches the server',
    server: '[6455-8.1-g]',
    run: (pair) =>
      converse(pair, '/hex', async (conversation) => {
        await conversation.send([`${bom}x`]);
        expect(await conversation.receive(1)).toEqual(['efbbbf78']);
      }),
  },
  {
    title: '1 000 messages, answered in order',
    secure: true,
    server: '[6455-6.1-f]',
    client: '[6455-6.1-f]',
    run: echoed(thousand),
  },
  {
    title: 'client fragments a message and pings in the middle',
    server: '[6455-5.4-g] [6455-6.2-e]',
    client: '[6455-5.4-b]',
    clientNeeds: ['fragments', 'ping'],
    run: (pair) =>
      converse(pair, '/echo', async (conversation) => {
        const between = Buffer.from('in between');
        // The Pong comes while the message is still open, or this would wait for ever.
        expect(await conversation.sendFragments(['one ', '', '🤝 three'], between)).toEqual(
          between,
        );
        const parts = [pattern(70_000), pattern(1), pattern(126)];
        await conversation.sendFragments(parts, between);
        expectSame(await conversation.receive(2), ['one 🤝 three', Buffer.concat(parts)]);
      }),
  },
  {
    title: 'server fragments a message and pings in the middle',
    server: '[6455-5.4-b]',
    client: '[6455-5.4-g] [6455-6.2-e]',
    run: (pair) =>
      converse(pair, '/fragments', async (conversation) => {
        for (const message of ['three 🤝 parts', pattern(200_000)]) {
          await conversation.send([message]);
          expectSame(await conversation.receive(1), [message]);
        }
      }),
  },
  {
    title: 'client pings, server answers with the same bytes',
    server: '[6455-5.5.3-a]',
    client: '[6455-5.5.2-d]',
    clientNeeds: ['ping'],
    run: (pair) =>
      converse(pair, '/echo', async (conversation) => {
        for (const payload of [pattern(1), pattern(125)]) {
          expect(await conversation.ping(payload)).toEqual(payload);
        }
      }),
  },
  {
    title: 'server pings, client answers with the same bytes',
    server: '[6455-5.5.2-d]',
    client: '[6455-5.5.3-a]',
    run: (pair) =>
      converse(pair, '/ping', async (conversation) => {
        const payloads = ['p', 'p'.repeat(125)];
        for (const payload of payloads) {
          await conversation.send([payload]);
          expect(await conversation.receive(1)).toEqual([payload]);
        }
      }),
  },
  {
    title: 'the first subprotocol that both know is chosen',
    server: '[6455-4.2.2-h]',
    client: '[6455-4.1-bi]',
    async run(pair) {
      const protocols = ['unknown', 'chat.v2', 'superchat'];
      await converse(pair, '/echo', async ({ protocol }) => expect(protocol).toBe('chat.v2'), {
        protocols,
      });
      await converse(pair, '/echo', async ({ protocol }) => expect(protocol).toBe(''));
    },
  },
  {
    title: 'the server may speak first',
    server: '[6455-4.2.2-s]',
    client: '[6455-4.1-bk]',
    run: (pair) =>
      converse(pair, '/greet', async (conversation) => {
        expect(await conversation.receive(1)).toEqual(['welcome']);
      }),
  },
  {
    title: 'client closes with 1000 and a reason',
    secure: true,
    server: '[6455-7.3-c] [6455-7.1.5-a] [6455-7.1.6-a]',
    client: '[6455-7.3-c]',
    run: (pair) => closedByClient(pair, 1000, 'done, thank you'),
  },
  {
    title: 'client closes with a private code and a reason of 123 bytes',
    server: '[6455-7.4.2-d]',
    client: '[6455-7.4.2-d]',
    run: (pair) => closedByClient(pair, 4999, `${'é'.repeat(61)}!`),
  },
  {
    title: 'client closes with 1001',
    clientNeeds: ['any-code'],
    run: (pair) => closedByClient(pair, 1001, 'going away'),
  },
  {
    title: 'client closes without a code: 1005',
    server: '[6455-7.1.5-b] [6455-5.5.1-k]',
    client: '[6455-7.1.5-b]',
    clientNeeds: ['no-code'],
    run: (pair) => closedByClient(pair, undefined, ''),
  },
  {
    title: 'server closes with a private code and a reason',
    secure: true,
    server: '[6455-7.3-a] [6455-7.3-c]',
    client: '[6455-7.1.5-a] [6455-7.1.6-a] [6455-5.5.1-k]',
    run: (pair) => closedByServer(pair, '?code=4001&reason=gr%C3%BCezi', 4001, 'grüezi'),
  },
  {
    title: 'server closes with 1001, 1011 and a library code',
    server: '[6455-7.4.1-i]',
    async run(pair) {
      await closedByServer(pair, '?code=1001&reason=restart', 1001, 'restart');
      await closedByServer(pair, '?code=1011', 1011, '');
      await closedByServer(pair, '?code=3000&reason=x', 3000, 'x');
    },
  },
  {
    title: 'server closes without a code: 1005',
    server: '[6455-7.1.5-b]',
    client: '[6455-7.1.5-b] [6455-5.5.1-k]',
    serverNeeds: ['no-code'],
    run: (pair) => closedByServer(pair, '', 1005, ''),
  },
  {
    title: 'what the client sent before it closed arrives first',
    client: '[6455-5.5.1-r] [wh-3.1-close-k]',
    async run(pair) {
      const { conversation, account } = await open(pair, '/greet');
      // Not awaited: the Close is asked for while the messages may still be queued.
      const sending = conversation.send(thousand);
      await conversation.close(1000, 'that was all');
      await sending;
      expect(await account()).toMatchObject({ code: 1000, reason: 'that was all', messages: 1000 });
      const { code } = await conversation.ended();
      // The greeting may come as late as the answer to the Close.
      expect(pair.clientCan.has('misses-close') ? [1000, 1006] : [1000]).toContain(code);
    },
  },
  {
    title: 'what the server sent before it closed arrives first',
    server: '[6455-5.5.1-r]',
    async run(pair) {
      const { conversation } = await open(pair, '/burst?count=1000');
      const expected = Array.from({ length: 1000 }, (_, index) => `message ${index}`);
      expectSame(await conversation.receive(1000), expected);
      expect(await conversation.ended()).toMatchObject({ code: 1000, reason: 'all sent' });
    },
  },
  {
    title: 'server cuts the transport: 1006',
    server: '[6455-7.1.1-b]',
    client: '[6455-7.2.1-b] [6455-7.1.5-c]',
    async run(pair) {
      const { conversation, account } = await open(pair, '/cut');
      await conversation.send(['cut, please']);
      const ending = await conversation.ended();
      expect(ending).toMatchObject({ code: 1006, reason: '' });
      if (pair.clientCan.has('was-clean')) expect(ending.wasClean).toBe(false);
      expect((await account()).code).toBe(1006);
    },
  },
  {
    title: 'client cuts the transport: 1006',
    server: '[6455-7.1.5-c]',
    client: '[6455-7.1.1-b]',
    clientNeeds: ['cut'],
    async run(pair) {
      const { conversation, account } = await open(pair, '/echo');
      await conversation.send(['still here']);
      await conversation.receive(1);
      await conversation.cut();
      const seen = await account();
      expect(seen).toMatchObject({ code: 1006, reason: '', messages: 1 });
      if (pair.serverCan.has('was-clean')) expect(seen.wasClean).toBe(false);
      expect((await conversation.ended()).code).toBe(1006);
    },
  },
  {
    title: 'a path without a service is refused with 404',
    server: '[6455-4.2.2-g] [6455-4.2.2-w]',
    client: '[6455-4.1-ba]',
    run: (pair) => refused(pair, '/nowhere', 404),
  },
  {
    title: 'credentials are asked for with 401, and taken',
    server: '[6455-4.2.2-c] [6455-10.5-a]',
    client: '[6455-4.1-ba] [6455-4.1-ab]',
    clientNeeds: ['headers'],
    async run(pair) {
      await refused(pair, '/private', 401);
      await converse(
        pair,
        '/private',
        async (conversation) => {
          await conversation.send(['let me in']);
          expect(await conversation.receive(1)).toEqual(['let me in']);
        },
        { headers: { Authorization: credentials } },
      );
    },
  },
  {
    title: 'a redirect is not followed',
    server: '[6455-4.2.2-d]',
    client: '[wh-2.2-a]',
    not: ['redirects'],
    run: (pair) => refused(pair, '/moved', 302),
  },
  {
    title: 'a redirect is followed',
    server: '[6455-4.2.2-d]',
    clientNeeds: ['redirects'],
    async run(pair) {
      // The account is kept under the id of the first address, which the second does not carry.
      const conversation = await pair.client.connect(pair.server.url('/moved'));
      await conversation.send(['arrived']);
      expect(await conversation.receive(1)).toEqual(['arrived']);
      await conversation.close(1000);
      expect((await conversation.ended()).code).toBe(1000);
    },
  },
  {
    title: 'a foreign Origin is refused with 403',
    server: '[6455-4.2.2-e] [6455-10.2-b]',
    client: '[6455-4.1-v]',
    clientNeeds: ['origin'],
    serverNeeds: ['checks-origin'],
    run: (pair) => refused(pair, '/guarded', 403, { origin: 'https://elsewhere.example' }),
  },
  {
    title: 'an Origin of the same host is accepted',
    clientNeeds: ['origin'],
    serverNeeds: ['same-host'],
    async run(pair) {
      const { host } = new URL(pair.server.url('/'));
      await converse(pair, '/guarded', async () => {}, { origin: `http://${host}` });
    },
  },
];
