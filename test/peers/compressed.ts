// Compressed: conversations over permessage-deflate (RFC 7692), one for each parameter that two ends
// may agree on. Counts what travels: whether windows are kept between messages, and how far back
// they reach, shows in the number of bytes.

import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { DeflateWishes } from './api.ts';
import type { Configuration } from './configurations.ts';
import type { Client, Conversation, Feature, Message, Server, Traffic } from './conversation.ts';
import { expectSame, open, type Pair } from './talk.ts';

/** Whom the ends of a pair compress for, and how much they can do. */
export interface CompressedSetting {
  /** The role of the subject in this pair. */
  readonly role: 'client' | 'server';
  readonly clientCan: readonly Feature[];
  readonly serverCan: readonly Feature[];
  /** False for a client that only ever decompresses, which RFC 7692 §6 allows. */
  readonly clientCompresses?: boolean;
  readonly configurations: readonly Configuration[];
  /** The wishes come with a threshold of 0. */
  start(wishes: {
    client: DeflateWishes;
    server: DeflateWishes;
  }): Promise<{ client: Client; server: Server }>;
}

/** Registers one conversation for each configuration. */
export function describeCompressed(title: string, setting: CompressedSetting): void {
  describe(title, () => {
    for (const configuration of setting.configurations) {
      it(titleOf(configuration, setting), async () => {
        const { client, server } = configuration;
        const threshold = 0;
        const ends = await setting.start({
          client: { threshold, ...client },
          server: { threshold, ...server },
        });
        const clientCan = new Set(setting.clientCan);
        const serverCan = new Set(setting.serverCan);
        try {
          await talk({ ...ends, clientCan, serverCan }, configuration, setting);
        } finally {
          await ends.client.stop();
          await ends.server.stop();
        }
      });
    }
  });
}

function titleOf(configuration: Configuration, setting: CompressedSetting): string {
  const { title, asServer, asClient, receiving } = configuration;
  const rows = [setting.role === 'server' ? asServer : asClient];
  if (setting.clientCompresses !== false) rows.push(receiving);
  // Either the client's own messages, or those that the server has to put together.
  if (setting.clientCan.includes('fragments')) rows.push('[7692-6-h] [7692-6-j]');
  return [...rows, '[7692-6-g]', title].filter(Boolean).join(' ');
}

interface Direction {
  readonly from: keyof Traffic;
  /** The subject's own direction: it may use a smaller window than it could (RFC 7692 §7.2.1). */
  readonly own: boolean;
  readonly takeover: boolean;
  readonly bits: number;
}

/** The parameters that mean something, in one order: 15 bits are what there is without. */
function parametersOf(agreed: string): string[] {
  const parts = agreed.split(';').map((part) => part.trim());
  return parts.filter((part) => part !== '' && !part.endsWith('_max_window_bits=15')).sort();
}

function directionsOf(agreed: string, setting: CompressedSetting): Direction[] {
  const parameters = parametersOf(agreed);
  const one = (end: 'client' | 'server', from: keyof Traffic): Direction => {
    const limit = parameters.find((part) => part.startsWith(`${end}_max_window_bits`));
    return {
      from,
      own: setting.role === end,
      takeover: !parameters.includes(`${end}_no_context_takeover`),
      bits: limit === undefined ? 15 : Number(limit.split('=')[1]),
    };
  };
  const server = one('server', 'fromServer');
  return setting.clientCompresses === false ? [server] : [one('client', 'fromClient'), server];
}

async function talk(
  pair: Pair,
  { agreed, large }: Configuration,
  setting: CompressedSetting,
): Promise<void> {
  const { conversation, account, traffic } = await open(pair, '/mixed');
  const whole = ['permessage-deflate', ...parametersOf(agreed)].sort();
  expect(parametersOf(conversation.extensions)).toEqual(whole);
  const directions = directionsOf(agreed, setting);

  /** What a round of messages and their echoes costs in each direction. */
  const cost = async (messages: readonly Message[], plain = false): Promise<Traffic> => {
    const before = traffic() as Traffic;
    await (plain ? conversation.sendPlain(messages) : conversation.send(messages));
    expectSame(await conversation.receive(messages.length), messages);
    const after = traffic() as Traffic;
    return {
      fromClient: after.fromClient - before.fromClient,
      fromServer: after.fromServer - before.fromServer,
    };
  };

  await cost(['', Buffer.alloc(0)]);
  await expectTakeover(cost, directions);
  await expectWindows(cost, directions);
  await expectPlain(cost, directions, pair);
  if (pair.serverCan.has('prepared')) await expectPrepared(cost);
  if (pair.clientCan.has('fragments')) await echoFragments(conversation);
  await expectSmaller(cost, directions, large === true ? MiB : MiB / 16);
  await expectTakeover(cost, directions);

  await conversation.close(1000, 'bye');
  expect(await conversation.ended()).toMatchObject({ code: 1000, reason: 'bye' });
  const seen = await account();
  expect(seen).toMatchObject({ code: 1000, reason: 'bye' });
  const shown = pair.serverCan.has('parameters') ? whole : ['permessage-deflate'];
  expect(parametersOf(seen.extensions)).toEqual(shown);
}

