// The other side of the wire, by hand: a frame codec and two raw TCP peers for tests. Naive, slow and
// obviously right; it shares no line with src, so that a mistake there cannot hide a mistake here.
// It checks nothing and repairs nothing: every malformed frame a test can think of can be sent.

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as net from 'node:net';

/** How a frame is to look on the wire. Everything may be wrong on purpose. */
export interface FrameSpec {
  /** FIN bit, default true. */
  fin?: boolean;
  /** The three reserved bits as a number: 4 = RSV1, 2 = RSV2, 1 = RSV3. Default 0. */
  rsv?: number;
  /** 0–15. */
  opcode: number;
  /** A 4-byte masking key, or false for an unmasked frame. Default false. */
  mask?: Buffer | false;
  /** Default empty. A string is written as UTF-8. */
  payload?: Buffer | string;
  /** Forces the length form: 7 bits, 16 bits (code 126) or 64 bits (code 127). Default the shortest. */
  length?: 7 | 16 | 64;
  /** The length written in the header when it is to differ from what follows. */
  announcedLength?: number | bigint;
}

/** A frame as it was seen on the wire. */
export interface WireFrame {
  fin: boolean;
  rsv: number;
  opcode: number;
  masked: boolean;
  /** The 4-byte masking key, undefined when not masked. */
  key: Buffer | undefined;
  /** Which length form the sender used. */
  length: 7 | 16 | 64;
  /** Already unmasked; a copy. */
  payload: Buffer;
  /** Header, key and payload as they came; a copy. */
  bytes: Buffer;
}

/** Writes one frame as `spec` says (§5.2), never complaining. Returns fresh bytes; the payload is left as it was. */
export function encodeFrame(spec: FrameSpec): Buffer {
  const payload = Buffer.from(spec.payload ?? '');
  const length = BigInt(spec.announcedLength ?? payload.length);
  const form = spec.length ?? (length < 126n ? 7 : length < 65536n ? 16 : 64);
  const out: number[] = [];
  out.push((spec.fin === false ? 0 : 0x80) + ((spec.rsv ?? 0) << 4) + spec.opcode);
  const maskBit = spec.mask ? 0x80 : 0;
  if (form === 7) out.push(maskBit + Number(length));
  if (form === 16) out.push(maskBit + 126);
  if (form === 64) out.push(maskBit + 127);
  const extended = form === 7 ? 0 : form / 8;
  for (let i = extended - 1; i >= 0; i--) out.push(Number((length >> BigInt(8 * i)) & 0xffn));
  if (!spec.mask) return Buffer.concat([Buffer.from(out), payload]);
  return Buffer.concat([Buffer.from(out), spec.mask, xor(payload, spec.mask)]);
}

/** Reads as many whole frames as `bytes` hold (§5.2); `rest` is what is left, perhaps half a frame. */
export function decodeFrames(bytes: Buffer): { frames: WireFrame[]; rest: Buffer } {
  const frames: WireFrame[] = [];
  let rest = bytes;
  for (;;) {
    const frame = decodeFrame(rest);
    if (frame === undefined) return { frames, rest };
    frames.push(frame);
    rest = rest.subarray(frame.bytes.length);
  }
}

function decodeFrame(bytes: Buffer): WireFrame | undefined {
  if (bytes.length < 2) return undefined;
  const code = bytes[1] % 128;
  const masked = bytes[1] >= 128;
  const form = code === 126 ? 16 : code === 127 ? 64 : 7;
  const keyStart = 2 + (form === 7 ? 0 : form / 8);
  const payloadStart = keyStart + (masked ? 4 : 0);
  if (bytes.length < payloadStart) return undefined;
  let length = code;
  if (form === 16) length = bytes.readUInt16BE(2);
  if (form === 64) length = Number(bytes.readBigUInt64BE(2));
  if (bytes.length < payloadStart + length) return undefined;
  const key = masked ? Buffer.from(bytes.subarray(keyStart, keyStart + 4)) : undefined;
  const payload = bytes.subarray(payloadStart, payloadStart + length);
  return {
    fin: bytes[0] >= 128,
    rsv: (bytes[0] >> 4) % 8,
    opcode: bytes[0] % 16,
    masked,
    key,
    length: form,
    payload: key === undefined ? Buffer.from(payload) : xor(payload, key),
    bytes: Buffer.from(bytes.subarray(0, payloadStart + length)),
  };
}

/** §5.3: octet i of the result is octet i XOR key[i mod 4]. A fresh buffer. */
function xor(payload: Buffer, key: Buffer): Buffer {
  const out = Buffer.alloc(payload.length);
  for (let i = 0; i < payload.length; i++) out[i] = payload[i] ^ key[i % 4];
  return out;
}

/** The body of a Close frame (§5.5.1): nothing, or a code and perhaps a reason. */
export function encodeClose(code?: number, reason: Buffer | string = ''): Buffer {
  if (code === undefined) return Buffer.alloc(0);
  return Buffer.concat([Buffer.from([code >> 8, code % 256]), Buffer.from(reason)]);
}

