// Compressed input of any kind: nothing is thrown, memory keeps to the limit, and zlib gets its contexts
// closed (§10.4, RFC 7692 §7.2.2).

import { createHook } from 'node:async_hooks';
import { Buffer } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Endpoint } from '../connection/endpoint.ts';
import { compose, messagePlan } from '../deflate/reference/arbitraries.ts';
import { TAIL } from '../deflate/reference/inflate.ts';
import { heldBytes } from '../message/memory.ts';
import type { FrameSpec } from '../support/wire.ts';
import { cut, cuts, frame, role, runs, wire } from './arbitraries.ts';
import {
  both,
  direction,
  endWith,
  feed,
  heardCodes,
  noise,
  settled,
  until,
} from './deflate-ends.ts';

/** A message as zlib compresses it, without its tail. */
function deflate(content: Buffer): Buffer {
  const bytes = zlib.deflateRawSync(content, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
  expect(bytes.subarray(-4)).toEqual(TAIL);
  return bytes.subarray(0, -4);
}

/** Counts bytes of memory taken while `run` runs, anywhere in this process. A spy would keep them. */
async function taken(run: () => Promise<void>): Promise<number> {
  let bytes = 0;
  const names = ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const;
  const originals = names.map((name) => Buffer[name]);
  names.forEach((name, i) => {
    Buffer[name] = (size: number) => {
      bytes += size;
      return originals[i](size);
    };
  });
  try {
    await run();
  } finally {
    names.forEach((name, i) => {
      Buffer[name] = originals[i];
    });
  }
  return bytes;
}

describe('the limit on a message', () => {
  const LIMIT = 1_000_000;
  const agreed = both({ takeover: true, bits: 15 });

  /** The message in frames of that many bytes, the last of them perhaps not final. */
  function frames(payload: Buffer, size: number, ends: boolean): FrameSpec[] {
    const count = Math.ceil(payload.length / size);
    return Array.from({ length: count }, (_, i) => ({
      ...{ opcode: i > 0 ? 0 : 2, rsv: i > 0 ? 0 : 4, fin: ends && i === count - 1 },
      payload: payload.subarray(i * size, (i + 1) * size),
    }));
  }

  // One megabyte is made of about one kilobyte.
  const bomb = deflate(Buffer.alloc(40_000_000));

  it.each([
    [bomb.length, true],
    [20_000, false],
    [1000, false],
    [1, false],
  ])(
    '[6455-10.4-d] [6455-10.4-a] [6455-10.4-b] holds while a bomb in frames of %i bytes goes off (final: %s) (property 33)',
    async (size, ends) => {
      for (const takeover of [true, false]) {
        const parameters = both({ takeover, bits: 15 });
        const bytes = wire('client', frames(bomb, size, ends));
        const endpoint = endWith('client', parameters, {}, { maxPayload: LIMIT });
        const before = heldBytes();
        const sizes = Array.from({ length: 99 }, () => 65_536);
        const count = await taken(() => feed(endpoint, cut(bytes, sizes), true));
        expect(heardCodes(endpoint)).toEqual([['fail', 1009]]);
        expect(endpoint.frames().at(-1)?.payload.toString('hex')).toBe('03f1');
        // Into a block, perhaps twice for a block that grows, and once out of zlib.
        expect(count).toBeLessThan(4 * LIMIT + 4 * 65_536 + 2 * bomb.length);
        expect(heldBytes() - before).toBeLessThan(4 * 65_536);
      }
    },
  );

  it('[6455-10.4-d] is exact, and ends with the message (property 33)', async () => {
    for (const size of [300, 1_000_000]) {
      for (const [length, code] of [
        [LIMIT, undefined],
        [LIMIT + 1, 1009],
      ] as const) {
        // With noise, so that what is large before decompression is among it.
        const content = Buffer.concat([noise(30_000, 1), Buffer.alloc(length - 30_000)]);
        const specs = frames(deflate(content), size, true);
        const endpoint = endWith('server', agreed, {}, { maxPayload: LIMIT });
        await feed(endpoint, [wire('server', specs)], true);
        const failed = [['fail', code]];
        const told = [['binary', content.toString('hex')]];
        expect(heardCodes(endpoint)).toEqual(code === undefined ? told : failed);
        if (code !== undefined) continue;
        // What came before does not count.
        const again = deflate(content);
        await feed(endpoint, [wire('server', frames(again, size, true))], true);
        expect(heardCodes(endpoint)).toEqual([...told, ...told]);
      }
    }
  });

  it('[6455-10.4-b] counts what is announced as well (property 33)', () => {
    const endpoint = endWith('client', agreed, {}, { maxPayload: 100 });
    // 101 bytes that would say nothing.
    endpoint.connection.receive(Buffer.from([0xc2, 101]));
    expect(heardCodes(endpoint)).toEqual([['fail', 1009]]);
  });
});

/** zlib's contexts, as Node makes and closes them. */
class Handles {
  opened = 0;
  closed = 0;
  readonly #hook = createHook({
    init: (_, type, __, resource) => {
      if (type !== 'ZLIB') return;
      this.opened++;
      const handle = resource as { close(): void };
      const { close } = handle;
      let isClosed = false;
      handle.close = () => {
        if (!isClosed) this.closed++;
        isClosed = true;
        close.call(handle);
      };
    },
  });

  start(): void {
    this.#hook.enable();
  }

  stop(): void {
    this.#hook.disable();
  }

  get open(): number {
    return this.opened - this.closed;
  }
}

