// What the peer sends, on its way in (§5.4, §6.2): data frames become messages, decompressed where they
// are compressed (RFC 7692 §7.2.2), and what stands behind a piece that takes its time waits. Control
// frames pass through. Knows neither what is sent nor how a connection ends.

import { Buffer, isUtf8 } from 'node:buffer';
import type { FrameHeader } from '../frame/header.ts';
import { Opcode } from '../frame/opcode.ts';
import { FrameReader, type FrameSink } from '../frame/reader.ts';
import type { FrameContext } from '../frame/rules.ts';
import { Assembler, invalidUtf8 } from '../message/assembler.ts';
import type { ConnectionCodec, ConnectionEvents, DecompressedSink } from './ports.ts';

/** Who answers control frames and has input waited for. */
export interface IncomingOwner {
  /** A whole control frame; `payload` may be a view of the chunk, where that was not borrowed. */
  onControl(opcode: number, payload: Buffer): void;
  /** A piece is being decompressed, and will be for a while: what is read from now on has to wait. */
  onSuspend(): void;
  /** It is done, and `takeHeld` gives what waited; `fault` is what was thrown over it, or null. */
  onContinue(fault: unknown): void;
}

/** A message is copied out of its chunk when the chunk is large and the message a small part of it. */
const PINNING_CHUNK = 16384;
const PINNING_RATIO = 8;

/** The receiving half of an endpoint. */
export class Incoming implements FrameSink, DecompressedSink {
  readonly #reader: FrameReader;
  readonly #events: ConnectionEvents;
  readonly #owner: IncomingOwner;
  readonly #codec: ConnectionCodec | null;
  readonly #maxPayload: number;
  readonly #checkText: boolean;
  /** Made when a message first comes in pieces. */
  #assembler: Assembler | null = null;
  /** A message has begun (§5.4); its first frame gave its type. */
  #inMessage = false;
  #isText = false;
  /** RFC 7692 §6: … and whether it is compressed. */
  #isCompressed = false;
  /** It is in the assembler. */
  #assembling = false;
  /** The chunk that is being read belongs to someone else. */
  #borrowed = false;
  #isSuspended = false;
  /** What came meanwhile, in order; null for nothing. */
  #held: Buffer[] | null = null;

  /** Messages go to `events`, all else to `owner`; `checkText: false` takes text on trust. */
  constructor(
    context: FrameContext,
    codec: ConnectionCodec | null,
    checkText: boolean,
    events: ConnectionEvents,
    owner: IncomingOwner,
  ) {
    this.#reader = new FrameReader(context, this);
    this.#codec = codec;
    this.#maxPayload = context.maxPayload;
    this.#checkText = checkText;
    this.#events = events;
    this.#owner = owner;
  }

  /** A large message is being decompressed, and what follows it waits. */
  get isSuspended(): boolean {
    return this.#isSuspended;
  }

  /**
   * Reads a chunk, or what can be read of it for now. It is unmasked in place, and messages may be
   * views of it; with `borrowed` what outlives the call is copied. Not while suspended. Throws
   * ProtocolError for what a peer did, and passes on what a port throws.
   */
  read(chunk: Buffer, borrowed: boolean): void {
    this.#borrowed = borrowed;
    const used = this.#reader.read(chunk);
    if (used === chunk.length || !this.#isSuspended) return;
    const rest = chunk.subarray(used);
    this.#held ??= [];
    this.#held.unshift(borrowed ? Buffer.from(rest) : rest);
  }

  /** Keeps a chunk that came while suspended, behind those that are there. */
  hold(chunk: Buffer, borrowed: boolean): void {
    this.#held ??= [];
    this.#held.push(borrowed ? Buffer.from(chunk) : chunk);
  }

  /** The next chunk that waited, the caller's to read; null when there is none, or while suspended. */
  takeHeld(): Buffer | null {
    return this.#isSuspended ? null : (this.#held?.shift() ?? null);
  }

  /** No input counts from here on (§7.1.7); what was kept of it is let go. */
  stop(): void {
    this.#reader.stop();
    this.#assembler?.reset();
    this.#isSuspended = false;
    this.#held = null;
  }

  // FrameSink

  onData(header: FrameHeader, piece: Buffer, last: boolean): void {
    const isLast = last && header.fin;
    if (!this.#inMessage) {
      this.#isText = header.opcode === Opcode.TEXT;
      // RFC 7692 §6: RSV1 of the first frame says it for the whole message.
      this.#isCompressed = header.rsv1;
    }
    this.#inMessage = !isLast;
    if (this.#isCompressed) this.#decompress(piece, isLast);
    else this.#assemble(piece, isLast, this.#borrowed, last ? 0 : this.#reader.remaining);
  }

  onShort(opcode: number, payload: Buffer, isAscii: boolean): void {
    const isText = opcode === Opcode.TEXT;
    if (isText && !isAscii && this.#checkText && !isUtf8(payload)) throw invalidUtf8();
    this.#events.onMessage(payload, !isText);
  }

  onRun(piece: Buffer): void {
    if (this.#isCompressed) this.#decompress(piece, false);
    else this.#assemble(piece, false, this.#borrowed, 0);
  }

  onControl(opcode: number, payload: Buffer): void {
    this.#owner.onControl(opcode, own(payload, this.#borrowed));
  }

  // DecompressedSink

  onDecompressed(piece: Buffer, last: boolean): void {
    this.#assemble(piece, last, true, 0);
  }

  onDecompressEnd(fault: unknown): void {
    this.#isSuspended = false;
    this.#reader.resume();
    this.#owner.onContinue(fault);
  }

  #decompress(piece: Buffer, last: boolean): void {
    // There is one: the rules let RSV1 through for its sake only.
    const codec = this.#codec as ConnectionCodec;
    if (codec.decompress(piece, last, this.#maxPayload, this)) return;
    // §6.2: what follows is behind it, also where that would be a Ping.
    this.#isSuspended = true;
    this.#reader.suspend();
    this.#owner.onSuspend();
  }

  /**
   * A message, or a piece of one, as it was before it was compressed if it was; `announced` bytes
   * of the same frame follow.
   */
  #assemble(piece: Buffer, last: boolean, borrowed: boolean, announced: number): void {
    if (last && !this.#assembling) {
      // The usual case: a message that is one frame, a frame that lies in one chunk.
      if (this.#isText && this.#checkText && !isUtf8(piece)) throw invalidUtf8();
      this.#events.onMessage(own(piece, borrowed), !this.#isText);
      return;
    }
    this.#assembler ??= new Assembler(this.#checkText);
    const assembler = this.#assembler;
    if (!this.#assembling) {
      this.#assembling = true;
      assembler.begin(this.#isText);
    }
    assembler.write(piece, borrowed, announced);
    if (!last) return;
    this.#assembling = false;
    this.#events.onMessage(assembler.end(), !this.#isText);
  }
}

/** A view of the chunk as it is, or a copy where the view would outlive or pin what it lies in. */
function own(view: Buffer, borrowed: boolean): Buffer {
  if (borrowed) return copyOf(view);
  const whole = view.buffer.byteLength;
  const pins = whole > PINNING_CHUNK && view.length * PINNING_RATIO < whole;
  return pins ? copyOf(view) : view;
}

/** What `Buffer.from` does, in half the time for small ones. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafe(bytes.length);
  copy.set(bytes);
  return copy;
}
