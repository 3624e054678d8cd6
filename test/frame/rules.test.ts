// The rules a header can break, each over all of its input: both roles, all 256 first bytes, all 256
// second bytes. What is expected is written out from §5.2, §5.4 and §5.5, not computed from the code.

import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/errors.ts';
import {
  checkExtendedLength,
  checkFirstByte,
  checkLengthTopBit,
  checkSecondByte,
  FrameContext,
  type Role,
} from '../../src/frame/rules.ts';

/** Which rule `check` finds broken: close code and name, or 'fine'. */
function verdict(check: () => void): string {
  try {
    check();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return `${error.closeCode} ${error.code}`;
  }
  return 'fine';
}

const ALL = Array.from({ length: 256 }, (_, byte) => byte);
const inMessage = (role: Role = 'server'): FrameContext => {
  const context = new FrameContext(role, Infinity, true);
  context.enter(false, 0);
  return context;
};

describe('checkFirstByte', () => {
  it('[6455-5.2-c] [6455-5.2-d] [6455-5.5-b] [6455-5.4-f] takes exactly the legal bytes', () => {
    const legal = (context: FrameContext): number[] =>
      ALL.filter((first) => verdict(() => checkFirstByte(first, context)) === 'fine');
    const control = [0x88, 0x89, 0x8a];
    // Between messages a message begins, whole or not; inside one it goes on.
    expect(legal(new FrameContext('server'))).toEqual([0x01, 0x02, 0x81, 0x82, ...control]);
    const plain = new FrameContext('client');
    plain.enter(false, 1);
    expect(legal(plain)).toEqual([0x00, 0x80, ...control]);
    // RFC 7692 §6: RSV1 on the first frame of a message, nowhere else.
    expect(legal(new FrameContext('client', Infinity, true))).toEqual([
      ...[0x01, 0x02, 0x41, 0x42, 0x81, 0x82],
      ...control,
      ...[0xc1, 0xc2],
    ]);
    expect(legal(inMessage())).toEqual([0x00, 0x80, ...control]);
  });

  it.each([
    ['[6455-5.2-c] RSV2', 0xa1, '1002 WS_ERR_UNEXPECTED_RSV_2_3'],
    ['[6455-5.2-c] RSV3', 0x91, '1002 WS_ERR_UNEXPECTED_RSV_2_3'],
    ['[6455-5.2-c] RSV1 without an extension', 0xc1, '1002 WS_ERR_UNEXPECTED_RSV_1'],
    ['[6455-5.2-c] RSV1 on a control frame', 0xc9, '1002 WS_ERR_UNEXPECTED_RSV_1'],
    ['[6455-5.2-d] a reserved data opcode', 0x83, '1002 WS_ERR_INVALID_OPCODE'],
    ['[6455-5.2-d] a reserved control opcode', 0x8b, '1002 WS_ERR_INVALID_OPCODE'],
    ['[6455-5.5-b] [6455-5.4-d] a control frame without FIN', 0x09, '1002 WS_ERR_EXPECTED_FIN'],
    ['[6455-5.4-k] a continuation of nothing', 0x80, '1002 WS_ERR_INVALID_OPCODE'],
  ])('names what is wrong: %s', (_, first, expected) => {
    expect(verdict(() => checkFirstByte(first, new FrameContext('server')))).toBe(expected);
  });

  it('[6455-5.2-c] names RSV1 on a continuation, agreed or not', () => {
    expect(verdict(() => checkFirstByte(0xc0, inMessage()))).toBe('1002 WS_ERR_UNEXPECTED_RSV_1');
  });

  it('[6455-5.4-f] names a new message inside a message', () => {
    expect(verdict(() => checkFirstByte(0x81, inMessage()))).toBe('1002 WS_ERR_INVALID_OPCODE');
  });
});

describe('checkSecondByte', () => {
  const taken = (first: number, role: Role): number[] => {
    const context = new FrameContext(role);
    return ALL.filter(
      (second) => verdict(() => checkSecondByte(first, second, context)) === 'fine',
    );
  };
  const from = (low: number, high: number): number[] => ALL.slice(low, high + 1);

  it('[6455-5.1-c] [6455-5.1-d] wants every frame masked on a server', () => {
    expect(taken(0x81, 'server')).toEqual(from(0x80, 0xff));
    expect(verdict(() => checkSecondByte(0x81, 0x05, new FrameContext('server')))).toBe(
      '1002 WS_ERR_EXPECTED_MASK',
    );
  });

  it('[6455-5.1-f] [6455-5.1-g] wants no frame masked on a client', () => {
    expect(taken(0x02, 'client')).toEqual(from(0x00, 0x7f));
    expect(verdict(() => checkSecondByte(0x02, 0x85, new FrameContext('client')))).toBe(
      '1002 WS_ERR_UNEXPECTED_MASK',
    );
  });

  it('[6455-5.5-a] [6455-5.5-c] takes at most 125 bytes in a control frame, and no longer form', () => {
    expect(taken(0x89, 'client')).toEqual(from(0, 125));
    expect(taken(0x8a, 'server')).toEqual(from(0x80, 0x80 + 125));
    for (const length of [126, 127]) {
      expect(verdict(() => checkSecondByte(0x89, length, new FrameContext('client')))).toBe(
        '1002 WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
      );
    }
  });

  it('[6455-5.5.1-c] refuses a Close of one byte', () => {
    expect(taken(0x88, 'client')).toEqual([0, ...from(2, 125)]);
    expect(verdict(() => checkSecondByte(0x88, 1, new FrameContext('client')))).toBe(
      '1002 WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
    );
  });
});

