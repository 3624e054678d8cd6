import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { DeflateCodec } from '../../src/deflate/codec.ts';
import { type DeflateOptions, toDeflateOptions } from '../../src/deflate/options.ts';
import { toLinkOptions } from '../../src/websocket/link-options.ts';

describe('toLinkOptions', () => {
  it('fills in the defaults', () => {
    expect(toLinkOptions('server', {})).toEqual({
      role: 'server',
      maxPayload: 104_857_600,
      maxFragments: undefined,
      skipUtf8Validation: undefined,
      autoPong: undefined,
      closeTimeout: 30_000,
      heartbeat: 0,
      keySource: undefined,
      codec: undefined,
    });
  });

  it('takes what was given, and what was agreed on before that', () => {
    const given = {
      maxPayload: 1,
      maxFragments: 2,
      skipUTF8Validation: true,
      autoPong: false,
      closeTimeout: 3,
      heartbeat: 4,
    };
    const expected = {
      role: 'client',
      maxPayload: 1,
      maxFragments: 2,
      skipUtf8Validation: true,
      autoPong: false,
      closeTimeout: 3,
      heartbeat: 4,
      keySource: undefined,
      codec: undefined,
    };
    expect(toLinkOptions('client', given)).toEqual(expected);
    const agreed = { maxPayload: 0, maxFragments: 0, autoPong: true, heartbeat: 0 };
    expect(toLinkOptions('client', given, agreed)).toEqual({ ...expected, ...agreed });
  });

  it('makes one object for all that are alike, and another for each difference', () => {
    const shared = toLinkOptions('server', { maxPayload: 10 });
    expect(toLinkOptions('server', { maxPayload: 10 })).toBe(shared);
    expect(toLinkOptions('server', {}, { maxPayload: 10 })).toBe(shared);
    const differences = [
      { maxPayload: 11 },
      { maxFragments: 1 },
      { skipUTF8Validation: true },
      { autoPong: false },
      { closeTimeout: 1 },
      { heartbeat: 1 },
      { generateMask: () => {} },
    ];
    for (const difference of differences) {
      const base = toLinkOptions('server', { maxPayload: 10 });
      const other = toLinkOptions('server', { maxPayload: 10, ...difference });
      expect(other).not.toBe(base);
      expect(other).not.toEqual(base);
    }
    const base = toLinkOptions('server', { maxPayload: 10 });
    expect(toLinkOptions('client', { maxPayload: 10 })).toEqual({ ...base, role: 'client' });
  });

  it('never shares a codec, nor keeps one', () => {
    const parameters = {
      serverNoContextTakeover: false,
      clientNoContextTakeover: false,
      serverMaxWindowBits: 15,
      clientMaxWindowBits: 15,
    };
    const deflate = { parameters, options: toDeflateOptions(true, false) as DeflateOptions };
    const plain = toLinkOptions('server', {});
    const first = toLinkOptions('server', {}, { deflate });
    const second = toLinkOptions('server', {}, { deflate });
    expect(first.codec).toBeInstanceOf(DeflateCodec);
    expect(second.codec).toBeInstanceOf(DeflateCodec);
    expect(second.codec).not.toBe(first.codec);
    expect(toLinkOptions('server', {})).toBe(plain);
    for (const { codec } of [first, second]) codec?.close();
  });

  it('never shares a key source', () => {
    let next = 0;
    const generateMask = (mask: Buffer): void => void mask.fill(++next);
    const first = toLinkOptions('client', { generateMask });
    const second = toLinkOptions('client', { generateMask });
    expect(second).not.toBe(first);
    const key = (byte: number) => Buffer.alloc(4, byte).readInt32LE(0);
    expect([first.keySource?.(), second.keySource?.(), first.keySource?.()]).toEqual([
      key(1),
      key(2),
      key(3),
    ]);
  });
});
