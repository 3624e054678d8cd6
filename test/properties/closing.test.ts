// The closing handshake (§7) as properties: one endpoint against any bytes, and two against each other.

import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCloseCode } from '../../src/frame/close.ts';
import { closeBody, Endpoint } from '../connection/endpoint.ts';
import {
  badUtf8,
  closeCode,
  cut,
  cuts,
  dialogue,
  frame,
  key,
  reason,
  role,
  runs,
  talk,
  text,
  wire,
} from './arbitraries.ts';
import { heardBy } from './follow.ts';
import { closesOf, other, Pipe, type Side } from './pipe.ts';
import { judge, mayBeSent } from './reference.ts';

/** §7.1.5: an end without the peer's Close. */
const UNCLEAN = { closeCode: 1006, wasClean: false } as const;

describe('a close code', () => {
  it('[6455-7.4.1-a] [6455-7.4.1-b] [6455-7.4.1-c] [6455-7.4.1-d] [6455-7.4.2-a] [6455-7.4.2-b] [6455-7.4.2-c] [6455-7.4.2-d] [6455-7.4.2-e] [6455-7.4-b] is taken and sent as the table says, from 0 to 65535 (property 21)', () => {
    for (let code = 0; code <= 65535; code++) {
      if (isCloseCode(code) !== mayBeSent(code)) expect.fail(`${code}`);
      const endpoint = new Endpoint({ role: 'client' });
      endpoint.connection.receive(wire('client', [{ opcode: 8, payload: closeBody(code) }]));
      const [told] = heardBy(endpoint);
      const expected = mayBeSent(code) ? `close,${code},` : 'fail,1002';
      if (`${told}` !== expected) expect.fail(`${code}: ${told}`);
      // What leaves is the code that came, or 1002: no other path puts a code on the wire.
      const [closed] = closesOf(endpoint);
      if (closed?.readUInt16BE(0) !== (mayBeSent(code) ? code : 1002)) expect.fail(`${code}`);

      const sender = new Endpoint({ role: 'server' });
      let threw = false;
      try {
        sender.connection.close(code);
      } catch (error) {
        threw = error instanceof TypeError;
      }
      if (threw === mayBeSent(code)) expect.fail(`${code}`);
      if (sender.connection.state !== (threw ? 'open' : 'sent')) expect.fail(`${code}`);
    }
  });

  it('[6455-5.5.1-a] [6455-5.5.1-b] [6455-5.5.1-c] [6455-5.5.1-d] [6455-5.5.1-k] [6455-8.1-i] [6455-7.1.6-a] is read with its reason out of a body of 0 to 125 bytes, and echoed (property 22)', () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 125 }).map((bytes) => Buffer.from(bytes)),
      fc.tuple(fc.nat(65535), reason).map(([code, reason]) => closeBody(code, reason)),
      fc.tuple(closeCode, reason).map(([code, reason]) => closeBody(code, reason)),
      fc
        .tuple(closeCode, badUtf8)
        .map(([code, { bytes }]) => closeBody(code, bytes.subarray(0, 123))),
      fc.constant(Buffer.alloc(0)),
    );
    fc.assert(
      fc.property(role, body, key, cuts, (role, body, mask, sizes) => {
        const bytes = wire(role, [{ opcode: 8, payload: body, mask }]);
        const { heard } = judge(bytes, { role });
        const endpoint = new Endpoint({ role });
        for (const piece of cut(bytes, sizes)) endpoint.connection.receive(piece);
        expect(heardBy(endpoint)).toEqual(heard);
        const [closed, ...more] = closesOf(endpoint);
        expect(more).toEqual([]);
        const [what, code] = heard[0] as ['close' | 'fail', number];
        const expected = what === 'close' ? body : closeBody(code);
        expect(closed?.toString('hex')).toBe(expected.toString('hex'));
        expect(endpoint.connection.wasClean).toBe(what === 'close');
      }),
      runs(500),
    );
  });

  it('[6455-5.5.1-d] [6455-7.4-b] needs a reason of at most 123 bytes, or nothing changes (property 23)', () => {
    fc.assert(
      fc.property(role, closeCode, text, fc.nat(130), (role, code, text, pad) => {
        const long = text + '.'.repeat(pad);
        const endpoint = new Endpoint({ role });
        const close = () => endpoint.connection.close(code, long);
        if (Buffer.byteLength(long) > 123) {
          expect(close).toThrow(RangeError);
          expect(endpoint.connection.state).toBe('open');
          expect(endpoint.frames()).toEqual([]);
        } else {
          close();
          expect(closesOf(endpoint)).toEqual([closeBody(code, long)]);
        }
      }),
      runs(300),
    );
  });
});

