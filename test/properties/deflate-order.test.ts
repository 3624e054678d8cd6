// Sends of every kind on the public socket, some compressed at once, some on the thread pool, some not
// at all: they arrive in the order of the calls (§6.1, RFC 7692 §6).

import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeflateOptions, DeflateParameters } from '../../src/deflate/index.ts';
import { BaseWebSocket } from '../../src/websocket/websocket.ts';
import { memoryPair, settle } from '../websocket/pair.ts';
import { role, runs } from './arbitraries.ts';
import { noise, parameters, until } from './deflate-ends.ts';

/** A Blob whose bytes come some turns of the event loop later. */
class SlowBlob extends Blob {
  readonly #turns: number;

  constructor(parts: Buffer[], turns: number) {
    super(parts.map((part) => new Uint8Array(part)));
    this.#turns = turns;
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = super.arrayBuffer();
    await settle(this.#turns);
    return bytes;
  }
}

const sending = fc.record({
  kind: fc.constantFrom('text', 'view', 'arraybuffer', 'list', 'blob', 'fragments', 'ping'),
  // Small ones are compressed at once, large ones on the thread pool.
  length: fc.oneof(
    { weight: 3, arbitrary: fc.nat(60) },
    fc.constantFrom(1024, 8191, 33_000, 70_000),
  ),
  seed: fc.nat(5),
  turns: fc.nat(3),
  compress: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false)),
  // Some time between two calls, or none.
  pause: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(3)),
});

/** Two open sockets that have agreed on compression. */
function join(
  role: 'client' | 'server',
  deflate: { parameters: DeflateParameters; options: DeflateOptions },
): [BaseWebSocket, BaseWebSocket] {
  const [near, far] = memoryPair();
  const from = new BaseWebSocket(role);
  const to = new BaseWebSocket(role === 'client' ? 'server' : 'client');
  from.setSocket(near, Buffer.alloc(0), { deflate });
  to.setSocket(far, Buffer.alloc(0), { deflate });
  return [from, to];
}

describe('sends of every kind, compressed or not,', () => {
  it('[6455-6.1-f] [wh-3.1-send-e] [node-zlib-e] [7692-6-g] arrive in the order of the calls, as they were at the call (property 15)', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...[role, parameters, fc.constantFrom(undefined, 0, 500), fc.boolean()],
        fc.array(sending, { maxLength: 12 }),
        async (role, parameters, threshold, closes, sends) => {
          const options = threshold === undefined ? {} : { threshold };
          const [from, to] = join(role, { parameters, options });
          const heard: string[] = [];
          to.on('message', (data, isBinary) => {
            heard.push(`${isBinary ? 'b' : 't'}${data}`);
          });
          const pings: string[] = [];
          to.on('ping', (data) => pings.push(data.toString()));
          const ended = new Promise<void>((resolve) => to.on('close', () => resolve()));

          const expected: string[] = [];
          const told: number[] = [];
          let callbacks = 0;
          for (const { kind, length, seed, turns, compress, pause } of sends) {
            const content = noise(length, seed);
            const callback = callbacks++;
            const done = (): void => void told.push(callback);
            if (kind === 'ping') from.ping(String(callback), false, done);
            else expected.push(`${kind === 'text' ? 't' : 'b'}${content}`);
            // A server keeps large Buffers until they are written; all else may change at once.
            const mayChange = role === 'client' || length < 8192;
            const memory = Uint8Array.from([7, 7, 7, ...content, 7, 7]);
            const view = memory.subarray(3, 3 + length);
            const exact = Uint8Array.from(content).buffer;
            if (kind === 'text') from.send(content.toString(), { compress }, done);
            if (kind === 'view') from.send(view, { compress }, done);
            if (kind === 'arraybuffer') from.send(exact, { compress }, done);
            if (kind === 'list')
              from.send([view.subarray(0, 9), view.subarray(9)], { compress }, done);
            if (kind === 'blob') from.send(new SlowBlob([content], turns), { compress }, done);
            if (kind === 'fragments') {
              from.send(view.subarray(0, turns), { compress, fin: false });
              from.send(view.subarray(turns, 500), { compress: !compress, fin: false });
              from.send(view.subarray(500), { fin: true }, done);
            }
            if (mayChange) for (const each of [memory, new Uint8Array(exact)]) each.fill(0x58);
            await settle(pause);
          }
          const isAll = (): boolean =>
            told.length === sends.length && heard.length === expected.length;
          if (closes) from.close(1000);
          await until(isAll).catch(() => {});
          expect(heard.map((message) => message.length)).toEqual(
            expected.map((message) => message.length),
          );
          expect(heard.every((message, i) => message === expected[i])).toBe(true);
          expect(pings).toHaveLength(sends.filter(({ kind }) => kind === 'ping').length);
          const ofPings = new Set(pings.map(Number));
          const isMessage = (i: number): boolean => !ofPings.has(i);
          expect(told.filter(isMessage)).toEqual(sends.map((_, i) => i).filter(isMessage));
          expect(from.bufferedAmount).toBe(0);
          if (!closes) from.terminate();
          await ended;
        },
      ),
      runs(80),
    );
  }, 60_000);
});
