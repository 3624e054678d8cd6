// A message that is sent to many: encoded once (§5.2), and compressed once for all connections that
// compress alike (RFC 7692 §7.2.1). Knows nothing of those that it is sent on.

import { Buffer, isUtf8 } from 'node:buffer';
import { encodeHeader, FIN, headerLength, RSV1 } from '../frame/header.ts';
import { Opcode } from '../frame/opcode.ts';
import type { ConnectionCodec } from './ports.ts';

/** How a prepared message is to be sent. */
export interface PreparedOptions {
  /** As binary (true) or as text (false). Default: text for strings, else binary. */
  readonly binary?: boolean | undefined;
  /** Compress, where that was agreed on and is worthwhile. Default true. */
  readonly compress?: boolean | undefined;
}

/** One frame, as a server sends it. */
export interface PreparedFrame {
  /** The first byte: FIN, RSV1 and opcode (§5.2). */
  readonly first: number;
  readonly payload: Buffer;
  /** Header and payload, unmasked (§5.1). */
  readonly frame: Buffer;
}

/** A whole message, ready to be sent on any number of connections, whatever their role. */
export class PreparedMessage {
  /** Whether it is sent as binary, and not as text. */
  readonly isBinary: boolean;
  /** Length of the message in bytes. */
  readonly length: number;
  readonly #compress: boolean;
  readonly #plain: PreparedFrame;
  /** By how it was compressed. */
  readonly #compressed = new Map<string, PreparedFrame>();

  /** The bytes are copied. Throws TypeError for bytes that are not UTF-8 where text is to be sent (§5.6). */
  constructor(data: string | ArrayBuffer | ArrayBufferView, options: PreparedOptions = {}) {
    const bytes = bytesOf(data);
    this.isBinary = options.binary ?? typeof data !== 'string';
    if (!this.isBinary && typeof data !== 'string' && !isUtf8(bytes)) {
      throw new TypeError('The bytes of a text message must be UTF-8: send them as binary instead');
    }
    this.length = bytes.length;
    this.#compress = options.compress ?? true;
    this.#plain = frameOf(FIN | this.#opcode, bytes);
  }

  get #opcode(): number {
    return this.isBinary ? Opcode.BINARY : Opcode.TEXT;
  }

  /** The frame for a connection that has this codec, or none. */
  frameFor(codec: ConnectionCodec | null): PreparedFrame {
    if (codec === null || !this.#compress || !codec.isWorthwhile(this.length)) return this.#plain;
    let frame = this.#compressed.get(codec.aloneKey);
    if (frame === undefined) {
      const payload = codec.compressAlone(this.#plain.payload);
      frame = frameOf(FIN | RSV1 | this.#opcode, payload);
      this.#compressed.set(codec.aloneKey, frame);
    }
    codec.forget();
    return frame;
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  if (!ArrayBuffer.isView(data)) return Buffer.from(data);
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

function frameOf(first: number, payload: Uint8Array): PreparedFrame {
  const frame = Buffer.allocUnsafeSlow(headerLength(payload.length) + payload.length);
  const start = encodeHeader(frame, 0, first, payload.length);
  frame.set(payload, start);
  return { first, payload: frame.subarray(start), frame };
}