describe('behind a Close', () => {
  it('[6455-7.1.1-d] [6455-7.1.5-a] [6455-5.5.1-q] anything makes no difference (property 24)', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
      fc.array(frame, { maxLength: 3 }).map((specs) => wire('server', specs)),
      fc.array(frame, { maxLength: 3 }).map((specs) => wire('client', specs)),
      dialogue.map(({ specs }) => wire('server', specs)),
    );
    const ends = fc.tuple(talk, fc.boolean(), closeCode, reason);
    fc.assert(
      fc.property(role, ends, anything, cuts, fc.boolean(), (role, end, more, sizes, ours) => {
        const [talk, inMessage, code, reason] = end;
        const half = inMessage ? [{ opcode: 2, fin: false, payload: 'half' }] : [];
        const close = { opcode: 8, payload: closeBody(code, reason) };
        const bytes = wire(role, [...talk.specs, ...half, close]);
        const alone = new Endpoint({ role });
        const followed = new Endpoint({ role });
        for (const [endpoint, all] of [
          [alone, bytes],
          [followed, Buffer.concat([bytes, more])],
        ] as const) {
          if (ours) endpoint.connection.close();
          for (const piece of cut(all, sizes)) endpoint.connection.receive(piece);
          endpoint.connection.receiveEnd();
        }
        expect(followed.told).toEqual([...talk.heard, ['close', code, reason]]);
        expect(followed.told).toEqual(alone.told);
        const frames = (endpoint: Endpoint) =>
          endpoint.frames().map(({ opcode, payload }) => [opcode, payload.toString('hex')]);
        expect(frames(followed)).toEqual(frames(alone));
        expect(followed.ended).toBe(alone.ended);
        expect(followed.connection).toMatchObject({ closeCode: code, wasClean: true });
      }),
      runs(150),
    );
  });
});

