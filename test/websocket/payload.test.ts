import { Buffer } from 'node:buffer';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import {
  BINARY_TYPES,
  isBlob,
  payloadLength,
  toBinaryType,
  toPayload,
} from '../../src/websocket/payload.ts';

const bytes = (data: unknown): number[] => [...(toPayload(data) as Uint8Array)];

describe('toPayload', () => {
  it('leaves strings and Buffers as they are and writes numbers in decimal', () => {
    const buffer = Buffer.from('x');
    expect(toPayload('text')).toBe('text');
    expect(toPayload(buffer)).toBe(buffer);
    expect(toPayload(-1.5)).toBe('-1.5');
  });

  it('[wh-3.1-send-d] [wh-3.1-send-k] takes the window of a view only, without copying it', () => {
    const memory = new ArrayBuffer(16);
    new Uint8Array(memory).set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    const views = [
      new Uint8Array(memory, 2, 4),
      new Uint16Array(memory, 2, 2),
      new DataView(memory, 2, 4),
      new Float32Array(memory.slice(2, 6)),
    ];
    for (const view of views) {
      expect(bytes(view)).toEqual([2, 3, 4, 5]);
      expect(payloadLength(view)).toBe(4);
      expect((toPayload(view) as Uint8Array).buffer).toBe(view.buffer);
    }
    expect(bytes(memory).length).toBe(16);
    expect(bytes(new SharedArrayBuffer(3))).toEqual([0, 0, 0]);
  });

  it('takes arrays of numbers and joins lists of byte arrays', () => {
    expect(bytes([1, 2, 300])).toEqual([1, 2, 44]);
    expect(bytes([])).toEqual([]);
    expect(bytes([Buffer.from('ab'), new Uint8Array([1]), Buffer.from('c')])).toEqual([
      97, 98, 1, 99,
    ]);
    expect(bytes(undefined)).toEqual([]);
    expect(bytes(null)).toEqual([]);
  });

  it('takes what another realm has made, and Blobs of any making', async () => {
    expect(bytes(runInNewContext('new Uint8Array([1, 2]).buffer'))).toEqual([1, 2]);
    expect(bytes(runInNewContext('new SharedArrayBuffer(1)'))).toEqual([0]);
    expect(bytes(runInNewContext('[new Uint8Array([1]), new Uint8Array([2])]'))).toEqual([1, 2]);
    class Blobby {
      readonly size = 3;
      get [Symbol.toStringTag](): string {
        return 'Blob';
      }
      arrayBuffer(): Promise<ArrayBuffer> {
        return Promise.resolve(new ArrayBuffer(3));
      }
    }
    expect(isBlob(new Blobby())).toBe(true);
    expect(isBlob(new Blob(['x']))).toBe(true);
    for (const other of [
      { size: 3 },
      { [Symbol.toStringTag]: 'Blob' },
      new Uint8Array(1),
      'x',
      null,
    ]) {
      expect(isBlob(other)).toBe(false);
    }
  });

  it('refuses all else by TypeError, naming it', () => {
    expect(() => toPayload({})).toThrow(new TypeError(expectedText('an instance of Object')));
    expect(() => toPayload(new Map())).toThrow(/an instance of Map/);
    expect(() => toPayload(Object.create(null))).toThrow(/an object/);
    expect(() => toPayload(true)).toThrow(/a boolean/);
    expect(() => toPayload(Symbol('x'))).toThrow(TypeError);
    expect(() => toPayload(() => {})).toThrow(/a function/);
  });
});

function expectedText(what: string): string {
  return (
    `Cannot send ${what}: give a string, Buffer, ArrayBuffer, view, Blob or array of bytes; ` +
    'JSON.stringify() turns an object into a string'
  );
}

describe('payloadLength', () => {
  it('counts UTF-8 bytes, replacement characters for lone surrogates among them', () => {
    expect(payloadLength('ä€😀')).toBe(2 + 3 + 4);
    expect(payloadLength('\ud800')).toBe(3);
    expect(payloadLength(new Blob(['äb']))).toBe(3);
    expect(payloadLength(12345)).toBe(5);
    expect(payloadLength(undefined)).toBe(0);
  });
});

describe('toBinaryType', () => {
  it('gives a Buffer, its exact ArrayBuffer, a list, or a Blob', async () => {
    const pooled = Buffer.from(new Uint8Array([9, 1, 2, 3, 9]).buffer, 1, 3);
    expect(toBinaryType(pooled, 'nodebuffer')).toBe(pooled);
    expect(toBinaryType(pooled, 'fragments')).toEqual([pooled]);
    const exact = toBinaryType(pooled, 'arraybuffer') as ArrayBuffer;
    expect(exact).toBeInstanceOf(ArrayBuffer);
    expect([...new Uint8Array(exact)]).toEqual([1, 2, 3]);
    const blob = toBinaryType(pooled, 'blob') as Blob;
    expect(isBlob(blob)).toBe(true);
    expect([...new Uint8Array(await blob.arrayBuffer())]).toEqual([1, 2, 3]);
    const whole = Buffer.from(new ArrayBuffer(4));
    expect(toBinaryType(whole, 'arraybuffer')).toBe(whole.buffer);
    expect(BINARY_TYPES).toEqual(['nodebuffer', 'arraybuffer', 'fragments', 'blob']);
  });
});
