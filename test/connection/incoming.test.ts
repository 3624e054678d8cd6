// The receiving half alone: messages out of frames, control frames passed through, whose the bytes are,
// and what waits behind a codec that takes its time.

import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { Incoming, type IncomingOwner } from '../../src/connection/incoming.ts';
import type {
  ConnectionCodec,
  ConnectionEvents,
  DecompressedSink,
} from '../../src/connection/ports.ts';
import { ProtocolError } from '../../src/errors.ts';
import { FrameContext, type Role } from '../../src/frame/rules.ts';
import type { FrameSpec } from '../support/wire.ts';
import { peerFrame } from './endpoint.ts';

const RSV1 = 4;

/** A codec that decompresses what it is given when it is told to: into capitals. */
class Capitals {
  /** Whether pieces are done at once. */
  atOnce = true;
  readonly pieces: [text: string, last: boolean, limit: number][] = [];
  #sink: DecompressedSink | null = null;

  decompress(piece: Buffer, last: boolean, limit: number, sink: DecompressedSink): boolean {
    this.pieces.push([piece.toString(), last, limit]);
    this.#sink = sink;
    if (this.atOnce) this.#make();
    return this.atOnce;
  }

  /** The piece that took its time is there. */
  end(fault: unknown = null): void {
    if (fault === null) this.#make();
    this.#sink?.onDecompressEnd(fault);
  }

  #make(): void {
    const [text, last] = this.pieces.at(-1) as [string, boolean, number];
    this.#sink?.onDecompressed(Buffer.from(text.toUpperCase()), last);
  }
}

/** What comes out, in order; messages and payloads as they were given. */
class Log implements IncomingOwner {
  readonly told: unknown[] = [];
  readonly bytes: Buffer[] = [];
  readonly codec = new Capitals();
  readonly incoming: Incoming;
  readonly role: Role;

  constructor(role: Role, isCompressed = false, checkText = true) {
    this.role = role;
    const events = {
      onMessage: (data: Buffer, isBinary: boolean) => {
        this.bytes.push(data);
        this.told.push([isBinary ? 'binary' : 'text', data.toString()]);
      },
    };
    this.incoming = new Incoming(
      new FrameContext(role, 20_000, isCompressed),
      isCompressed ? (this.codec as unknown as ConnectionCodec) : null,
      checkText,
      events as ConnectionEvents,
      this,
    );
  }

  onControl(opcode: number, payload: Buffer): void {
    this.bytes.push(payload);
    this.told.push([opcode, payload.toString()]);
  }

  onSuspend(): void {
    this.told.push('suspend');
  }

  onContinue(fault: unknown): void {
    this.told.push(fault === null ? 'continue' : fault);
    for (let chunk = this.incoming.takeHeld(); chunk; chunk = this.incoming.takeHeld()) {
      this.incoming.read(chunk, false);
    }
  }

  wire(...specs: FrameSpec[]): Buffer {
    return Buffer.concat(specs.map((spec) => peerFrame(this.role, spec)));
  }

  read(...specs: FrameSpec[]): this {
    this.incoming.read(this.wire(...specs), false);
    return this;
  }
}

/** A copy in memory of its own: Node's pool is a large chunk itself in some versions. */
function unpooled(bytes: Buffer, length = bytes.length): Buffer {
  const copy = Buffer.allocUnsafeSlow(length);
  bytes.copy(copy);
  return copy;
}