describe('two endpoints', () => {
  const side = fc.constantFrom<Side>('client', 'server');
  const delivery = fc.record({ to: side, count: fc.integer({ min: 1, max: 40 }) });
  const saying = fc.record({ from: side, say: fc.string({ maxLength: 60 }) });
  const happenings = fc.array(fc.oneof({ weight: 3, arbitrary: delivery }, saying), {
    maxLength: 20,
  });

  function go(
    pipe: Pipe,
    happenings: readonly ({ to: Side; count: number } | { from: Side; say: string })[],
  ): void {
    for (const happening of happenings) {
      if ('to' in happening) pipe.deliver(happening.to, happening.count);
      else pipe[happening.from].connection.send(happening.say, false);
    }
  }

  const ending = fc.record({ code: fc.option(closeCode, { nil: undefined }), reason });
  const closing = fc.record({ before: happenings, first: side, between: happenings });

  it('[6455-5.5.1-p] [6455-5.5.1-h] [6455-7.1.5-a] [6455-7.1.5-d] [6455-7.1.1-c] [6455-7.1.2-a] [6455-7.1.2-b] [6455-7.1.3-a] [6455-5.5.1-g] that close, one or both, send one Close each and end clean with the code of the other, the server first (property 25)', () => {
    fc.assert(
      fc.property(closing, ending, fc.option(ending), (course, one, two) => {
        const pipe = new Pipe();
        const { first } = course;
        const second = other(first);
        const body = ({ code, reason }: typeof one) =>
          code === undefined ? Buffer.alloc(0) : closeBody(code, reason);
        const close = (side: Side, { code, reason }: typeof one) =>
          pipe[side].connection.close(code, code === undefined ? undefined : reason);

        go(pipe, course.before);
        close(first, one);
        go(pipe, course.between);
        // The second one answers by itself if the Close has come, or says its own.
        const crossing = two !== null && pipe[second].connection.state === 'open';
        if (two !== null) close(second, two);
        pipe.settle();

        const answer = crossing ? two : one;
        expect(closesOf(pipe[first])).toEqual([body(one)]);
        expect(closesOf(pipe[second])).toEqual([body(answer)]);
        for (const [side, peers] of [
          [first, answer],
          [second, one],
        ] as const) {
          expect(pipe[side].connection).toMatchObject({
            ...{ closeCode: peers.code ?? 1005, wasClean: true, state: 'complete' },
          });
          const said = peers.code === undefined ? '' : peers.reason;
          expect(pipe[side].connection.closeReason.toString()).toBe(said);
          expect(pipe[side].frames().at(-1)?.opcode).toBe(8);
          expect(pipe[side].told.filter(([what]) => what === 'close').length).toBe(1);
        }
        expect(pipe.firstToEnd).toBe('server');
      }),
      runs(300),
    );
  });

  it('[6455-5.5.1-j] [6455-5.1-a] [6455-5.5.1-g] [6455-5.5.1-h] [6455-5.5.1-p] that are busy now and then lose nothing that they could send, whoever closes when', () => {
    const busy = fc.record({ side, busy: fc.boolean() });
    const close = fc.record({ closer: side, code: closeCode });
    const happening = fc.oneof(
      ...[
        { weight: 4, arbitrary: delivery },
        { weight: 4, arbitrary: saying },
      ],
      ...[
        { weight: 3, arbitrary: busy },
        { weight: 1, arbitrary: close },
      ],
    );
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), side, (course, last) => {
        const pipe = new Pipe();
        const sent: Record<Side, string[]> = { client: [], server: [] };
        for (const each of [...course, { closer: last, code: 1000 }]) {
          if ('to' in each) pipe.deliver(each.to, each.count);
          else if ('busy' in each) pipe[each.side].connection.setBusy(each.busy);
          else if ('closer' in each) pipe[each.closer].connection.close(each.code);
          else if (pipe[each.from].connection.send(each.say, false) >= 0) {
            sent[each.from].push(each.say);
          }
        }
        pipe.settle();
        for (const side of ['client', 'server'] as const) {
          const { connection } = pipe[side];
          if (connection.state !== 'received') continue;
          // It has not answered, as it is busy, and may still send.
          expect(closesOf(pipe[side])).toEqual([]);
          expect(connection.send('at last', false)).toBe(7);
          sent[side].push('at last');
          connection.setBusy(false);
        }
        pipe.settle();
        for (const side of ['client', 'server'] as const) {
          const heard = pipe[other(side)].told.filter(([what]) => what === 'text');
          expect(heard.map(([, said]) => said)).toEqual(sent[side]);
          expect(pipe[side].connection).toMatchObject({ state: 'complete', wasClean: true });
          expect(closesOf(pipe[side])).toHaveLength(1);
          expect(pipe[side].frames().at(-1)?.opcode).toBe(8);
        }
        expect(pipe.firstToEnd).toBe('server');
      }),
      runs(300),
    );
  });

  it('[6455-7.2.1-b] [6455-7.1.4-a] [6455-7.1.5-c] [6455-7.1.3-a] whose transport is cut, after whatever prefix, are clean if both Close frames had passed and else have 1006 (property 27)', () => {
    fc.assert(
      fc.property(closing, closeCode, side, (course, code, starves) => {
        // The dialogue goes over a wire that is cut after `limit` bytes to one of the sides.
        const run = (limit: number): { pipe: Pipe; came: number } => {
          const pipe = new Pipe();
          go(pipe, course.before);
          pipe[course.first].connection.close(code);
          go(pipe, course.between);
          let came = 0;
          while (came < limit && pipe.deliver(starves, 1)) {
            came++;
            pipe.deliver(other(starves), 100_000);
          }
          pipe.cut();
          return { pipe, came };
        };
        const { came: all } = run(Infinity);
        for (let limit = 0; limit <= all; limit++) {
          const { pipe } = run(limit);
          for (const endpoint of [pipe.client, pipe.server]) {
            const { connection } = endpoint;
            const hadClose = endpoint.told.some(([what]) => what === 'close');
            expect(connection.wasClean).toBe(hadClose && closesOf(endpoint).length === 1);
            expect(connection.state).toBe(hadClose ? 'complete' : 'lost');
            if (!hadClose) expect(connection).toMatchObject(UNCLEAN);
            else expect(connection.closeCode).toBe(code);
            expect(endpoint.told.some(([what]) => what === 'fail')).toBe(false);
            // Nothing moves any more.
            const told = endpoint.told.length;
            endpoint.take({ opcode: 1, payload: 'late' }, { opcode: 8 });
            expect(endpoint.told.length).toBe(told);
          }
        }
      }),
      runs(40),
    );
  });
});

