// Text (§5.6, §8.1) as properties. Two oracles: the platform's streaming decoder and the reference.

import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Utf8Validator } from '../../src/message/utf8.ts';
import { Endpoint } from '../connection/endpoint.ts';
import {
  badUtf8,
  brokenText,
  cut,
  cuts,
  fragment,
  key,
  role,
  runs,
  text,
  wire,
} from './arbitraries.ts';
import { heardBy } from './follow.ts';
import { judgeUtf8 } from './reference.ts';

/** Bytes that are text, nearly text, or neither. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  text.map((text) => Buffer.from(text)),
  badUtf8.map(({ bytes }) => bytes),
  // Octets of long sequences only, so that they often fit together.
  fc
    .array(fc.constantFrom(0xe0, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf))
    .map((octets) => Buffer.from(octets)),
);

describe('the validator', () => {
  it('[6455-8.1-b] [6455-8.1-c] [6455-5.6-a] says at every cut what the strict decoder of the platform says (property 16)', () => {
    fc.assert(
      fc.property(bytes, cuts, (bytes, sizes) => {
        const validator = new Utf8Validator();
        const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
        const decode = (piece: Buffer, stream: boolean): boolean => {
          try {
            decoder.decode(piece, { stream });
            return true;
          } catch {
            return false;
          }
        };
        for (const piece of cut(bytes, sizes)) {
          const possible = validator.write(piece);
          expect(possible).toBe(decode(piece, true));
          if (!possible) return;
        }
        expect(validator.end()).toBe(decode(Buffer.alloc(0), false));
      }),
      runs(2000),
    );
  });

  it('[6455-8.1-b] [6455-8.1-c] [6455-8.1-e] says at every cut what the grammar says (property 16)', () => {
    fc.assert(
      fc.property(bytes, cuts, (bytes, sizes) => {
        const validator = new Utf8Validator();
        let count = 0;
        for (const piece of cut(bytes, sizes)) {
          count += piece.length;
          const possible = validator.write(piece);
          expect(possible).toBe(judgeUtf8(bytes.subarray(0, count)).impossibleAt === undefined);
          if (!possible) return;
        }
        expect(validator.end()).toBe(judgeUtf8(bytes).whole);
      }),
      runs(2000),
    );
  });
});

describe('a text message', () => {
  /** Frames of a text in fragments, a Ping behind each but the last. */
  const framesOf = (bytes: Buffer, sizes: readonly number[], mask: Buffer) => {
    const fragments = fragment(bytes, sizes);
    return fragments.flatMap((payload, i) => {
      const last = i === fragments.length - 1;
      const frame = { opcode: i === 0 ? 1 : 0, fin: last, payload, mask };
      return last ? [frame] : [frame, { opcode: 9, payload: 'between', mask }];
    });
  };
  const sizes = fc.array(fc.nat(30), { maxLength: 5 });

  it('[6455-8.1-b] [6455-8.1-c] [6455-8.1-e] [6455-8.1-f] fails with 1007 at its first impossible byte: with it, not without it (property 17)', () => {
    fc.assert(
      fc.property(role, badUtf8, sizes, key, cuts, (role, bad, sizes, mask, pieces) => {
        const all = wire(role, framesOf(bad.bytes, sizes, mask));
        const enough = new Endpoint({ role });
        const failsAt = [...all].findIndex((_, i) => {
          enough.connection.receive(Buffer.from(all.subarray(i, i + 1)));
          return enough.connection.state === 'failed';
        });
        expect(heardBy(enough).at(-1)).toEqual(['fail', 1007]);
        const seen = payloadBytesIn(role, all.subarray(0, failsAt + 1));
        expect(seen).toBe(bad.impossibleAt + 1);

        const cutUp = new Endpoint({ role });
        for (const piece of cut(all, pieces)) cutUp.connection.receive(piece);
        expect(heardBy(cutUp)).toEqual(heardBy(enough));
      }),
      runs(300),
    );
  });

  /** How many bytes of data frames' payload the wire bytes hold. */
  function payloadBytesIn(role: 'client' | 'server', wire: Buffer): number {
    let at = 0;
    let count = 0;
    while (at < wire.length) {
      const short = (wire[at + 1] as number) & 127;
      const length = short === 126 ? wire.readUInt16BE(at + 2) : short;
      const start = at + 2 + (short === 126 ? 2 : 0) + (role === 'server' ? 4 : 0);
      if (((wire[at] as number) & 8) === 0) count += Math.min(length, wire.length - start);
      at = start + length;
    }
    return count;
  }

  it('[6455-5.6-a] [6455-8.1-g] [6455-8.1-f] may be cut into frames at every byte, a BOM stays (property 18)', () => {
    fc.assert(
      fc.property(role, text, key, cuts, (role, text, mask, pieces) => {
        const bytes = Buffer.from(text);
        for (const sizes of [[...bytes].map(() => 1), [bytes.length >> 1]]) {
          const endpoint = new Endpoint({ role });
          for (const piece of cut(wire(role, framesOf(bytes, sizes, mask)), pieces)) {
            endpoint.connection.receive(piece);
          }
          expect(heardBy(endpoint).filter(([what]) => what !== 'ping')).toEqual([['text', text]]);
        }
      }),
      runs(100),
    );
  });

  it('[6455-5.6-c] [6455-5.6-a] of broken UTF-16 is sent as the platform encodes it, and no peer fails on it (property 19)', () => {
    fc.assert(
      fc.property(role, brokenText, fc.nat(200), (role, text, pad) => {
        const long = text + ' '.repeat(pad);
        const sender = new Endpoint({ role });
        const receiver = new Endpoint({ role: role === 'client' ? 'server' : 'client' });
        sender.connection.send(long, false);
        sender.connection.send(long, false, false);
        sender.connection.send(long, false, true);
        const encoded = Buffer.from(new TextEncoder().encode(long));
        for (const { payload } of sender.frames()) expect(payload.equals(encoded)).toBe(true);
        receiver.connection.receive(sender.written);
        const [once, twice] = [encoded, Buffer.concat([encoded, encoded])];
        expect(receiver.told).toEqual([
          ['text', once.toString()],
          ['text', twice.toString()],
        ]);
      }),
      runs(300),
    );
  });

  it('[6455-8.1-f] [6455-8.1-c] that ends inside a character fails; what came before it is no part of it (property 20)', () => {
    const open = fc.constantFrom('c3', 'e2', 'e282', 'f0', 'f09f', 'f09f98');
    fc.assert(
      fc.property(role, text, open, text, sizes, key, (role, whole, open, text, sizes, mask) => {
        const bytes = Buffer.concat([Buffer.from(text), Buffer.from(open, 'hex')]);
        const endpoint = new Endpoint({ role });
        // A message of binary with the same bytes first: it must leave nothing behind.
        const before = [
          { opcode: 2, fin: false, payload: bytes, mask },
          { opcode: 0, mask },
        ];
        const first = framesOf(Buffer.from(whole), sizes, mask);
        const second = framesOf(bytes, sizes, mask);
        endpoint.connection.receive(wire(role, [...before, ...first, ...second]));
        expect(heardBy(endpoint).filter(([what]) => what !== 'ping')).toEqual([
          ...[
            ['binary', bytes.toString('hex')],
            ['text', whole],
          ],
          ['fail', 1007],
        ]);
      }),
      runs(200),
    );
  });
});