describe.each(['client', 'server'] as const)('what comes in to a %s', (role) => {
  it('[6455-5.4-e] [6455-5.4-g] [6455-5.4-i] [6455-6.2-c] [6455-6.2-e] is messages and, between their fragments, control frames', () => {
    const { told } = new Log(role).read(
      { opcode: 1, payload: 'whole' },
      { opcode: 2, fin: false, payload: 'in ' },
      { opcode: 9, payload: 'ping' },
      { opcode: 0, fin: false, payload: 'three ' },
      { opcode: 8, payload: '' },
      { opcode: 0, payload: 'parts' },
      { opcode: 1, payload: '' },
    );
    expect(told).toEqual([
      ['text', 'whole'],
      [9, 'ping'],
      [8, ''],
      ['binary', 'in three parts'],
      ['text', ''],
    ]);
  });

  it('is the owner’s to keep where the chunk was borrowed, and a view of it where not', () => {
    for (const borrowed of [true, false]) {
      const log = new Log(role);
      // A short one is a copy always.
      const payload = 'message'.repeat(20);
      const chunk = unpooled(log.wire({ opcode: 2, payload }, { opcode: 10, payload: 'pong' }));
      log.incoming.read(chunk, borrowed);
      chunk.fill('x');
      const seen = log.bytes.map(String);
      expect(seen).toEqual(borrowed ? [payload, 'pong'] : ['x'.repeat(140), 'xxxx']);
    }
  });

  it('is a copy where a view would pin a large chunk', () => {
    const log = new Log(role);
    const small = { opcode: 2, payload: Buffer.alloc(100) };
    const chunk = unpooled(log.wire(small, { ...small, opcode: 9 }), 20_000);
    log.incoming.read(chunk.subarray(0, log.wire(small, { ...small, opcode: 9 }).length), false);
    expect(log.bytes.map(({ buffer }) => buffer === chunk.buffer)).toEqual([false, false]);
  });

  it('[6455-8.1-b] [6455-8.1-e] is refused at the first byte that no text has, whole or in fragments', () => {
    const bad = Buffer.from([0x61, 0xff]);
    for (const specs of [
      [{ opcode: 1, payload: bad }],
      [
        { opcode: 1, fin: false, payload: 'a' },
        { opcode: 0, fin: false, payload: bad },
      ],
    ]) {
      expect(() => new Log(role).read(...specs)).toThrow(
        expect.objectContaining({ closeCode: 1007 }),
      );
      expect(() => new Log(role, false, false).read(...specs)).not.toThrow();
    }
  });

  it('[7692-6-c] [7692-6-j] [7692-6-k] goes through the codec where the first frame says so', () => {
    const log = new Log(role, true).read(
      { opcode: 1, rsv: RSV1, fin: false, payload: 'a' },
      { opcode: 0, fin: false, payload: 'b' },
      { opcode: 9, payload: 'p' },
      { opcode: 0, payload: 'c' },
      { opcode: 2, payload: 'plain' },
      { opcode: 2, rsv: RSV1, payload: 'd' },
    );
    expect(log.told).toEqual([
      [9, 'p'],
      ['text', 'ABC'],
      ['binary', 'plain'],
      ['binary', 'D'],
    ]);
    // Its limit is on what comes out, which only the codec sees grow.
    expect(log.codec.pieces.map(([text, last, limit]) => `${text} ${last} ${limit}`)).toEqual([
      ...['a false 20000', 'b false 20000', 'c true 20000', 'd true 20000'],
    ]);
  });
});

describe('behind a piece that takes its time', () => {
  const slow = { opcode: 1, rsv: RSV1, payload: 'slow' };
  const ping = { opcode: 9, payload: 'ping' };

  it('[6455-6.2-a] everything waits, in order, borrowed or not', () => {
    for (const borrowed of [true, false]) {
      const log = new Log('server', true);
      log.codec.atOnce = false;
      const chunks = [log.wire(slow, ping, slow), log.wire(slow), log.wire(ping)];
      log.incoming.read(chunks[0] as Buffer, borrowed);
      for (const chunk of chunks.slice(1)) log.incoming.hold(chunk, borrowed);
      if (borrowed) for (const chunk of chunks) chunk.fill(0xff);
      expect(log.told).toEqual(['suspend']);
      expect([log.incoming.isSuspended, log.incoming.takeHeld()]).toEqual([true, null]);
      log.codec.end();
      const first = ['suspend', ['text', 'SLOW'], 'continue', [9, 'ping'], 'suspend'];
      expect(log.told).toEqual(first);
      log.codec.end();
      log.codec.end();
      const again = [['text', 'SLOW'], 'continue'];
      expect(log.told).toEqual([...first, ...again, 'suspend', ...again, [9, 'ping']]);
      expect([log.incoming.isSuspended, log.incoming.takeHeld()]).toEqual([false, null]);
    }
  });

  it('nothing waits where it ends its chunk', () => {
    const log = new Log('client', true);
    log.codec.atOnce = false;
    log.read(slow);
    log.codec.end();
    log.read(ping);
    expect(log.told).toEqual(['suspend', ['text', 'SLOW'], 'continue', [9, 'ping']]);
  });

  it('the owner learns what was thrown', () => {
    const log = new Log('client', true);
    log.codec.atOnce = false;
    log.read(slow);
    const fault = new ProtocolError(1007, 'Z_DATA_ERROR', 'bad');
    log.codec.end(fault);
    expect(log.told).toEqual(['suspend', fault]);
  });
});

