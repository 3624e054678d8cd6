// Where RSV1 may stand, and that plain messages between compressed ones disturb nothing (RFC 7692 §6).

import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Endpoint, type Told } from '../connection/endpoint.ts';
import { compose, type ForeignMessage, messagePlan } from '../deflate/reference/arbitraries.ts';
import type { FrameSpec } from '../support/wire.ts';
import { cut, cuts, fragment, role, runs, text, wire } from './arbitraries.ts';
import { both, direction, endWith, feed, heardCodes } from './deflate-ends.ts';

/** A frame, and what is heard once it is there. */
interface Entry {
  readonly spec: FrameSpec;
  readonly told: readonly Told[];
}

/** A compressed message or a plain one, in fragments with a control frame before each. */
const message = fc.record({
  content: fc.oneof(messagePlan, text),
  sizes: fc.array(fc.nat(30), { maxLength: 3 }),
  controls: fc.array(fc.constantFrom(0, 9, 10), { maxLength: 4 }),
});

function entriesOf(
  payload: Buffer,
  plain: Buffer,
  rsv: number,
  { sizes, controls }: { sizes: readonly number[]; controls: readonly number[] },
): Entry[] {
  const fragments = fragment(payload, sizes);
  return fragments.flatMap((piece, i): Entry[] => {
    const opcode = controls[i] ?? 0;
    const control: Entry = {
      spec: { opcode, payload: 'c' },
      told: [[opcode === 9 ? 'ping' : 'pong', '63']],
    };
    const fin = i === fragments.length - 1;
    const data: Entry = {
      spec: { opcode: i > 0 ? 0 : 1, rsv: i > 0 ? 0 : rsv, fin, payload: piece },
      told: fin ? [['text', plain.toString()]] : [],
    };
    return opcode === 0 ? [data] : [control, data];
  });
}

describe('RSV1', () => {
  it('[7692-6-c] [7692-6-d] [7692-6-e] [7692-6-g] [7692-6-h] [7692-6-i] [7692-6-k] [6455-5.2-c] stands on first data frames only, and no other frame may have a reserved bit (property 49)', async () => {
    const fault = fc.option(fc.record({ at: fc.nat(), rsv: fc.integer({ min: 1, max: 7 }) }));
    await fc.assert(
      fc.asyncProperty(
        ...[role, fc.array(message, { maxLength: 5 }), direction, fault, cuts, fc.boolean()],
        async (role, messages, direction, fault, sizes, patient) => {
          const plans = messages.flatMap(({ content }) =>
            typeof content === 'string' ? [] : [content],
          );
          const composed = compose(plans, direction);
          const entries = messages.flatMap((message) => {
            const { content } = message;
            if (typeof content === 'string') {
              return entriesOf(Buffer.from(content), Buffer.from(content), 0, message);
            }
            const { compressed, plain } = composed.shift() as ForeignMessage;
            return entriesOf(compressed, plain, 4, message);
          });

          const expected: unknown[] = [];
          const specs: FrameSpec[] = [];
          entries.forEach(({ spec, told }, i) => {
            const isHere = fault !== null && fault.at % entries.length === i;
            // RSV1 on the first frame of a message would only change what it says.
            const isFirst = spec.opcode === 1;
            const breaks = isHere && !(fault.rsv === 4 && isFirst);
            specs.push(breaks ? { ...spec, rsv: fault.rsv } : spec);
            if (expected.at(-1)?.toString() === 'fail,1002') return;
            if (breaks) expected.push(['fail', 1002]);
            else expected.push(...told);
          });
          const endpoint = endWith(role, both(direction));
          await feed(endpoint, cut(wire(role, specs), sizes), patient);
          expect(heardCodes(endpoint)).toEqual(expected);
        },
      ),
      runs(250),
    );
  }, 60_000);

  it('[6455-5.2-c] has no meaning where nothing was agreed on (property 49)', () => {
    fc.assert(
      fc.property(role, fc.constantFrom(0, 1, 2, 9, 10), cuts, (role, opcode, sizes) => {
        const endpoint = new Endpoint({ role });
        const specs: FrameSpec[] = [
          { opcode: 1, fin: opcode !== 0, payload: 'first' },
          { opcode, rsv: 4, payload: Buffer.from('f248cdc9c90700', 'hex') },
        ];
        for (const piece of cut(wire(role, specs), sizes)) endpoint.connection.receive(piece);
        const first = opcode === 0 ? [] : [['text', 'first']];
        expect(heardCodes(endpoint)).toEqual([...first, ['fail', 1002]]);
      }),
      runs(50),
    );
  });

  it('[7692-6-i] [6455-8.1-c] on a text that breaks off or is wrong after decompression ends with 1007', async () => {
    // "Hello" and the beginning of a euro sign; a stored block.
    const bytes = Buffer.from([...Buffer.from('Hello'), 0xe2, 0x82]);
    const stored = Buffer.concat([Buffer.from([0, 7, 0, 0xf8, 0xff]), bytes, Buffer.from([0])]);
    for (const role of ['client', 'server'] as const) {
      const endpoint = endWith(role, both({ takeover: true, bits: 15 }));
      endpoint.take({ opcode: 1, rsv: 4, payload: stored });
      expect(heardCodes(endpoint)).toEqual([['fail', 1007]]);
      const binary = endWith(role, both({ takeover: true, bits: 15 }));
      binary.take({ opcode: 2, rsv: 4, payload: stored });
      expect(heardCodes(binary)).toEqual([['binary', bytes.toString('hex')]]);
    }
  });
});
