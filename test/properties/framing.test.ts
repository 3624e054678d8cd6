// Frames (§5.2, §5.3) as properties: whatever the frames, the keys and the cuts.

import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/errors.ts';
import { decodeHeader, encodeHeader, FrameHeader, headerLength } from '../../src/frame/header.ts';
import { FrameContext } from '../../src/frame/rules.ts';
import { mask, maskInto } from '../../src/mask/mask.ts';
import { Endpoint } from '../connection/endpoint.ts';
import { read } from '../frame/replay.ts';
import { decodeFrames, encodeFrame } from '../support/wire.ts';
import { cut, cuts, dialogue, frame, key, payload, role, runs, text, wire } from './arbitraries.ts';
import { follow, heardBy } from './follow.ts';
import { judge, type Rules } from './reference.ts';

describe('frames', () => {
  it('[6455-5.2-a] [6455-6.2-a] are the same whatever the cuts (property 1)', () => {
    fc.assert(
      fc.property(role, dialogue, cuts, cuts, (role, { specs }, one, other) => {
        const bytes = wire(role, specs);
        const expected = specs.map(({ fin = true, opcode, payload = '' }) => ({
          ...{ fin, rsv1: false, opcode },
          payload: Buffer.from(payload as string).toString('hex'),
        }));
        for (const sizes of [one, other]) {
          const reading = read(new FrameContext(role), cut(bytes, sizes));
          expect(reading).toEqual({ events: expected, error: undefined, over: false });
        }
      }),
      runs(200),
    );
  });

  it('[6455-5.2-a] [6455-6.2-a] [6455-5.4-b] are heard as messages, whatever the cuts (property 1)', () => {
    fc.assert(
      fc.property(role, dialogue, cuts, fc.boolean(), (role, { specs, heard }, sizes, borrowed) => {
        const endpoint = new Endpoint({ role });
        for (const piece of cut(wire(role, specs), sizes)) {
          endpoint.connection.receive(piece, borrowed);
          if (borrowed) piece.fill(0xdd);
        }
        expect(heardBy(endpoint)).toEqual(heard);
      }),
      runs(200),
    );
  });

  const limits = fc.record(
    { maxPayload: fc.integer({ min: 1, max: 200 }), maxFragments: fc.integer({ min: 1, max: 5 }) },
    { requiredKeys: [] },
  );

  /** Bytes that look like frames for a while: legal ones with octets changed, added, taken away. */
  const damaged = fc
    .tuple(
      dialogue,
      fc.array(fc.record({ at: fc.nat(), put: fc.uint8Array({ maxLength: 2 }), take: fc.nat(2) }), {
        maxLength: 3,
      }),
    )
    .map(([{ specs }, changes]) => (role: 'client' | 'server') => {
      const bytes = [...wire(role, specs)];
      for (const { at, put, take } of changes) bytes.splice(at % (bytes.length + 1), take, ...put);
      // The reference is slow and asked at every cut.
      return Buffer.from(bytes.slice(0, 400));
    });

  it('[6455-5.2-c] [6455-5.2-d] [6455-5.2-j] [6455-5.5-a] [6455-5.5-b] [6455-5.5-c] [6455-5.2-n] [6455-5.2-o] [6455-5.2-p] [6455-10.7-a] are judged as the tables say, at the same byte (property 2)', () => {
    const anything = fc.uint8Array({ maxLength: 60 }).map((bytes) => () => Buffer.from(bytes));
    const anyFrames = fc
      .array(frame, { maxLength: 3 })
      .map((specs) => (role: 'client' | 'server') => wire(role, specs).subarray(0, 400));
    fc.assert(
      fc.property(
        role,
        limits,
        fc.oneof(anything, anyFrames, { weight: 3, arbitrary: damaged }),
        cuts,
        (role, limits, bytes, sizes) => {
          const whole = bytes(role);
          follow({ role, ...limits }, whole, cut(whole, sizes));
        },
      ),
      runs(400),
    );
  });

  it('[6455-5.2-b] [6455-5.2-c] [6455-5.2-d] [6455-5.2-g] [6455-5.2-n] [6455-5.2-o] are judged as the tables say with any one bit of the header changed (property 3)', () => {
    const lengths = [0, 1, 2, 125, 126, 200];
    for (const role of ['client', 'server'] as const) {
      for (const opcode of [0, 1, 2, 8, 9, 10]) {
        const large = opcode === 2 ? [65535, 65536] : [];
        for (const size of opcode < 8 ? [...lengths, ...large] : [0, 2, 125]) {
          const body = Buffer.alloc(size, '0');
          if (opcode === 8 && size > 0) body.writeUInt16BE(1000);
          // A continuation goes on with a message that has begun.
          const before = opcode === 0 ? [{ opcode: 1, fin: false, payload: 'begun' }] : [];
          const start = wire(role, before).length;
          const bytes = wire(role, [...before, { opcode, payload: body }]);
          const header = bytes.length - start - size;
          for (let bit = 0; bit < header * 8; bit++) {
            const changed = Buffer.from(bytes);
            changed[start + (bit >> 3)] ^= 0x80 >> (bit & 7);
            // All bytes that any length up to 16 bits can now announce, so that nothing need wait.
            const shown = size < 1000 ? Buffer.concat([changed, Buffer.alloc(300)]) : changed;
            const cutAt = start + (bit >> 3) + 1;
            if (size < 1000) follow({ role }, shown, [...split(shown, cutAt)]);
            else followEnd({ role }, shown, cutAt);
          }
        }
      }
    }
  }, 60_000);

  function split(bytes: Buffer, at: number): Buffer[] {
    return [Buffer.from(bytes.subarray(0, at)), Buffer.from(bytes.subarray(at))];
  }

  /** As `follow`, for large frames: the reference is asked once, as it is slow. */
  function followEnd(rules: Rules, bytes: Buffer, at: number): void {
    const endpoint = new Endpoint(rules);
    for (const piece of split(bytes, at)) endpoint.connection.receive(piece);
    expect(heardBy(endpoint)).toEqual(judge(bytes, rules).heard);
  }
});