describe('a run of short fragments', () => {
  const run: readonly FrameSpec[] = [
    ...Array.from('abc', (payload) => ({ opcode: 0, fin: false, payload })),
    { opcode: 9, payload: 'ping' },
    { opcode: 0, fin: false, payload: 'd' },
    { opcode: 0, payload: 'e' },
  ];

  it('[6455-5.4-e] [6455-5.4-g] is its part of the message', () => {
    for (const borrowed of [true, false]) {
      const log = new Log('server');
      const begin = { opcode: 1, fin: false, payload: 'run: ' };
      const chunk = log.wire(begin, ...run, { opcode: 2, payload: 'other' });
      log.incoming.read(chunk, borrowed);
      if (borrowed) chunk.fill(0);
      expect(log.told).toEqual([
        ...[
          [9, 'ping'],
          ['text', 'run: abcde'],
          ['binary', 'other'],
        ],
      ]);
    }
  });

  it('is copied where it was borrowed, also where it is long enough to be kept', () => {
    const begin = { opcode: 2, fin: false };
    const fragment = { opcode: 0, fin: false, payload: 'x'.repeat(100) };
    const log = new Log('server');
    const chunk = log.wire(begin, ...Array(100).fill(fragment));
    log.incoming.read(chunk, true);
    chunk.fill(0);
    log.read({ opcode: 0 });
    expect(log.told).toEqual([['binary', 'x'.repeat(10_000)]]);
  });

  it('[7692-6-j] goes to the codec in one piece, and what follows it waits where that takes its time', () => {
    const begin = { opcode: 1, rsv: RSV1, fin: false, payload: '' };
    const log = new Log('server', true).read(begin, ...run);
    expect(log.told).toEqual([
      [9, 'ping'],
      ['text', 'ABCDE'],
    ]);
    expect(log.codec.pieces.map(([text]) => text)).toEqual(['', 'abc', 'd', 'e']);
    const slow = new Log('server', true).read(begin);
    slow.codec.atOnce = false;
    slow.read(...run);
    expect(slow.told).toEqual(['suspend']);
    slow.codec.end();
    expect(slow.told).toEqual(['suspend', 'continue', [9, 'ping'], 'suspend']);
  });

  it('[6455-8.1-e] is refused with its last byte where text went wrong in the middle of it', () => {
    const log = new Log('server').read({ opcode: 1, fin: false, payload: 'a' });
    const bad = { opcode: 0, fin: false, payload: Buffer.from([0xff]) };
    const good = { opcode: 0, fin: false, payload: 'b' };
    expect(() => log.read(good, bad, good)).toThrow(expect.objectContaining({ closeCode: 1007 }));
  });
});

describe('a stop', () => {
  it('[6455-7.1.7-g] lets nothing more in, in this chunk or a later one', () => {
    const log = new Log('server');
    log.read({ opcode: 1, fin: false, payload: 'begun' });
    log.onControl = () => log.incoming.stop();
    log.read({ opcode: 9 }, { opcode: 0, payload: 'ended' });
    log.read({ opcode: 0, payload: 'ended' });
    expect(log.told).toEqual([]);
  });

  it('[6455-7.1.7-g] lets go of what waited', () => {
    const log = new Log('server', true);
    log.codec.atOnce = false;
    log.read({ opcode: 1, rsv: RSV1, payload: 'slow' }, { opcode: 9 });
    log.incoming.hold(log.wire({ opcode: 9 }), false);
    log.incoming.stop();
    expect([log.incoming.isSuspended, log.incoming.takeHeld()]).toEqual([false, null]);
  });
});
