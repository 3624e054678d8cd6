// The installed `ws` package, which brings no types: as far as tests look at it, for comparison.

import type { Buffer } from 'node:buffer';
import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import type { Duplex } from 'node:stream';

/** A socket of `ws`: what tests call on either implementation. */
export interface KnownSocket extends EventEmitter {
  readonly readyState: number;
  readonly bufferedAmount: number;
  readonly isPaused: boolean;
  readonly protocol: string;
  readonly extensions: string;
  binaryType: string;
  _isServer: boolean;
  readonly _sender: { sendFrame(list: Buffer[], callback?: (error?: Error) => void): void } | null;
  send(data: unknown, ...rest: unknown[]): void;
  ping(...rest: unknown[]): void;
  pong(...rest: unknown[]): void;
  close(code?: number, reason?: string | Buffer): void;
  terminate(): void;
  pause(): void;
  resume(): void;
  setSocket(socket: Duplex, head: Buffer, options: object): void;
}

/** The class with its statics. */
export interface KnownClass {
  new (address: null, protocols: undefined, options: object): KnownSocket;
  readonly prototype: KnownSocket;
  readonly Sender: { frame(data: string | Buffer, options: object): Buffer[] };
  readonly extension: { parse(header: string): object; format(offers: object): string };
  readonly subprotocol: { parse(header: string): Set<string> };
}

export const known = createRequire(import.meta.url)('ws') as KnownClass;