describe('the length of a payload', () => {
  const judgeHeader = (bytes: Buffer, context: FrameContext): FrameHeader | number => {
    const header = new FrameHeader();
    try {
      return decodeHeader(header, bytes, 0, bytes.length, context) === bytes.length ? header : 0;
    } catch (error) {
      if (error instanceof ProtocolError) return error.closeCode;
      throw error;
    }
  };
  const any = fc.oneof(
    fc.bigInt({ min: 0n, max: 70_000n }),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.nat(64).chain((bits) => fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n })),
    fc.constantFrom(125n, 126n, 65535n, 65536n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n),
  );

  it('[6455-5.2-l] [6455-5.2-m] [6455-5.2-o] [6455-5.2-p] [6455-5.2-r] is written in the shortest form and read back, up to 2^53 - 1 and to the limit (property 4)', () => {
    fc.assert(
      fc.property(any, fc.option(fc.maxSafeNat(), { nil: Infinity }), (length, limit) => {
        const header = encodeFrame({ opcode: 2, announcedLength: length });
        const verdict = judgeHeader(header, new FrameContext('client', limit));
        if (length >= 2n ** 63n) {
          expect(verdict).toBe(1002);
          return;
        }
        if (length >= 2n ** 53n || Number(length) > limit) {
          expect(verdict).toBe(1009);
          return;
        }
        expect(verdict).toMatchObject({ length: Number(length) });
        const target = Buffer.alloc(10);
        const end = encodeHeader(target, 0, 0x82, Number(length));
        expect(end).toBe(headerLength(Number(length)));
        expect(target.subarray(0, end).equals(header)).toBe(true);
      }),
      runs(2000),
    );
  });

  it('[6455-5.2-n] is refused in a longer form than it needs, whatever the cut (property 5)', () => {
    const padded = fc.oneof(
      fc.record({ announcedLength: fc.nat(125), length: fc.constant(16 as const) }),
      fc.record({ announcedLength: fc.nat(65535), length: fc.constant(64 as const) }),
    );
    fc.assert(
      fc.property(role, padded, key, cuts, (role, length, mask, sizes) => {
        const bytes = wire(role, [{ opcode: 2, mask, ...length }]);
        const { events, error } = read(new FrameContext(role), cut(bytes, sizes));
        expect(events).toEqual([]);
        expect(error).toEqual({ closeCode: 1002, code: 'WS_ERR_NON_MINIMAL_LENGTH' });
      }),
      runs(200),
    );
  });
});

