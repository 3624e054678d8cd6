// What `send`, `ping` and `pong` take, as the protocol wants it: strings stay strings, all else
// becomes bytes, and received bytes become what `binaryType` asks for.

import { Buffer } from 'node:buffer';
import { isAnyArrayBuffer, isUint8Array } from 'node:util/types';

/**
 * What can be sent at once. Strings go as text, everything else as binary unless told otherwise; a
 * list of byte arrays (as `binaryType` `fragments` gives them) is sent in one piece.
 */
export type Sendable =
  | string
  | number
  | Buffer
  | ArrayBufferView
  | ArrayBuffer
  | SharedArrayBuffer
  | readonly number[]
  | readonly Uint8Array[];

/** How binary messages arrive. */
export type BinaryType = 'nodebuffer' | 'arraybuffer' | 'fragments' | 'blob';

/** A message's content as the `message` event gives it: a Buffer for text, by `binaryType` else. */
export type RawData = Buffer | ArrayBuffer | Buffer[] | Blob;

const EMPTY = Buffer.alloc(0);

export const BINARY_TYPES: readonly string[] = ['nodebuffer', 'arraybuffer', 'fragments', 'blob'];

/**
 * Text as it is, bytes as a view of the same memory (no copy); numbers as their decimal text, null
 * and undefined as nothing. Throws TypeError for anything else.
 */
export function toPayload(data: unknown): string | Uint8Array {
  if (typeof data === 'string') return data;
  if (Buffer.isBuffer(data)) return data;
  if (typeof data === 'number') return String(data);
  if (data === undefined || data === null) return EMPTY;
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  // By their nature and not by their class: those of another realm (a vm context, jsdom) are as good.
  if (isAnyArrayBuffer(data)) return Buffer.from(data);
  if (Array.isArray(data)) {
    return isUint8Array(data[0]) ? Buffer.concat(data) : Buffer.from(data);
  }
  throw new TypeError(
    `Cannot send ${describe(data)}: give a string, Buffer, ArrayBuffer, view, Blob or array of bytes; ` +
      'JSON.stringify() turns an object into a string',
  );
}

/** A payload's length in bytes, also of what cannot be sent: that has none. */
export function payloadLength(data: unknown): number {
  if (isBlob(data)) return data.size;
  const payload = toPayload(data);
  return typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
}

/** Whether it is a Blob, of whatever making: polyfills and other realms have classes of their own. */
export function isBlob(data: unknown): data is Blob {
  if (typeof data !== 'object' || data === null || ArrayBuffer.isView(data)) return false;
  if (data instanceof Blob) return true;
  const { arrayBuffer, size } = data as Partial<Blob>;
  if (!/^\[object (?:Blob|File)\]$/.test(Object.prototype.toString.call(data))) return false;
  return typeof arrayBuffer === 'function' && typeof size === 'number';
}

/** Received bytes in the form asked for. The result owns its memory or shares it with `data` alone. */
export function toBinaryType(data: Buffer, type: BinaryType): RawData {
  switch (type) {
    case 'nodebuffer':
      return data;
    case 'arraybuffer':
      return toArrayBuffer(data);
    case 'fragments':
      return [data];
    case 'blob':
      return new Blob([data]);
  }
}

function toArrayBuffer(data: Buffer): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = data;
  if (byteOffset === 0 && byteLength === buffer.byteLength) return buffer as ArrayBuffer;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

function describe(data: unknown): string {
  if (typeof data !== 'object' || data === null) return `a ${typeof data}`;
  const name = data.constructor?.name;
  return name ? `an instance of ${name}` : 'an object';
}
