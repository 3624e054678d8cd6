// Frames made beforehand: which of them may be sent as they are. The frames come from the naive encoder
// of the tests, so that nothing of the room under test makes what it judges.

import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/errors.ts';
import { checkEncodedFrame } from '../../src/frame/encoded.ts';
import { encodeFrame, type FrameSpec } from '../support/wire.ts';

const KEY = Buffer.from('0badcafe', 'hex');

const encode = (role: 'client' | 'server', spec: FrameSpec): Buffer =>
  encodeFrame({ mask: role === 'client' ? KEY : false, ...spec });

describe.each(['client', 'server'] as const)('a frame that a %s made beforehand', (role) => {
  const other = role === 'client' ? 'server' : 'client';

  it.each([0, 1, 125, 126, 65_535, 65_536])('has a payload of %d bytes', (length) => {
    const frame = encode(role, { opcode: 2, payload: Buffer.alloc(length, 7) });
    expect(checkEncodedFrame([frame], role)).toBe(length);
    const start = frame.length - length;
    const pieces = [frame.subarray(0, start), frame.subarray(start)];
    expect(checkEncodedFrame(pieces, role)).toBe(length);
    const cut = start + (length >> 1);
    expect(
      checkEncodedFrame([pieces[0], frame.subarray(start, cut), frame.subarray(cut)], role),
    ).toBe(length);
  });

  it.each([1, 2, 9, 10])('may have the opcode %d', (opcode) => {
    expect(checkEncodedFrame([encode(role, { opcode, payload: 'abc' })], role)).toBe(3);
  });

  it.each<[string, FrameSpec]>([
    ['a reserved opcode', { opcode: 3 }],
    ['a continuation', { opcode: 0 }],
    ['RSV1', { opcode: 1, rsv: 4 }],
    ['RSV2', { opcode: 1, rsv: 2 }],
    ['[6455-5.2-m] a padded length', { opcode: 1, length: 16, payload: 'x' }],
    ['a fragmented Ping', { opcode: 9, fin: false }],
    ['a Ping that is too long', { opcode: 9, payload: Buffer.alloc(126) }],
  ])('is refused with %s', (_, spec) => {
    expect(() => checkEncodedFrame([encode(role, spec)], role)).toThrow(TypeError);
    expect(() => checkEncodedFrame([encode(role, spec)], role)).toThrow(
      expect.objectContaining({ cause: expect.any(ProtocolError) }),
    );
  });

  it(`is refused when it is a ${other}'s (§5.1)`, () => {
    const frame = encode(other, { opcode: 1, payload: 'x' });
    expect(() => checkEncodedFrame([frame], role)).toThrow(/MASK must be/);
  });

  it('is refused when it is a fragment, or a Close', () => {
    const fragment = encode(role, { opcode: 1, fin: false, payload: 'x' });
    expect(() => checkEncodedFrame([fragment], role)).toThrow(/whole message/);
    expect(() => checkEncodedFrame([encode(role, { opcode: 8 })], role)).toThrow(/close\(\)/);
  });

  it('is refused when it is more or less than one frame', () => {
    const frame = encode(role, { opcode: 1, payload: 'payload' });
    const wrong: Buffer[][] = [
      [],
      [Buffer.alloc(0)],
      [frame.subarray(0, 1), frame.subarray(1)],
      [frame.subarray(0, -1)],
      [frame, Buffer.from('x')],
      [frame, frame],
    ];
    for (const list of wrong) expect(() => checkEncodedFrame(list, role)).toThrow(/must be whole/);
  });

  it('is refused when it is no bytes', () => {
    const header = encode(role, { opcode: 1, payload: 'x' }).subarray(0, -1);
    const list = [header, 'x' as unknown as Uint8Array];
    expect(() => checkEncodedFrame(list, role)).toThrow(/list of Buffers/);
  });
});