describe('masking', () => {
  const naive = (bytes: Uint8Array, key: Buffer): Buffer =>
    Buffer.from(Array.from(bytes, (octet, i) => octet ^ (key[i % 4] as number)));

  it('[6455-5.3-e] [6455-5.3-f] [6455-5.3-g] is its own inverse and the formula, at every alignment (property 6)', () => {
    fc.assert(
      fc.property(
        key,
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(7),
        fc.nat(7),
        (key, source, start, alignment) => {
          const size = start + source.length;
          const bytes = new Uint8Array(new ArrayBuffer(alignment + size), alignment, size);
          bytes.set(source, start);
          mask(bytes, key.readInt32LE(), start);
          expect(naive(source, key).equals(bytes.subarray(start))).toBe(true);
          mask(bytes, key.readInt32LE(), start);
          expect(Buffer.from(source).equals(bytes.subarray(start))).toBe(true);

          const before = Buffer.from(source);
          maskInto(source, bytes, start, key.readInt32LE());
          expect(before.equals(source)).toBe(true);
          expect(naive(source, key).equals(bytes.subarray(start))).toBe(true);
        },
      ),
      runs(1000),
    );
  });

  it('[6455-5.3-e] is the same piece by piece, the key carried on (property 7)', () => {
    fc.assert(
      fc.property(key, fc.uint8Array({ maxLength: 500 }), cuts, (key, source, sizes) => {
        let next = key.readInt32LE();
        const pieces = cut(source, sizes);
        for (const piece of pieces) next = mask(piece, next);
        expect(Buffer.concat(pieces).equals(naive(source, key))).toBe(true);
      }),
      runs(500),
    );
  });
});

/** Things to do with a connection that make it send. */
const act = fc.oneof(
  fc.record({ send: fc.oneof(text, payload), fin: fc.boolean() }),
  fc.record({ ping: fc.uint8Array({ maxLength: 125 }) }),
  fc.record({ pong: fc.uint8Array({ maxLength: 125 }) }),
);

