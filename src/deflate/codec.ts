// What one end does to messages once permessage-deflate has been agreed on (RFC 7692 §7.2): a
// compressor for its own direction and a decompressor for the other, by the parameters of each.

import type { Buffer } from 'node:buffer';
import type { ConnectionCodec, DecompressedSink, Decompressor } from '../connection/ports.ts';
import type { Role } from '../frame/rules.ts';
import { Compressor } from './compressor.ts';
import { Context, type ContextSettings } from './context.ts';
import { ContextDecompressor } from './decompressor.ts';
import type { DeflateParameters } from './negotiation.ts';
import { OneShotDecompressor } from './oneshot.ts';
import type { DeflateOptions, ZlibSettings } from './options.ts';
import { poolOf } from './pool.ts';

/** Messages below this many bytes are not compressed, where each is compressed by itself. */
const DEFAULT_THRESHOLD = 1024;
/** Messages from this many bytes up are compressed on the thread pool, by those who can wait. */
const LATER_FROM = 32_768;
/**
 * What a compressor that is kept may cost: about 80 KiB with these instead of the 200 KiB of zlib's own
 * choice. RFC 7692 §7.1.2: a sender may use less than was agreed on.
 */
const KEPT_WINDOW_BITS = 12;
const KEPT_MEM_LEVEL = 5;
/** Of what is compressed at once: a ninth less work than zlib's choice of 6, for a few bytes more. */
const SMALL_LEVEL = 4;
/** zlib has no window of 256 bytes; its smallest, of 512, reaches back 250 at most. */
const SMALLEST_WINDOW_BITS = 9;

/** One connection's codec. */
export class DeflateCodec implements ConnectionCodec {
  readonly #compressor: Compressor;
  readonly #decompressor: Decompressor;
  readonly #threshold: number;
  readonly aloneKey: string;

  /** `parameters` as agreed on, `options` as given to the end that has this `role`. */
  constructor(role: Role, parameters: DeflateParameters, options: DeflateOptions = {}) {
    const isServer = role === 'server';
    const sending = directionOf(parameters, isServer);
    const receiving = directionOf(parameters, !isServer);
    const pool = poolOf(options.concurrencyLimit ?? undefined);
    const asked = isServer ? options.serverMaxWindowBits : options.clientMaxWindowBits;
    const { takeover } = sending;
    // A window that somebody asked for by its number is worth its memory to him.
    const chosen = takeover && typeof asked !== 'number' ? KEPT_WINDOW_BITS : sending.windowBits;
    const alone = settingsOf(options.zlibDeflateOptions, toWindowBits(sending.windowBits));
    const windowBits = toWindowBits(Math.min(chosen, sending.windowBits));
    this.#compressor = new Compressor({
      context: {
        level: SMALL_LEVEL,
        ...(takeover && { memLevel: KEPT_MEM_LEVEL }),
        ...alone,
        windowBits,
      },
      alone,
      takeover,
      pool,
    });
    this.aloneKey = this.#compressor.aloneKey;
    const inflating = {
      context: settingsOf(options.zlibInflateOptions, receiving.windowBits),
      takeover: receiving.takeover,
      pool,
    };
    this.#decompressor = Context.isSupported()
      ? new ContextDecompressor(inflating)
      : new OneShotDecompressor(inflating);
    // With takeover also the smallest message makes those after it smaller.
    this.#threshold = takeover ? 0 : (options.threshold ?? DEFAULT_THRESHOLD);
  }

  isWorthwhile(length: number): boolean {
    return length >= this.#threshold;
  }

  takesLong(length: number): boolean {
    return length >= LATER_FROM && this.isWorthwhile(length);
  }

  compress(payload: Uint8Array, fin: boolean): Uint8Array {
    return this.#compressor.compress(payload, fin);
  }

  compressLater(payload: Uint8Array, fin: boolean, done: (compressed: Uint8Array) => void): void {
    this.#compressor.compressLater(payload, fin, done);
  }

  compressAlone(payload: Uint8Array): Uint8Array {
    return this.#compressor.compressAlone(payload);
  }

  forget(): void {
    this.#compressor.forget();
  }

  decompress(piece: Buffer, last: boolean, limit: number, sink: DecompressedSink): boolean {
    return this.#decompressor.decompress(piece, last, limit, sink);
  }

  rest(): void {
    this.#compressor.rest();
  }

  close(): void {
    this.#compressor.close();
    this.#decompressor.close();
  }
}

function toWindowBits(bits: number): number {
  return Math.max(SMALLEST_WINDOW_BITS, bits);
}

/** What was agreed for the messages of the server, or of the client. */
function directionOf(
  parameters: DeflateParameters,
  ofServer: boolean,
): { takeover: boolean; windowBits: number } {
  return ofServer
    ? {
        takeover: !parameters.serverNoContextTakeover,
        windowBits: parameters.serverMaxWindowBits,
      }
    : {
        takeover: !parameters.clientNoContextTakeover,
        windowBits: parameters.clientMaxWindowBits,
      };
}

/** What is given of the options that may be tuned, and the window that was agreed on. */
function settingsOf(given: ZlibSettings | undefined, windowBits: number): ContextSettings {
  const { level, memLevel, strategy } = given ?? {};
  return {
    windowBits,
    ...(level !== undefined && { level }),
    ...(memLevel !== undefined && { memLevel }),
    ...(strategy !== undefined && { strategy }),
  };
}
