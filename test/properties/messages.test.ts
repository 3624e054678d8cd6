// Messages and control frames (§5.4, §5.5) as properties.

import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Endpoint } from '../connection/endpoint.ts';
import type { FrameSpec } from '../support/wire.ts';
import { cut, cuts, fragment, key, payload, role, runs, talk, text, wire } from './arbitraries.ts';
import { heardBy } from './follow.ts';
import { Pipe } from './pipe.ts';

const control = fc.record({
  opcode: fc.constantFrom(9, 10),
  payload: fc.uint8Array({ maxLength: 125 }).map((bytes) => Buffer.from(bytes)),
});

/** Fragment sizes and the control frames that stand between the fragments. */
const shape = fc.record({
  sizes: fc.array(fc.nat(60), { maxLength: 6 }),
  controls: fc.array(fc.array(control, { maxLength: 2 }), { maxLength: 6 }),
});

describe('a message', () => {
  it('[6455-5.4-a] [6455-5.4-b] [6455-5.4-c] [6455-5.4-e] [6455-5.4-g] [6455-5.4-i] [6455-5.4-j] [6455-5.4-l] [6455-5.4-n] is one message however it is fragmented, and controls between come in order (property 11)', () => {
    fc.assert(
      fc.property(role, fc.oneof(text, payload), shape, shape, cuts, (role, content, ...rest) => {
        const [one, another, sizes] = rest;
        const isText = typeof content === 'string';
        const expected = isText ? ['text', content] : ['binary', content.toString('hex')];
        for (const { sizes: at, controls } of [one, another]) {
          const fragments = fragment(Buffer.from(content as string), at);
          const specs = fragments.flatMap((payload, i): FrameSpec[] => {
            const fin = i === fragments.length - 1;
            const opcode = i > 0 ? 0 : isText ? 1 : 2;
            return [{ opcode, fin, payload }, ...(fin ? [] : (controls[i] ?? []))];
          });
          const endpoint = new Endpoint({ role });
          for (const piece of cut(wire(role, specs), sizes)) endpoint.connection.receive(piece);
          const heard = heardBy(endpoint);
          const isMessage = ([what]: readonly unknown[]) => what === 'text' || what === 'binary';
          expect(heard.filter(isMessage)).toEqual([expected]);
          expect(heard.filter((told) => !isMessage(told)).map(([, data]) => data)).toEqual(
            specs
              .filter(({ opcode }) => opcode > 8)
              .map(({ payload }) => (payload as Buffer).toString('hex')),
          );
        }
      }),
      runs(150),
    );
  });

  const faults: Record<string, FrameSpec[]> = {
    'a continuation of nothing': [{ opcode: 0, payload: 'x' }],
    'a message inside a message': [
      { opcode: 1, fin: false, payload: 'x' },
      { opcode: 2, payload: 'y' },
    ],
    'a continuation behind a final one': [
      { opcode: 2, fin: false },
      { opcode: 0 },
      { opcode: 0, fin: false },
    ],
    'half a control frame': [{ opcode: 9, fin: false, payload: 'x' }],
    'a control frame of 126 bytes': [{ opcode: 10, payload: 'x'.repeat(126) }],
    'a padded control frame': [{ opcode: 9, payload: 'x', length: 16 }],
    'a reserved opcode': [{ opcode: 1, fin: false }, { opcode: 5 }],
  };

  it('[6455-5.4-d] [6455-5.4-f] [6455-5.4-k] [6455-5.5-a] [6455-5.5-b] [6455-5.5-c] [6455-5.2-d] [6455-6.2-c] [6455-7.1.7-g] is delivered before a fault of sequence, and none behind it (property 12)', () => {
    fc.assert(
      fc.property(
        role,
        talk,
        fc.constantFrom(...Object.keys(faults)),
        talk,
        cuts,
        (role, before, fault, after, sizes) => {
          const planted = faults[fault] as FrameSpec[];
          const specs = [...before.specs, ...planted, ...after.specs];
          const endpoint = new Endpoint({ role });
          for (const piece of cut(wire(role, specs), sizes)) endpoint.connection.receive(piece);
          const whole = fault === 'a continuation behind a final one' ? [['binary', '']] : [];
          expect(heardBy(endpoint)).toEqual([...before.heard, ...whole, ['fail', 1002]]);
        },
      ),
      runs(200),
    );
  });
});