describe('what is sent', () => {
  it('[6455-5.1-b] [6455-5.1-e] [6455-5.3-a] [6455-5.2-b] [6455-5.2-m] is masked by a client and never by a server, in the shortest form (property 8)', () => {
    fc.assert(
      fc.property(role, fc.array(act, { maxLength: 12 }), fc.boolean(), (role, acts, close) => {
        // Fragments of text and binary come in any order here.
        const endpoint = new Endpoint({ role, skipUtf8Validation: true });
        for (const act of acts) {
          if ('send' in act)
            endpoint.connection.send(act.send, typeof act.send !== 'string', act.fin);
          else if ('ping' in act) endpoint.connection.ping(act.ping);
          else endpoint.connection.pong(act.pong);
        }
        if (close) endpoint.connection.close();
        const frames = endpoint.frames();
        expect(frames.length).toBe(acts.length + (close ? 1 : 0));
        for (const { masked, rsv, length, payload } of frames) {
          expect(masked).toBe(role === 'client');
          expect(rsv).toBe(0);
          expect(length).toBe(payload.length < 126 ? 7 : payload.length < 65536 ? 16 : 64);
        }
        expect(endpoint.isIntact).toBe(true);
      }),
      runs(200),
    );
  });

  it('[6455-5.3-b] [6455-5.3-d] [6455-10.3-a] has keys that tell nothing of each other (property 8)', () => {
    const endpoint = new Endpoint({ role: 'client' });
    for (let i = 0; i < 20_000; i++) endpoint.connection.send('', false);
    const keys = endpoint.frames().map(({ key }) => (key as Buffer).readUInt32BE());
    // Of 20 000 random words about 0.05 pairs are equal; of their differences as many.
    const distinct = (words: number[]): number => new Set(words).size;
    expect(distinct(keys)).toBeGreaterThan(19_990);
    const between = keys.slice(1).map((key, i) => (key ^ (keys[i] as number)) >>> 0);
    expect(distinct(between)).toBeGreaterThan(19_989);
    for (let bit = 0; bit < 32; bit++) {
      // 10 000 of 20 000, give or take 71; 10 of these is what a fair coin never does.
      const ones = keys.filter((key) => (key >>> bit) & 1).length;
      expect(Math.abs(ones - 10_000)).toBeLessThan(710);
    }
  });

  it('[6455-10.3-c] [6455-10.3-a] does not show what a client was made to say (property 9)', () => {
    const request = 'GET /script.js HTTP/1.1\r\nHost: victim.example\r\n\r\n';
    fc.assert(
      fc.property(text, fc.nat(3), text, fc.boolean(), (before, pad, after, isBinary) => {
        const endpoint = new Endpoint({ role: 'client' });
        endpoint.connection.send(`${before}${' '.repeat(pad)}${request}${after}`, isBinary);
        endpoint.connection.ping(request);
        endpoint.connection.close(1000, request);
        expect(endpoint.frames().length).toBe(3);
        expect(endpoint.written.includes('HTTP/1.1')).toBe(false);
        expect(endpoint.written.includes('victim.example')).toBe(false);
      }),
      runs(200),
    );
  });

  it('[6455-10.3-b] [6455-5.3-g] is what the bytes were at the call, whatever becomes of them (property 10)', () => {
    fc.assert(
      fc.property(
        role,
        fc.array(payload, { maxLength: 6 }),
        fc.nat(255),
        (role, payloads, fill) => {
          // A server's large payloads are kept by reference until they are written, as documented.
          const given = payloads.filter(({ length }) => role === 'client' || length < 32_768);
          const copies = given.map((bytes) => Buffer.from(bytes));
          const endpoint = new Endpoint({ role });
          given.forEach((bytes, i) => {
            endpoint.connection.send(bytes, true);
            expect(bytes.equals(copies[i] as Buffer)).toBe(true);
            bytes.fill(fill);
          });
          const sent = endpoint.frames().map(({ payload }) => payload.toString('hex'));
          expect(sent).toEqual(copies.map((copy) => copy.toString('hex')));
          expect(endpoint.isIntact).toBe(true);
        },
      ),
      runs(200),
    );
  });

  it('[6455-5.2-a] [6455-2.1-a] [6455-6.1-f] is what the reference reads (property 1)', () => {
    fc.assert(
      fc.property(role, fc.array(fc.oneof(text, payload), { maxLength: 8 }), (role, messages) => {
        const endpoint = new Endpoint({ role });
        for (const message of messages) {
          endpoint.connection.send(message, typeof message !== 'string');
        }
        endpoint.connection.flush();
        const { frames, rest } = decodeFrames(endpoint.written);
        expect(rest.length).toBe(0);
        expect(frames.map(({ opcode, payload }) => [opcode, payload.toString('hex')])).toEqual(
          messages.map((message) => [
            typeof message === 'string' ? 1 : 2,
            Buffer.from(message as string).toString('hex'),
          ]),
        );
      }),
      runs(150),
    );
  });
});