describe('a violation', () => {
  const violation = fc.constantFrom(
    { code: 1002, specs: [{ opcode: 3 }] },
    { code: 1002, specs: [{ opcode: 0, payload: 'x' }] },
    { code: 1002, specs: [{ opcode: 1, rsv: 4, payload: 'x' }] },
    { code: 1002, specs: [{ opcode: 9, fin: false }] },
    { code: 1002, specs: [{ opcode: 8, payload: 'x' }] },
    { code: 1002, specs: [{ opcode: 8, payload: closeBody(1006) }] },
    { code: 1007, specs: [{ opcode: 1, payload: Buffer.from([0xff]) }] },
    { code: 1007, specs: [{ opcode: 8, payload: closeBody(1000, Buffer.from([0xc3])) }] },
    { code: 1009, specs: [{ opcode: 2, announcedLength: 100_001 }] },
    { code: 1009, specs: [{ opcode: 2, length: 64 as const, announcedLength: 2n ** 62n }] },
  );

  it('[6455-7.1.5-c] [6455-7.1.7-a] [6455-7.1.7-c] [6455-7.1.7-e] [6455-7.1.7-g] [6455-7.1.7-b] ends with 1006, one fault told, at most one Close with the code for it, nothing behind it (property 26)', () => {
    fc.assert(
      fc.property(
        role,
        talk,
        violation,
        dialogue,
        cuts,
        fc.option(closeCode),
        (role, before, { code, specs }, after, sizes, ours) => {
          const endpoint = new Endpoint({ role, maxPayload: 100_000 });
          if (ours !== null) endpoint.connection.close(ours);
          const bytes = wire(role, [...before.specs, ...specs, ...after.specs]);
          for (const piece of cut(bytes, sizes)) endpoint.connection.receive(piece);
          endpoint.connection.receiveEnd();
          expect(heardBy(endpoint)).toEqual([...before.heard, ['fail', code]]);
          expect(endpoint.connection).toMatchObject({ ...UNCLEAN, state: 'failed' });
          expect(closesOf(endpoint)).toEqual([closeBody(ours ?? code)]);
          expect(endpoint.ended).toBe(1);
          // No Pong behind the Close of a failed connection.
          if (ours === null) expect(endpoint.frames().at(-1)?.opcode).toBe(8);
        },
      ),
      runs(200),
    );
  });
});