describe('any compressed bytes', () => {
  const handles = new Handles();
  beforeAll(() => handles.start());
  afterAll(() => handles.stop());

  type Make = (role: 'client' | 'server') => Buffer;

  /** Messages of another compressor, whole or with a byte changed, in frames; or any frames; or any bytes. */
  const foreign: fc.Arbitrary<Make> = fc
    .tuple(fc.array(messagePlan, { maxLength: 3 }), fc.nat(), fc.nat(255), fc.boolean())
    .map(([plans, at, value, isText]) => (role) => {
      const messages = compose(plans, { bits: 15, takeover: true });
      const specs = messages.map(({ compressed }) => {
        const payload = Buffer.from(compressed);
        if (payload.length > 0) payload[at % payload.length] = value;
        return { opcode: isText ? 1 : 2, rsv: 4, payload };
      });
      return wire(role, specs);
    });
  const flagged = frame.map((spec) => (spec.opcode === 1 ? { ...spec, rsv: 4 } : spec));
  const any: fc.Arbitrary<Make> = fc.oneof(
    { weight: 4, arbitrary: foreign },
    fc.array(flagged, { maxLength: 4 }).map(
      (specs): Make =>
        (role) =>
          wire(role, specs),
    ),
    fc.uint8Array({ maxLength: 300 }).map(
      (bytes): Make =>
        () =>
          Buffer.from(bytes),
    ),
  );

  /** What an application does inside the events that it gets, in turn. */
  const reactions = fc.array(
    fc.constantFrom<(endpoint: Endpoint) => void>(
      () => {},
      ({ connection }) => connection.send('reaction '.repeat(200), false),
      ({ connection }) => connection.send('part', true, false),
      ({ connection }) => {
        if (!connection.takesLong(40_000)) return;
        connection.sendLater(Buffer.alloc(40_000), true, true, () => {});
      },
      ({ connection }) => connection.ping('p'),
      ({ connection }) => connection.close(1000, 'enough'),
      ({ connection }) => connection.flush(),
      ({ connection }) => connection.receiveEnd(),
    ),
    { minLength: 1, maxLength: 6 },
  );

  it.each([true, false])(
    '[6455-10-z] [6455-10.7-a] [7692-7.2.2-f] throw nothing, end in a defined state and leave no zlib context behind (takeover %s) (property 34)',
    async (takeover) => {
      const before = handles.open;
      await fc.assert(
        fc.asyncProperty(
          ...[role, fc.array(any, { maxLength: 3 }), direction, cuts, reactions, fc.boolean()],
          async (role, parts, { bits }, sizes, reactions, patient) => {
            const parameters = both({ takeover, bits });
            const endpoint = endWith(role, parameters, {}, { maxPayload: 70_000 });
            let count = 0;
            endpoint.react = () => reactions[count++ % reactions.length]?.(endpoint);
            const all = Buffer.concat(parts.map((part) => part(role)));
            if (patient) await feed(endpoint, cut(all, sizes), true);
            else for (const piece of cut(all, sizes)) endpoint.connection.receive(piece);
            endpoint.connection.receiveEnd();

            expect(endpoint.connection.state).not.toBe('open');
            expect(endpoint.connection.isSuspended).toBe(false);
            const ends = endpoint.told.filter(([what]) => what === 'close' || what === 'fail');
            expect(ends.length).toBeLessThanOrEqual(1);
            if (ends.length > 0) expect(endpoint.told.at(-1)).toBe(ends[0]);
            expect(endpoint.ended).toBeLessThanOrEqual(1);
            // What is still on the thread pool says nothing any more.
            const told = endpoint.told.length;
            await nextTurn();
            expect(endpoint.told).toHaveLength(told);
            expect(endpoint.frames().filter(({ opcode }) => opcode === 8).length).toBeLessThan(2);
          },
        ),
        runs(300),
      );
      // Without takeover a few are kept for whoever comes next: eight of a size, and one compressor.
      const spare = takeover ? 0 : 8 * 8 + 8;
      await until(() => handles.open - before <= spare);
      expect(handles.opened).toBeGreaterThan(before);
    },
    60_000,
  );

  it('[6455-10-z] leave none behind where the transport is lost in the middle of one (property 34)', async () => {
    const before = handles.open;
    const payload = deflate(noise(60_000, 1));
    for (let i = 0; i < 20; i++) {
      const endpoint = endWith('client', both({ takeover: true, bits: 15 }));
      endpoint.connection.receive(wire('client', [{ opcode: 2, rsv: 4, payload }]));
      expect(endpoint.connection.isSuspended).toBe(true);
      for (let turns = 0; turns < i; turns++) await nextTurn();
      endpoint.connection.receiveEnd();
      const told = endpoint.told.length;
      await settled(endpoint);
      expect(endpoint.told).toHaveLength(told);
    }
    await until(() => handles.open <= before);
  });
});
