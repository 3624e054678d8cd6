// Pair: a client and a server, one of them the subject, and the suite of all exchanges that the two
// of them can hold.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client, Feature, Server } from './conversation.ts';
import { type Exchange, exchanges } from './exchanges.ts';
import { converse } from './talk.ts';

export interface Setting {
  /** The role of the subject in this pair. */
  readonly role: 'client' | 'server';
  readonly clientCan: readonly Feature[];
  readonly serverCan: readonly Feature[];
  /** Over TLS: only the exchanges that tell something about it. */
  readonly secure?: boolean;
  /** Whether the two agree on permessage-deflate; left out, it is not looked at. */
  readonly compressed?: boolean;
  start(): Promise<{ client: Client; server: Server }>;
}

/** Registers the suite of one pair of implementations. */
export function describePair(title: string, setting: Setting): void {
  describe(title, () => {
    const clientCan = new Set(setting.clientCan);
    const serverCan = new Set(setting.serverCan);
    const ends: { client?: Client; server?: Server } = {};
    beforeAll(async () => {
      Object.assign(ends, await setting.start());
    });
    afterAll(async () => {
      await ends.client?.stop();
      await ends.server?.stop();
    });
    const { compressed } = setting;
    if (compressed !== undefined) {
      it(compressed ? 'permessage-deflate is in use' : 'permessage-deflate is not in use', () =>
        converse(
          { ...(ends as Required<typeof ends>), clientCan, serverCan },
          '/echo',
          async (one) =>
            expect(one.extensions.split(';')[0]).toBe(compressed ? 'permessage-deflate' : ''),
        ),
      );
    }
    for (const exchange of exchanges) {
      if (setting.secure === true && exchange.secure !== true) continue;
      if (!(exchange.clientNeeds ?? []).every((feature) => clientCan.has(feature))) continue;
      if (!(exchange.serverNeeds ?? []).every((feature) => serverCan.has(feature))) continue;
      if ((exchange.not ?? []).some((feature) => clientCan.has(feature))) continue;
      it(titleOf(exchange, setting), () =>
        exchange.run({ ...(ends as Required<typeof ends>), clientCan, serverCan }),
      );
    }
  });
}

function titleOf(exchange: Exchange, { role, secure = false }: Setting): string {
  const overTls = { client: '[6455-4.1-h] [6455-4.1-j]', server: '[6455-4.2.2-b]' };
  const rows = [exchange[role] ?? '', secure ? `${overTls[role]} [6455-10.6-a]` : ''];
  return [...rows, exchange.title].filter((part) => part !== '').join(' ');
}
