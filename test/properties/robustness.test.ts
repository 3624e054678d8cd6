// Any bytes at all: nothing is thrown, every end is a defined one, and neither memory nor work grows
// faster than what came (§10.4).

import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Connection } from '../../src/connection/connection.ts';
import { Endpoint } from '../connection/endpoint.ts';
import { heldBytes } from '../message/memory.ts';
import { encodeFrame } from '../support/wire.ts';
import { cut, cuts, dialogue, frame, role, runs, wire } from './arbitraries.ts';

/** A connection that nobody listens to and that writes to nowhere: what is held, it holds itself. */
function silent(maxPayload: number): { connection: Connection; failed: () => number | undefined } {
  let code: number | undefined;
  const nothing = (): void => {};
  const connection = new Connection(
    { role: 'client', maxPayload },
    {
      ...{ onMessage: nothing, onPing: nothing, onPong: nothing, onClose: nothing },
      onFail: (error) => {
        code = error.closeCode;
      },
    },
    { write: nothing, wake: nothing, end: nothing },
  );
  return { connection, failed: () => code };
}

/** Bytes of memory taken while `run` runs: what is copied twice, or again and again, shows here. */
function taken(run: () => void): number {
  let bytes = 0;
  for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const) {
    const original = Buffer[name];
    vi.spyOn(Buffer, name).mockImplementation((size: number) => {
      bytes += size;
      return original(size);
    });
  }
  const { concat } = Buffer;
  vi.spyOn(Buffer, 'concat').mockImplementation((list, length) => {
    const joined = concat(list, length);
    bytes += joined.length;
    return joined;
  });
  run();
  vi.restoreAllMocks();
  return bytes;
}

afterEach(() => vi.restoreAllMocks());

/** Bytes in a chunk of their own, at its end; the rest of it belongs to something long forgotten. */
function chunk(bytes: Buffer, slack: number): Buffer {
  const copy = Buffer.from(new ArrayBuffer(slack + bytes.length), slack);
  bytes.copy(copy);
  return copy;
}

describe('the memory that a message in progress holds', () => {
  const LARGEST_CHUNK = 65_536;
  /** Fragments of these sizes in turn, each in a chunk with so much else in it. */
  const course = fc.array(
    fc.record({
      size: fc.oneof(
        fc.constantFrom(0, 1, 2, 1023, 4095, 4096, 4097, 8192, 32_768),
        fc.nat(10_000),
      ),
      slack: fc.constantFrom(0, 0, 100, 4096, 30_000),
    }),
    { minLength: 1, maxLength: 4 },
  );

  it('[6455-10.4-a] [6455-10.4-b] [6455-10.4-c] [6455-5.2-q] follows the bytes that came, up to the limit, then 1009 (property 33)', () => {
    const LIMIT = 1_000_000;
    fc.assert(
      fc.property(course, fc.boolean(), (course, borrowed) => {
        const { connection, failed } = silent(LIMIT);
        const before = heldBytes();
        let sent = 0;
        let largest = 0;
        // An end must come, also where all fragments are empty.
        // In a function of its own, so that no register of the loop holds a chunk.
        const send = (opcode: number, size: number, slack: number): void => {
          const bytes = encodeFrame({ opcode, fin: false, payload: Buffer.alloc(size) });
          connection.receive(chunk(bytes, slack), borrowed);
        };
        for (let i = 0; i < 40_000 && failed() === undefined; i++) {
          const { size, slack } = course[i % course.length] as { size: number; slack: number };
          if (sent + size > LIMIT) largest = Math.max(largest, heldBytes() - before);
          send(i === 0 ? 2 : 0, size, slack);
          sent += size;
        }
        largest = Math.max(largest, heldBytes() - before);
        expect(largest).toBeLessThan(3 * Math.min(sent, LIMIT) + 2 * LARGEST_CHUNK);
        expect(failed()).toBe(sent > LIMIT ? 1009 : undefined);
        // What has failed holds nothing; Node's own pool, 8 KiB or 64 by its version, may be new.
        if (failed() !== undefined) {
          expect(heldBytes() - before).toBeLessThan(2 * LARGEST_CHUNK + Buffer.poolSize);
        }
      }),
      { ...runs(12), endOnFailure: true },
    );
  }, 120_000);

  it('[6455-10.4-c] [6455-10.4-a] follows the bytes, not the fragments, a byte at a time (property 33)', () => {
    const { connection, failed } = silent(300_000);
    const before = heldBytes();
    const heapBefore = process.memoryUsage().heapUsed;
    connection.receive(Buffer.from([0x02, 0x00]));
    for (let i = 0; i < 300_000; i++) connection.receive(Buffer.from([0x00, 0x01, 0x78]));
    expect(heldBytes() - before).toBeLessThan(3 * 300_000);
    // Not 300 000 objects either.
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(5_000_000);
    expect(failed()).toBe(undefined);
    connection.receive(Buffer.from([0x00, 0x01, 0x78]));
    expect(failed()).toBe(1009);
    expect(heldBytes() - before).toBeLessThan(65_536);
  });

  it('[6455-5.2-q] [6455-5.2-r] [6455-10.4-a] is nothing for what was only announced (property 33)', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 65_536n, max: 2n ** 63n - 1n }),
        fc.constantFrom(0, 1_000_000),
        (announcedLength, maxPayload) => {
          const { connection, failed } = silent(maxPayload);
          const frame = { opcode: 2, length: 64 as const, announcedLength, payload: 'abc' };
          const bytes = encodeFrame(frame);
          expect(taken(() => connection.receive(bytes))).toBeLessThan(4096);
          const limit = maxPayload === 0 ? 2n ** 53n - 1n : BigInt(maxPayload);
          expect(failed()).toBe(announcedLength > limit ? 1009 : undefined);
        },
      ),
      runs(300),
    );
  });
});

