// Habits of those who reach into the `ws` package: `WebSocket.Sender.frame`, and on the socket `_socket`,
// `_sender` and `_isServer`, which stand for `socket`, `sendFrame` and the role. Nothing of ours uses any of it.

import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { encodeHeader, encodeMaskedHeader, FIN, MAX_HEADER_LENGTH, RSV1 } from '../frame/header.ts';
import type { Role } from '../frame/rules.ts';
import { randomKey } from '../mask/key.ts';
import { maskInto } from '../mask/mask.ts';
import type { WriteCallback } from './callback.ts';
import { DualEmitter } from './dual-emitter.ts';

/** What a frame is to be (§5.2), by the names of the `ws` package. */
export interface FrameOptions {
  /** Opcode, 0 to 15. */
  readonly opcode: number;
  /** Whether it is the last frame of its message. Default false. */
  readonly fin?: boolean | undefined;
  /** Whether RSV1 is set (RFC 7692 §6). Default false. */
  readonly rsv1?: boolean | undefined;
  /** Whether to mask, as a client must (§5.1). Default false. */
  readonly mask?: boolean | undefined;
  /** Four bytes which get the masking key. */
  readonly maskBuffer?: Uint8Array | undefined;
  /** Fills its 4-byte argument with a masking key, instead of the system's CSPRNG (§5.3). */
  readonly generateMask?: ((mask: Buffer) => void) | undefined;
  /** Has no effect: the caller's bytes are never changed. */
  readonly readOnly?: boolean | undefined;
}

/**
 * One frame as a list of Buffers, header first, for `sendFrame` on as many sockets as there are. It is
 * never changed by sending. An unmasked payload that was given as bytes stays the caller's memory.
 * Checks nothing: `sendFrame` does.
 */
function frame(data: string | Uint8Array, options: FrameOptions): Buffer[] {
  const payload =
    typeof data === 'string'
      ? Buffer.from(data)
      : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const first = options.opcode | (options.fin ? FIN : 0) | (options.rsv1 ? RSV1 : 0);
  const header = Buffer.allocUnsafe(MAX_HEADER_LENGTH);
  if (!options.mask) {
    const start = header.subarray(0, encodeHeader(header, 0, first, payload.length));
    return payload.length > 0 ? [start, payload] : [start];
  }
  const key = keyFor(options);
  const start = header.subarray(0, encodeMaskedHeader(header, 0, first, payload.length, key));
  if (payload.length === 0) return [start];
  const masked = Buffer.allocUnsafe(payload.length);
  // §5.3: into a copy; what the application gave stays as it is.
  maskInto(payload, masked, 0, key);
  return [start, masked];
}

function keyFor({ maskBuffer, generateMask }: FrameOptions): number {
  const octets = Buffer.alloc(4);
  if (generateMask === undefined) octets.writeInt32LE(randomKey());
  else generateMask(octets);
  maskBuffer?.set(octets);
  return octets.readInt32LE();
}

/** What `WebSocket.Sender` is good for outside: `Sender.frame(data, options)`. */
export const Sender: { readonly frame: typeof frame } = { frame };

/** What a socket has in public, by the private names of the `ws` package. */
export abstract class HabitualSocket extends DualEmitter {
  abstract get socket(): Duplex | null;
  abstract sendFrame(frame: readonly Uint8Array[], callback?: WriteCallback): void;
  /** Which side this is (§5.1). */
  protected abstract get role(): Role;
  protected abstract set role(role: Role);

  /** The same as `socket`. */
  get _socket(): Duplex | null {
    return this.socket;
  }

  /** Where the `ws` package has `sendFrame`; null before the socket is open. */
  get _sender(): Pick<this, 'sendFrame'> | null {
    return this.socket === null ? null : this;
  }

  /** Whether this is the server's side. */
  get _isServer(): boolean {
    return this.role === 'server';
  }

  /** Has an effect until `setSocket` is called. */
  set _isServer(isServer: boolean) {
    if (this.socket === null) this.role = isServer ? 'server' : 'client';
  }
}
