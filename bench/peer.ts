// One client connection of the load: a raw socket, a checked opening handshake (§4.1), then frames
// counted as they come. All peers read into one buffer; nothing received is kept.

import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { FrameCounter } from './frames.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const incoming = Buffer.allocUnsafe(256 * 1024);

function findField(lines: readonly string[], name: string): string | null {
  const line = lines.find((text) => text.toLowerCase().startsWith(`${name}:`));
  return line === undefined ? null : line.slice(name.length + 1).trim();
}

/**
 * What was compressed beforehand fits one agreement only. RFC 7692 §7.1.1: a server may forget its own
 * window unasked, which would measure something else than the scenario says; both are refused.
 */
export function checkExtensions(offer: string | null, answer: string | null): void {
  const normalize = (text: string): string[] =>
    text
      .split(';')
      .map((part) => part.trim().toLowerCase())
      // The window's size does not matter to frames that were made for the largest one, if it is that.
      .filter(
        (part) => part !== 'server_max_window_bits=15' && part !== 'client_max_window_bits=15',
      )
      .sort();
  const [wanted, given] = [offer ?? '', answer ?? ''].map((text) => normalize(text).join('; '));
  if (wanted !== given) {
    throw new Error(
      `offered '${offer ?? 'no extension'}', the server agreed to '${answer ?? 'none'}'`,
    );
  }
}

/** What a peer tells; every one may be replaced at any time. */
export interface PeerEvents {
  /** The 101 has come and is right. */
  onOpen(peer: Peer): void;
  /** After each piece that was read: how many messages it completed. */
  onMessages(peer: Peer, count: number): void;
  /** The TCP connection is gone. */
  onClosed(peer: Peer): void;
  /** Wrong bytes, wrong lengths, a refused or broken connection. */
  onError(error: Error): void;
}

/** A connection to 127.0.0.1 at `port`, opening from the moment it is made. */
export class Peer {
  /** When the last message was sent, for those who measure latency; ms as of performance.now(). */
  sentAt = 0;
  /** Replies received, and requests sent, for those who count them. */
  received = 0;
  requests = 0;
  readonly #socket: Socket;
  readonly #counter: FrameCounter;
  readonly #events: PeerEvents;
  readonly #accept: string;
  readonly #size: number;
  readonly #offer: string | null;
  #head: string | null = '';
  #completed = 0;

  /**
   * @param size payload length that every message from the server must have, in bytes; of compressed
   *   ones the length is not known
   * @param offer extensions to offer, which the server must agree to as they are
   */
  constructor(port: number, size: number, offer: string | null, events: PeerEvents) {
    this.#offer = offer;
    const key = randomBytes(16).toString('base64');
    this.#accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
    this.#events = events;
    this.#size = size;
    this.#counter = new FrameCounter(
      (length, compressed) => this.#count(length, compressed),
      () => this.#socket.end(),
    );
    const callback = (length: number): boolean => this.#read(incoming.subarray(0, length));
    const onread = { buffer: incoming, callback };
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true, onread });
    this.#socket.on('error', (error) => events.onError(error));
    this.#socket.on('close', () => events.onClosed(this));
    this.#socket.write(
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n` +
        `${offer === null ? '' : `Sec-WebSocket-Extensions: ${offer}\r\n`}\r\n`,
    );
  }

  /** The next message must have these bytes; they stay the caller's and must not change. */
  expect(payload: Uint8Array): void {
    this.#counter.expect(payload);
  }

  /** Sends encoded frames, which must not change until they have left. */
  write(frames: Uint8Array): void {
    this.#socket.write(frames);
  }

  /** Ends the connection without a closing handshake. */
  destroy(): void {
    this.#socket.destroy();
  }

  #count(length: number, compressed: boolean): void {
    if (compressed !== (this.#offer !== null))
      throw new Error('a reply was not compressed as agreed');
    if (!compressed && length !== this.#size)
      throw new Error(`a reply has ${length} bytes, not ${this.#size}`);
    this.#completed++;
  }

  #read(chunk: Buffer): boolean {
    try {
      const frames = this.#head === null ? chunk : this.#readHead(this.#head, chunk);
      this.#counter.push(frames);
      const completed = this.#completed;
      this.#completed = 0;
      if (completed > 0) this.#events.onMessages(this, completed);
    } catch (error) {
      this.destroy();
      this.#events.onError(error as Error);
    }
    return true;
  }

  /** Takes the response head off; gives what follows it. */
  #readHead(before: string, chunk: Buffer): Buffer {
    const head = before + chunk.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) {
      this.#head = head;
      return chunk.subarray(chunk.length);
    }
    this.#head = null;
    const lines = head.slice(0, end).split('\r\n');
    if (!lines[0].startsWith('HTTP/1.1 101 ')) throw new Error(`no upgrade: ${lines[0]}`);
    if (findField(lines, 'sec-websocket-accept') !== this.#accept) {
      throw new Error('wrong Sec-WebSocket-Accept');
    }
    checkExtensions(this.#offer, findField(lines, 'sec-websocket-extensions'));
    this.#events.onOpen(this);
    return chunk.subarray(end + 4 - before.length);
  }
}
