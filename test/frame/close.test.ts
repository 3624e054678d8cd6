// The Close body (§5.5.1) and the code table (§7.4), over every code a Close frame could carry.

import { Buffer } from 'node:buffer';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/errors.ts';
import {
  ABNORMAL_CLOSURE,
  decodeClose,
  encodeClose,
  isCloseCode,
  MAX_REASON_LENGTH,
  NO_STATUS_RECEIVED,
} from '../../src/frame/close.ts';

/** §7.4.1, §7.4.2 and the registry, by hand. */
const LEGAL = [
  [1000, 1003],
  [1007, 1014],
  [3000, 4999],
] as const;

function body(code: number, reason: Uint8Array | string = ''): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return `${error.closeCode} ${error.code}`;
    return (error as Error).constructor.name;
  }
  return 'taken';
}

describe('isCloseCode', () => {
  it('[6455-7.4.1-a] [6455-7.4.1-b] [6455-7.4.1-c] [6455-7.4.1-d] [6455-7.4.1-e] [iana-close-a] [6455-7.4.2-a] [6455-7.4.2-b] [6455-7.4.2-c] [6455-7.4.2-d] [6455-7.4.2-e] is the table, from 0 to 65535', () => {
    for (let code = 0; code <= 65535; code++) {
      const legal = LEGAL.some(([first, last]) => code >= first && code <= last);
      if (isCloseCode(code) !== legal) expect.fail(`${code}`);
      // Both directions keep to the same table.
      expect(refusal(() => decodeClose(body(code)))).toBe(
        legal ? 'taken' : '1002 WS_ERR_INVALID_CLOSE_CODE',
      );
      expect(refusal(() => encodeClose(code))).toBe(legal ? 'taken' : 'TypeError');
    }
  });

  it.each([-1, 1000.5, 4999.9, 66536, NaN, Infinity])('holds for no other number: %d', (code) => {
    expect(isCloseCode(code)).toBe(false);
    expect(() => encodeClose(code)).toThrow(TypeError);
  });

  it('names the codes that stand for what is not on the wire', () => {
    expect([NO_STATUS_RECEIVED, ABNORMAL_CLOSURE]).toEqual([1005, 1006]);
  });
});

describe('decodeClose', () => {
  it('[6455-7.1.5-b] [6455-5.5.1-a] gives 1005 for an empty body', () => {
    expect(decodeClose(Buffer.alloc(0))).toEqual({ code: 1005, reason: Buffer.alloc(0) });
  });

  it('[6455-5.5.1-c] refuses a body of one byte', () => {
    expect(refusal(() => decodeClose(Buffer.from([3])))).toBe(
      '1002 WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
    );
  });

  it('[6455-5.5.1-b] [6455-5.5.1-d] reads the code in network order, and the reason behind it', () => {
    const { code, reason } = decodeClose(body(0x0bb9, 'schön'));
    expect(code).toBe(3001);
    expect(reason.toString()).toBe('schön');
  });

  it('[6455-8.1-i] refuses a reason that is not UTF-8, unless told to trust it', () => {
    const broken = body(1000, Buffer.from([0x61, 0xc3]));
    expect(refusal(() => decodeClose(broken))).toBe('1007 WS_ERR_INVALID_UTF8');
    expect(decodeClose(broken, false).reason.toString('hex')).toBe('61c3');
    expect(refusal(() => decodeClose(body(1005), false))).toBe('1002 WS_ERR_INVALID_CLOSE_CODE');
  });
});

describe('encodeClose', () => {
  it('[6455-7.4-a] leaves the body empty without a code', () => {
    expect(encodeClose()).toEqual(Buffer.alloc(0));
    expect(encodeClose(undefined, '')).toEqual(Buffer.alloc(0));
  });

  it('[6455-5.5.1-b] writes code and reason', () => {
    expect(encodeClose(1000)).toEqual(Buffer.from('03e8', 'hex'));
    expect(encodeClose(4000, 'é')).toEqual(Buffer.from('0fa0c3a9', 'hex'));
    expect(encodeClose(1001, new Uint8Array([0x61]))).toEqual(Buffer.from('03e961', 'hex'));
  });

  it('[6455-5.5.1-d] takes 123 bytes of reason and not one more, counted as UTF-8', () => {
    expect(MAX_REASON_LENGTH).toBe(123);
    expect(encodeClose(1000, 'x'.repeat(123)).length).toBe(125);
    expect(encodeClose(1000, `x${'é'.repeat(61)}`).length).toBe(125);
    expect(() => encodeClose(1000, 'x'.repeat(124))).toThrow(RangeError);
    expect(() => encodeClose(1000, 'é'.repeat(62))).toThrow(RangeError);
  });

  it('refuses a reason that is neither text nor octets, and takes what has no length for none', () => {
    for (const wrong of [new Uint16Array(2), ['a'], { length: 2 }]) {
      expect(() => encodeClose(1000, wrong as never)).toThrow('must be a string or a Uint8Array');
    }
    for (const none of [5, true, null, {}, []]) {
      expect(encodeClose(1000, none as never)).toEqual(Buffer.from('03e8', 'hex'));
    }
    const realm = runInNewContext('new Uint8Array([0x61])') as Uint8Array;
    expect(encodeClose(1001, realm)).toEqual(Buffer.from('03e961', 'hex'));
  });

  it('refuses a reason without a code', () => {
    expect(() => encodeClose(undefined, 'why')).toThrow(TypeError);
  });
});
