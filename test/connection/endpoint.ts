// A connection with both of its ports in hand: what it told the application, as plain values, and
// what it put on the wire.

import { Buffer } from 'node:buffer';
import { Connection, type ConnectionOptions } from '../../src/connection/connection.ts';
import type { ConnectionEvents, ConnectionTransport } from '../../src/connection/ports.ts';
import type { ProtocolError } from '../../src/errors.ts';
import { decodeFrames, encodeFrame, type FrameSpec, type WireFrame } from '../support/wire.ts';

/** What an application was told. Text as text, other bytes as hex. */
export type Told =
  | readonly ['text' | 'binary' | 'ping' | 'pong', string]
  | readonly ['close', number, string]
  | readonly ['fail', number, string];

export class Endpoint implements ConnectionEvents, ConnectionTransport {
  readonly connection: Connection;
  readonly told: Told[] = [];
  /** Each call of `write`, joined; a copy. */
  readonly writes: Buffer[] = [];
  ended = 0;
  wakes = 0;
  /** `pause` and `resume`, in order. */
  readonly flow: string[] = [];
  /** Called with everything that the application is told, from inside the event. */
  react: (told: Told) => void = () => {};
  /** The buffers as they were given, to see whether anyone still changes them. */
  readonly #given: Buffer[] = [];

  constructor(options: ConnectionOptions) {
    this.connection = new Connection(options, this, this);
  }

  onMessage(data: Buffer, isBinary: boolean): void {
    this.#tell(isBinary ? ['binary', data.toString('hex')] : ['text', data.toString()]);
  }

  onPing(data: Buffer): void {
    this.#tell(['ping', data.toString('hex')]);
  }

  onPong(data: Buffer): void {
    this.#tell(['pong', data.toString('hex')]);
  }

  onClose(code: number, reason: Buffer): void {
    this.#tell(['close', code, reason.toString()]);
  }

  onFail(error: ProtocolError): void {
    this.#tell(['fail', error.closeCode, error.code]);
  }

  write(chunks: Buffer[]): void {
    this.#given.push(...chunks);
    this.writes.push(Buffer.concat(chunks));
  }

  wake(): void {
    this.wakes++;
  }

  end(): void {
    this.ended++;
  }

  pause(): void {
    this.flow.push('pause');
  }

  resume(): void {
    this.flow.push('resume');
  }

  /** Everything written so far. */
  get written(): Buffer {
    return Buffer.concat(this.writes);
  }

  /** Whether what was given to the transport is still what it was. */
  get isIntact(): boolean {
    return Buffer.concat(this.#given).equals(this.written);
  }

  /** The frames written so far; flushes first. Throws when they are not whole. */
  frames(): WireFrame[] {
    this.connection.flush();
    const { frames, rest } = decodeFrames(this.written);
    if (rest.length > 0) throw new Error(`half a frame: ${rest.toString('hex')}`);
    return frames;
  }

  /** The frames written so far, in short: `first byte:payload`, both hex. */
  wire(): string[] {
    return this.frames().map(({ fin, rsv, opcode, payload }) => {
      const first = (fin ? 0x80 : 0) + rsv * 16 + opcode;
      return `${first.toString(16).padStart(2, '0')}:${payload.toString('hex')}`;
    });
  }

  /** Takes frames from the other side, masked as this role wants them, each in a chunk of its own. */
  take(...specs: FrameSpec[]): void {
    for (const spec of specs) this.connection.receive(peerFrame(this.connection.role, spec));
  }

  #tell(told: Told): void {
    this.told.push(told);
    this.react(told);
  }
}

const KEY = Buffer.from('a1b2c3d4', 'hex');

/** A frame as the peer of `role` sends it. */
export function peerFrame(role: 'client' | 'server', spec: FrameSpec): Buffer {
  return encodeFrame({ ...spec, mask: spec.mask ?? (role === 'server' ? KEY : false) });
}

/** The short form of a frame that `Endpoint.wire` gives. */
export function short(first: number, payload: string | Buffer = ''): string {
  return `${first.toString(16).padStart(2, '0')}:${Buffer.from(payload).toString('hex')}`;
}

/** A Close frame's payload. */
export function closeBody(code: number, reason: string | Buffer = ''): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);
}