describe('the extended length', () => {
  it('[6455-5.2-o] has a clear top bit', () => {
    const taken = ALL.filter((byte) => verdict(() => checkLengthTopBit(byte)) === 'fine');
    expect(taken).toEqual(ALL.slice(0, 0x80));
    expect(verdict(() => checkLengthTopBit(0x80))).toBe('1002 WS_ERR_NON_MINIMAL_LENGTH');
  });

  it('[6455-5.2-n] is refused where a shorter form would do', () => {
    const form = (high: number, low: number, form: 126 | 127): string =>
      verdict(() => checkExtendedLength(high, low, form));
    expect(form(0, 0, 126)).toBe('1002 WS_ERR_NON_MINIMAL_LENGTH');
    expect(form(0, 125, 126)).toBe('1002 WS_ERR_NON_MINIMAL_LENGTH');
    expect(form(0, 126, 126)).toBe('fine');
    expect(form(0, 0xffff, 126)).toBe('fine');
    expect(form(0, 0, 127)).toBe('1002 WS_ERR_NON_MINIMAL_LENGTH');
    expect(form(0, 0xffff, 127)).toBe('1002 WS_ERR_NON_MINIMAL_LENGTH');
    expect(form(0, 0x1_0000, 127)).toBe('fine');
    expect(form(1, 0, 127)).toBe('fine');
  });

  it('[6455-5.2-p] ends where a double stops being exact', () => {
    expect(verdict(() => checkExtendedLength(0x1f_ffff, 0xffff_ffff, 127))).toBe('fine');
    expect(verdict(() => checkExtendedLength(0x20_0000, 0, 127))).toBe(
      '1009 WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
    );
  });
});

describe('FrameContext', () => {
  it('[6455-10.4-b] counts a message over its fragments, and begins anew behind the final one', () => {
    const context = new FrameContext('server', 10);
    const tooLong = '1009 WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
    expect(verdict(() => context.checkMessageLength(10))).toBe('fine');
    expect(verdict(() => context.checkMessageLength(11))).toBe(tooLong);
    context.enter(false, 6);
    expect(verdict(() => context.checkMessageLength(4))).toBe('fine');
    expect(verdict(() => context.checkMessageLength(5))).toBe(tooLong);
    context.enter(false, 4);
    expect(verdict(() => context.checkMessageLength(1))).toBe(tooLong);
    context.enter(true, 0);
    expect(context.inMessage).toBe(false);
    expect(verdict(() => context.checkMessageLength(10))).toBe('fine');
  });

  it('[6455-10.4-c] counts the fragments of a message: as many as allowed, not one more', () => {
    const context = new FrameContext('server', Infinity, false, 3);
    for (let message = 0; message < 2; message++) {
      context.enter(false, 0);
      context.enter(false, 0);
      context.enter(true, 0);
    }
    context.enter(false, 0);
    context.enter(false, 0);
    expect(verdict(() => context.enter(false, 0))).toBe('1008 WS_ERR_TOO_MANY_BUFFERED_PARTS');
  });

  it('[6455-10.4-b] [6455-10.4-c] says what is left, and counts fragments taken together as one by one', () => {
    const context = new FrameContext('server', 10, false, 5);
    expect([context.room, context.fragmentsLeft]).toEqual([10, 4]);
    context.enter(false, 1);
    context.enterRun(2, 6);
    expect([context.inMessage, context.messageLength, context.fragments]).toEqual([true, 7, 3]);
    expect([context.room, context.fragmentsLeft]).toEqual([3, 1]);
    context.enterRun(1, 3);
    expect([context.room, context.fragmentsLeft]).toEqual([0, 0]);
    expect(verdict(() => context.checkMessageLength(1))).toMatch(/^1009 /);
    expect(verdict(() => context.enter(false, 0))).toMatch(/^1008 /);
  });

  it('sets no limit unless told', () => {
    const context = new FrameContext('client');
    expect(verdict(() => context.checkMessageLength(Number.MAX_SAFE_INTEGER))).toBe('fine');
    for (let i = 0; i < 10_000; i++) context.enter(false, 1);
    expect(context.messageLength).toBe(10_000);
    expect([context.room, context.fragmentsLeft]).toEqual([Infinity, Infinity]);
    expect(context.rsv1).toBe(false);
  });
});