/** The code in a Close frame's payload, undefined when there is none, and the reason's bytes. */
export function decodeClose(payload: Buffer): { code: number | undefined; reason: Buffer } {
  if (payload.length < 2) return { code: undefined, reason: Buffer.alloc(0) };
  return { code: payload[0] * 256 + payload[1], reason: payload.subarray(2) };
}

/** Sec-WebSocket-Accept for a key (§4.2.2). */
export function acceptFor(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/**
 * One raw TCP connection after its opening handshake; the common face of RawClient and RawConnection.
 * The socket is half-open capable: when the peer ends, our side stays open until `end()` or `destroy()`.
 */
export class RawPeer {
  readonly socket: net.Socket;
  readonly role: 'client' | 'server';
  /** The peer's HTTP head, from the start line to and including the empty line. */
  head = '';
  /** The first socket error, such as ECONNRESET. */
  error: Error | undefined;
  /** How the peer's direction came to its end: an orderly FIN, or a reset (or our own destroy). */
  readonly ended: Promise<'fin' | 'reset'>;
  /** The socket is gone, both directions. */
  readonly closed: Promise<void>;
  #chunks: Buffer[] = [];
  #finished: 'fin' | 'reset' | undefined;
  #isClosed = false;
  #read = 0;
  #watchers = new Set<() => void>();

  constructor(socket: net.Socket, role: 'client' | 'server') {
    this.socket = socket;
    this.role = role;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.#chunks.push(Buffer.from(chunk));
      this.#wake();
    });
    socket.on('error', (error) => {
      this.error ??= error;
    });
    this.ended = new Promise((resolve) => {
      const finish = (how: 'fin' | 'reset') => {
        this.#finished ??= how;
        resolve(this.#finished);
        this.#wake();
      };
      socket.once('end', () => finish('fin'));
      socket.once('close', () => finish('reset'));
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true;
        resolve();
        this.#wake();
      });
    });
  }

  /** 'fin' or 'reset' once the peer's direction is over, undefined before. */
  get finished(): 'fin' | 'reset' | undefined {
    return this.#finished;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Every byte that ever came, the HTTP head included. */
  get recorded(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  /** Every byte that came after the HTTP head. */
  get received(): Buffer {
    return this.recorded.subarray(Buffer.byteLength(this.head, 'latin1'));
  }

  /** All whole frames that came so far; decoded anew at each call. */
  frames(): WireFrame[] {
    return decodeFrames(this.received).frames;
  }

  /** Bytes behind the last whole frame. */
  rest(): Buffer {
    return decodeFrames(this.received).rest;
  }

  /** The next frame that no earlier nextFrame() gave. Rejects after `timeout` ms, or when the peer ended without one. */
  async nextFrame(timeout = 10_000): Promise<WireFrame> {
    const index = this.#read++;
    await this.until(() => this.#finished !== undefined || this.frames().length > index, timeout);
    const frame = this.frames()[index];
    if (frame === undefined)
      throw new Error(`peer ended (${this.#finished}) before frame ${index}`);
    return frame;
  }

  /** Resolves as soon as `holds()` is true; asked again after each chunk, end and close. Rejects after `timeout` ms. */
  until(holds: () => boolean, timeout = 10_000): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const watcher = () => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#watchers.delete(watcher);
        const tail = this.received.subarray(-64).toString('hex');
        const state = this.#finished === undefined ? 'open' : `ended (${this.#finished})`;
        reject(new Error(`nothing after ${timeout} ms; ${state}; last bytes: ${tail || 'none'}`));
      }, timeout);
      this.#watchers.add(watcher);
    });
  }

  /**
   * Writes bytes as they are. With `chop`, in pieces of that many bytes, one write and one turn of
   * the event loop each, so that a peer in this process reads them apart. Resolves when all is
   * written or the connection is gone.
   */
  async send(bytes: Buffer | string, { chop }: { chop?: number } = {}): Promise<void> {
    const whole = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    const step = chop ?? Math.max(1, whole.length);
    for (let start = 0; start < whole.length; start += step) {
      if (this.socket.destroyed || !this.socket.writable) return;
      await new Promise<void>((resolve) => {
        this.socket.write(whole.subarray(start, start + step), () => resolve());
      });
      if (chop !== undefined) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** encodeFrame + send, masked with a random key on the client side, unmasked on the server side, unless told. */
  sendFrame(spec: FrameSpec, options?: { chop?: number }): Promise<void> {
    const mask = spec.mask ?? (this.role === 'client' ? randomBytes(4) : false);
    return this.send(encodeFrame({ ...spec, mask }), options);
  }

  /** Half-closes: a FIN goes out, reading goes on. */
  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Waits for the HTTP head of the peer; what follows it counts as frames. */
  async readHead(timeout = 10_000): Promise<string> {
    const isOver = () => this.recorded.includes('\r\n\r\n') || this.#finished !== undefined;
    await this.until(isOver, timeout);
    const end = this.recorded.indexOf('\r\n\r\n');
    if (end < 0) throw new Error('peer ended before its HTTP head was complete');
    this.head = this.recorded.toString('latin1', 0, end + 4);
    return this.head;
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** A client made by hand. `await RawClient.connect(port)` leaves it open and ready for frames. */
export class RawClient extends RawPeer {
  constructor(socket: net.Socket) {
    super(socket, 'client');
  }

  /** Connects only: no byte is sent. For tests of the handshake itself. */
  static async open(port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = net.connect({ port, host, allowHalfOpen: true });
    const client = new RawClient(socket);
    await once(socket, 'connect');
    return client;
  }

  /**
   * Connects and does the opening handshake (§4.1). `headers` are added, or replace one of the
   * usual ones; `early` is sent in the same write, behind the request. Throws unless the answer is
   * 101 with the right Sec-WebSocket-Accept.
   */
  static async connect(
    port: number,
    options: {
      path?: string;
      headers?: Record<string, string>;
      early?: Buffer;
      timeout?: number;
    } = {},
  ): Promise<RawClient> {
    const client = await RawClient.open(port);
    const key = randomBytes(16).toString('base64');
    const request = formatRequest(port, key, options.path ?? '/', options.headers ?? {});
    await client.send(
      Buffer.concat([Buffer.from(request, 'latin1'), options.early ?? Buffer.alloc(0)]),
    );
    const head = await client.readHead(options.timeout);
    const accept = headerOf(head, 'sec-websocket-accept');
    if (!head.startsWith('HTTP/1.1 101 ') || accept !== acceptFor(key)) {
      client.destroy();
      throw new Error(`handshake refused: ${head}`);
    }
    return client;
  }
}

function formatRequest(
  port: number,
  key: string,
  path: string,
  headers: Record<string, string>,
): string {
  const all = new Map([
    ['host', `Host: 127.0.0.1:${port}`],
    ['upgrade', 'Upgrade: websocket'],
    ['connection', 'Connection: Upgrade'],
    ['sec-websocket-key', `Sec-WebSocket-Key: ${key}`],
    ['sec-websocket-version', 'Sec-WebSocket-Version: 13'],
  ]);
  for (const [name, value] of Object.entries(headers)) {
    all.set(name.toLowerCase(), `${name}: ${value}`);
  }
  return `GET ${path} HTTP/1.1\r\n${[...all.values()].join('\r\n')}\r\n\r\n`;
}

/** The value of the first header line of that name in an HTTP head, without the white space around it. */
export function headerOf(head: string, name: string): string | undefined {
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (line.slice(0, colon).toLowerCase() === name.toLowerCase())
      return line.slice(colon + 1).trim();
  }
  return undefined;
}

/** A connection that a RawServer accepted and answered. */
export class RawConnection extends RawPeer {
  constructor(socket: net.Socket) {
    super(socket, 'server');
  }
}

/** What a RawServer sends back for a request; bytes behind the head are frames in the same write. */
export type Answer = (request: { head: string; key: string }) => Buffer | string;

/** The plain 101 (§4.2.2), with further header lines when given. */
export function formatSwitching(key: string, extra: string[] = []): string {
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptFor(key)}`,
    ...extra,
    '\r\n',
  ].join('\r\n');
}

/**
 * A server made by hand, on a free port of 127.0.0.1. Each accepted connection gets its request read
 * and answered (by default with the plain 101) and is then handed out by `accept()`, in order.
 */
export class RawServer {
  readonly port: number;
  #server: net.Server;
  #connections = new Set<RawConnection>();
  #ready: RawConnection[] = [];
  #waiting: ((connection: RawConnection) => void)[] = [];

  private constructor(server: net.Server, answer: Answer) {
    this.#server = server;
    this.port = (server.address() as net.AddressInfo).port;
    server.on('connection', (socket) => {
      const connection = new RawConnection(socket);
      this.#connections.add(connection);
      void connection.closed.then(() => this.#connections.delete(connection));
      // A peer that leaves before its request is complete is nobody's connection.
      this.#greet(connection, answer).catch(() => connection.destroy());
    });
  }

  static async listen(answer: Answer = ({ key }) => formatSwitching(key)): Promise<RawServer> {
    const server = net.createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new RawServer(server, answer);
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** The next connection whose handshake was answered. Rejects after `timeout` ms. */
  accept(timeout = 10_000): Promise<RawConnection> {
    const ready = this.#ready.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    return new Promise((resolve, reject) => {
      const take = (connection: RawConnection) => {
        clearTimeout(timer);
        resolve(connection);
      };
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((other) => other !== take);
        reject(new Error(`no connection after ${timeout} ms`));
      }, timeout);
      this.#waiting.push(take);
    });
  }

  /** Destroys every connection and stops listening. */
  async close(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #greet(connection: RawConnection, answer: Answer): Promise<void> {
    const head = await connection.readHead();
    await connection.send(answer({ head, key: headerOf(head, 'sec-websocket-key') ?? '' }));
    const take = this.#waiting.shift();
    if (take !== undefined) take(connection);
    else this.#ready.push(connection);
  }
}