type Cost = (messages: readonly Message[], plain?: boolean) => Promise<Traffic>;

const MiB = 1024 * 1024;

/** Bytes that no compressor makes smaller, the same in every run; `seed` chooses them. */
function noise(length: number, seed: number): Buffer {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(length));
}

/** 150 letters with 112 bytes of information in them. */
const words = noise(112, 1).toString('base64');
const LITTLE = 60;
const MUCH = 100;

/** RFC 7692 §7.2.1: what came before costs little once more, or as much as ever. */
async function expectTakeover(cost: Cost, directions: readonly Direction[]): Promise<void> {
  await cost([words]);
  const again = await cost([words]);
  for (const { from, takeover } of directions) {
    if (takeover) expect(again[from], `${from} with takeover`).toBeLessThan(LITTLE);
    else expect(again[from], `${from} without takeover`).toBeGreaterThan(MUCH);
  }
}

/** RFC 7692 §7.1.2: what lies further back than the window costs as much as the first time. */
async function expectWindows(cost: Cost, directions: readonly Direction[]): Promise<void> {
  for (const { from, bits: w, own } of directions) {
    if (w < 15) {
      await cost([words]);
      await cost([noise(2 ** w, 2)]);
      const again = await cost([words]);
      expect(again[from], `${from}, beyond its window`).toBeGreaterThan(MUCH);
    }
    // The same within one message, which is long enough for the thread pool.
    const period = noise(w < 15 ? 2 ** w + 16 : 20_000, 3);
    const times = Math.ceil(40_000 / period.length);
    const message = Buffer.concat(Array<Buffer>(times).fill(period));
    const spent = await cost([message]);
    if (w < 15) expect(spent[from], `${from}, beyond`).toBeGreaterThan(message.length * 0.8);
    else if (!own) expect(spent[from], `${from}, within`).toBeLessThan(message.length * 0.6);
  }
}

/** RFC 7692 §6: a message may travel as it is; then it is in nobody's window. */
async function expectPlain(cost: Cost, directions: readonly Direction[], pair: Pair) {
  const message = `plain ${'la'.repeat(400)}`;
  await cost([words]);
  const spent = await cost([message], pair.clientCan.has('plain'));
  const again = await cost([words, message.slice(1)]);
  for (const { from, takeover } of directions) {
    const can = from === 'fromClient' ? pair.clientCan : pair.serverCan;
    if (!can.has('plain')) continue;
    expect(spent[from], `${from}, plain`).toBeGreaterThan(message.length);
    if (takeover) expect(again[from], `${from} after it`).toBeLessThan(2 * LITTLE);
  }
}

/** RFC 7692 §7.2.1: what was compressed for nobody in particular fits into any conversation. */
async function expectPrepared(cost: Cost): Promise<void> {
  const message = `ready ${'la'.repeat(400)}`;
  for (const _ of [1, 2]) {
    const spent = await cost([message]);
    expect(spent.fromServer, 'prepared').toBeLessThan(LITTLE);
    await cost([words, message.slice(1), words]);
  }
}

async function echoFragments(conversation: Conversation): Promise<void> {
  const between = Buffer.from('between');
  for (const parts of [
    ['one ', '', '🤝 ', words],
    [noise(70_000, 4), noise(1, 5), noise(9, 6)],
  ]) {
    expect(await conversation.sendFragments(parts as Message[], between)).toEqual(between);
    const whole =
      typeof parts[0] === 'string' ? parts.join('') : Buffer.concat(parts as readonly Buffer[]);
    expectSame(await conversation.receive(1), [whole]);
  }
}

/** Large messages with small ones behind them: in order, and smaller where there is a way. */
async function expectSmaller(cost: Cost, directions: readonly Direction[], length: number) {
  const text = 'é, and then another one. '.repeat(length / 26);
  const binary = noise(length, 7);
  const spent = await cost([binary, 'behind it', text, '', words, Buffer.alloc(0)]);
  for (const { from } of directions) {
    expect(spent[from], `${from}, in all`).toBeLessThan(binary.length * 1.01 + text.length * 0.1);
  }
}