describe('control frames', () => {
  const ping = fc.uint8Array({ maxLength: 125 }).map((bytes) => Buffer.from(bytes));
  const happening = fc.oneof(
    { weight: 5, arbitrary: fc.record({ ping }) },
    { weight: 1, arbitrary: fc.record({ data: text }) },
    { weight: 2, arbitrary: fc.record({ congested: fc.boolean() }) },
    { weight: 1, arbitrary: fc.constant({ close: 'ours' } as const) },
  );

  it('[6455-5.5.2-b] [6455-5.5.3-a] [6455-5.5.3-b] [6455-5.5.2-f] are answered: Pongs are Pings in order, the last one among them, until a Close has come (property 13)', () => {
    fc.assert(
      fc.property(role, fc.array(happening, { maxLength: 25 }), (role, happenings) => {
        const endpoint = new Endpoint({ role });
        const pings: string[] = [];
        const pongs = (): string[] =>
          endpoint
            .frames()
            .filter(({ opcode }) => opcode === 10)
            .map(({ payload }) => payload.toString('hex'));
        for (const happening of happenings) {
          if ('ping' in happening) {
            pings.push(happening.ping.toString('hex'));
            endpoint.take({ opcode: 9, payload: happening.ping });
          } else if ('data' in happening) {
            endpoint.take({ opcode: 1, payload: happening.data });
          } else if ('congested' in happening) {
            const before = pongs().length;
            endpoint.connection.setCongested(happening.congested);
            // However many Pings wait, one Pong comes of them.
            expect(pongs().length - before).toBeLessThanOrEqual(happening.congested ? 0 : 1);
          } else {
            endpoint.connection.close(1000);
          }
        }
        endpoint.connection.setCongested(false);
        const answers = pongs();
        expect(answers.at(-1)).toBe(pings.at(-1));
        let at = 0;
        for (const answer of answers) {
          at = pings.indexOf(answer, at) + 1;
          expect(at).toBeGreaterThan(0);
        }
        if (!happenings.some((happening) => 'congested' in happening)) {
          expect(answers).toEqual(pings);
        }
        endpoint.take({ opcode: 8 }, { opcode: 9, payload: 'late' });
        expect(pongs()).toEqual(answers);
      }),
      runs(200),
    );
  });

  it('[6455-5.5.3-c] [6455-5.5.3-d] that are Pongs change nothing and are not answered (property 14)', () => {
    fc.assert(
      fc.property(
        role,
        fc.array(ping, { maxLength: 20 }),
        key,
        cuts,
        (role, pongs, mask, sizes) => {
          const endpoint = new Endpoint({ role });
          const specs = pongs.map((payload) => ({ opcode: 10, payload, mask }));
          for (const piece of cut(wire(role, specs), sizes)) endpoint.connection.receive(piece);
          expect(endpoint.frames()).toEqual([]);
          expect(endpoint.connection.state).toBe('open');
          expect(endpoint.told).toEqual(pongs.map((bytes) => ['pong', bytes.toString('hex')]));
        },
      ),
      runs(100),
    );
  });
});

describe('what was sent', () => {
  it('[6455-6.1-f] [6455-6.1-b] [6455-6.1-c] [6455-6.1-d] [6455-5.4-e] [6455-5.4-h] arrives in the order of the calls, as it was (property 15)', () => {
    const sent = fc.record({
      content: fc.oneof(text, payload),
      form: fc.constantFrom('as it is', 'a view', 'in fragments'),
      sizes: fc.array(fc.nat(50), { maxLength: 4 }),
      ping: fc.option(fc.string({ maxLength: 20 })),
    });
    fc.assert(
      fc.property(
        fc.constantFrom('client' as const, 'server' as const),
        fc.array(sent, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 30 }),
        (from, messages, steps) => {
          const pipe = new Pipe();
          const { connection } = pipe[from];
          const to = from === 'client' ? 'server' : 'client';
          const expected: unknown[] = [];
          for (const { content, form, sizes, ping } of messages) {
            const isBinary = typeof content !== 'string';
            const bytes = Buffer.from(content as string);
            if (form === 'as it is') connection.send(content, isBinary);
            if (form === 'a view') connection.send(new Uint8Array(bytes), isBinary);
            if (form === 'in fragments') {
              const fragments = fragment(bytes, sizes);
              fragments.forEach((piece, i) => {
                connection.send(piece, isBinary, i === fragments.length - 1);
                if (ping !== null && i < fragments.length - 1) {
                  connection.ping(ping);
                  expected.push(['ping', Buffer.from(ping).toString('hex')]);
                }
              });
            }
            expected.push(isBinary ? ['binary', bytes.toString('hex')] : ['text', content]);
            const step = steps.pop();
            if (step !== undefined) pipe.deliver(to, step);
          }
          pipe.settle();
          expect(pipe[to].told).toEqual(expected);
        },
      ),
      runs(150),
    );
  });
});
