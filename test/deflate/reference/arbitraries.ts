// DEFLATE streams as some other compressor might write them, with the plain text that they stand for:
// any block types, BFINAL anywhere, flush marks, matches that reach into earlier messages. A plan is
// drawn without regard to what it may reach; `compose` makes messages of it that keep an agreement.

import fc from 'fast-check';
import { TAIL } from './inflate.ts';
import { type Shape, StreamWriter, type Token } from './write.ts';

/** A literal, or a match `back` bytes behind (modulo what there is to reach). */
type Step = number | { readonly length: number; readonly back: number };

interface BlockPlan {
  readonly type: 'stored' | 'fixed' | 'dynamic' | 'sync' | 'full' | 'partial';
  /** Bytes that a stored block has besides its literals: so many that it takes some time to read. */
  readonly bulk: number;
  readonly steps: readonly Step[];
  readonly final: boolean;
  readonly shape: Shape;
}

export interface MessagePlan {
  readonly blocks: readonly BlockPlan[];
  /** Whether the empty block that lends the message its tail is a final one, which is unusual. */
  readonly endsFinal: boolean;
}

/** What both ends agreed on for the direction. */
export interface Agreement {
  /** Logarithm of the window. */
  readonly bits: number;
  /** The window is kept from one message to the next. */
  readonly takeover: boolean;
}

export interface ForeignMessage {
  /** The payload of the message, without the tail (RFC 7692 §7.2.1). */
  readonly compressed: Buffer;
  readonly plain: Buffer;
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
  {
    weight: 2,
    arbitrary: fc.record({
      length: fc.oneof(fc.integer({ min: 3, max: 20 }), fc.integer({ min: 3, max: 258 })),
      back: fc.oneof(
        fc.nat(20),
        fc.nat(32_767),
        // The farthest that can be reached, whatever it is.
        fc.constant(-1),
      ),
    }),
  },
);

const shape: fc.Arbitrary<Shape> = fc.record({
  splits: fc.oneof(
    fc.constantFrom([0], [1], [299]),
    fc.array(fc.nat(300), { minLength: 1, maxLength: 5 }),
  ),
  repeats: fc.boolean(),
});

const block: fc.Arbitrary<BlockPlan> = fc.record({
  type: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('fixed' as const, 'dynamic' as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        ...(['stored', 'sync', 'full', 'partial'] satisfies BlockPlan['type'][]),
      ),
    },
  ),
  bulk: fc.oneof(
    { weight: 12, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 10_000, max: 60_000 }) },
  ),
  steps: fc.array(step, { maxLength: 30 }),
  final: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
  shape,
});

export const messagePlan: fc.Arbitrary<MessagePlan> = fc.record({
  blocks: fc.array(block, { maxLength: 4 }),
  endsFinal: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
});

/** The same without final blocks, for those who stop there. */
export const plainPlan: fc.Arbitrary<MessagePlan> = messagePlan.map(({ blocks }) => ({
  blocks: blocks.map((block) => ({ ...block, final: false })),
  endsFinal: false,
}));

export const agreement: fc.Arbitrary<Agreement> = fc.record({
  bits: fc.integer({ min: 8, max: 15 }),
  takeover: fc.boolean(),
});

/**
 * The messages of a plan, one after the other in one direction of a connection. Matches stay within
 * the window agreed on, and reach into earlier messages where that is allowed; but never behind a
 * final block or a full flush, as a decoder may have forgotten there.
 */
export function compose(
  plans: readonly MessagePlan[],
  { bits, takeover }: Agreement,
): ForeignMessage[] {
  const composer = new Composer(2 ** bits);
  return plans.map((plan) => {
    if (!takeover) composer.forget();
    return composer.message(plan);
  });
}

class Composer {
  readonly #reach: number;
  /** Everything that may be reached and somewhat more, newest last. */
  #history: number[] = [];
  #plain: number[] = [];

  constructor(reach: number) {
    this.#reach = reach;
  }

  forget(): void {
    this.#history = [];
  }

  message({ blocks, endsFinal }: MessagePlan): ForeignMessage {
    const writer = new StreamWriter();
    this.#plain = [];
    for (const block of blocks) this.#block(writer, block);
    writer.stored(new Uint8Array(0), endsFinal);
    if (endsFinal) this.forget();
    const bytes = writer.bytes();
    if (!bytes.subarray(-4).equals(TAIL)) throw new Error('a message that does not end as it must');
    return { compressed: bytes.subarray(0, -4), plain: Buffer.from(this.#plain) };
  }

  #block(writer: StreamWriter, { type, bulk, steps, final, shape }: BlockPlan): void {
    if (type === 'partial') writer.partialFlush();
    if (type === 'sync' || type === 'full') writer.flush();
    if (type === 'fixed') writer.fixed(this.#resolve(steps), final);
    if (type === 'dynamic') writer.dynamic(this.#resolve(steps), final, shape);
    if (type === 'stored') {
      const filling = Array.from({ length: bulk }, (_, i) => 0x20 + ((i * i * 7) % 95));
      const literals = [...steps.filter((step) => typeof step === 'number'), ...filling];
      for (const byte of literals) this.#put(byte);
      writer.stored(Uint8Array.from(literals), final);
    }
    const ends = final && (type === 'fixed' || type === 'dynamic' || type === 'stored');
    if (ends || type === 'full') this.forget();
  }

  /** Matches with nothing to reach become literals. */
  #resolve(steps: readonly Step[]): Token[] {
    return steps.map((step) => {
      const reach = Math.min(this.#history.length, this.#reach);
      if (typeof step === 'number' || reach === 0) {
        const byte = typeof step === 'number' ? step : 0x2e;
        this.#put(byte);
        return byte;
      }
      const distance = step.back < 0 ? reach : 1 + (step.back % reach);
      for (let i = 0; i < step.length; i++) {
        this.#put(this.#history[this.#history.length - distance]);
      }
      return { length: step.length, distance };
    });
  }

  #put(byte: number): void {
    this.#history.push(byte);
    this.#plain.push(byte);
  }
}