describe('any bytes', () => {
  const STATES = ['open', 'sent', 'complete', 'failed', 'lost'];
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => () => Buffer.from(bytes)),
    fc
      .array(frame, { maxLength: 4 })
      .map((specs) => (role: 'client' | 'server') => wire(role, specs)),
    dialogue.map(
      ({ specs }) =>
        (role: 'client' | 'server') =>
          wire(role, specs),
    ),
  );
  /** What an application does inside the events that it gets, in turn. */
  const reactions = fc.array(
    fc.constantFrom<(endpoint: Endpoint) => void>(
      () => {},
      ({ connection }) => connection.send('reaction', false),
      ({ connection }) => connection.send('part', true, false),
      ({ connection }) => connection.ping('p'),
      ({ connection }) => connection.pong('p'),
      ({ connection }) => connection.close(1000, 'enough'),
      ({ connection }) => connection.flush(),
      ({ connection }) => connection.setCongested(true),
      ({ connection }) => connection.setCongested(false),
      ({ connection }) => connection.receiveEnd(),
    ),
    { minLength: 1, maxLength: 6 },
  );

  it('[6455-10-z] [6455-10.7-a] [6455-5.5.1-g] throw nothing and end in a defined state, whatever the application does meanwhile (property 34)', () => {
    fc.assert(
      fc.property(
        role,
        fc.array(bytes, { maxLength: 3 }),
        cuts,
        reactions,
        fc.boolean(),
        (role, parts, sizes, reactions, borrowed) => {
          const endpoint = new Endpoint({ role, maxPayload: 70_000 });
          let count = 0;
          endpoint.react = () => reactions[count++ % reactions.length]?.(endpoint);
          const all = Buffer.concat(parts.map((part) => part(role)));
          for (const piece of cut(all, sizes)) endpoint.connection.receive(piece, borrowed);
          endpoint.connection.receiveEnd();

          expect(STATES).toContain(endpoint.connection.state);
          expect(endpoint.connection.state).not.toBe('open');
          // Whole frames left, one Close at most, and no data behind it.
          const opcodes = endpoint.frames().map(({ opcode }) => opcode);
          const closed = opcodes.indexOf(8);
          if (closed >= 0)
            expect(opcodes.slice(closed + 1).every((code) => code === 10)).toBe(true);
          const ends = endpoint.told.filter(([what]) => what === 'close' || what === 'fail');
          expect(ends.length).toBeLessThanOrEqual(1);
          if (ends.length > 0) expect(endpoint.told.at(-1)).toBe(ends[0]);
          expect(endpoint.ended).toBeLessThanOrEqual(1);
          expect(endpoint.connection.wasClean).toBe(endpoint.connection.state === 'complete');
          expect(endpoint.isIntact).toBe(true);
        },
      ),
      runs(400),
    );
  });
});

describe('work', () => {
  it('[6455-10.4-c] grows with the bytes and the pieces, not with their product (property 35)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 5000 }),
        fc.constantFrom(1, 2, 100, 4096, 70_000),
        fc.boolean(),
        (fragments, size, piece, borrowed) => {
          const specs = Array.from({ length: fragments }, (_, i) => ({
            opcode: i === 0 ? 2 : 0,
            fin: i === fragments - 1,
            payload: Buffer.alloc(size),
          }));
          const bytes = wire('client', specs);
          const pieces = cut(
            bytes,
            Array.from({ length: Math.ceil(bytes.length / piece) }, () => piece),
          );
          const { connection } = silent(Infinity);
          const work = taken(() => {
            for (const piece of pieces) connection.receive(piece, borrowed);
          });
          // Once into a block, which is at most twice what it holds, and once into the message.
          expect(work).toBeLessThan(4 * bytes.length + 66_000);
        },
      ),
      runs(60),
    );
  });

  it('[6455-10.4-c] on a control frame in single bytes is bounded by its 125 (property 35)', () => {
    const ping = encodeFrame({ opcode: 9, payload: 'x'.repeat(125) });
    const { connection } = silent(0);
    const work = taken(() => {
      for (let i = 0; i < 100; i++) {
        for (const byte of ping) connection.receive(Buffer.from([byte]));
      }
    });
    expect(work).toBeLessThan(100 * 126 * 126);
  });
});
