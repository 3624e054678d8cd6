// A WebSocket as a Node Duplex: each message a chunk, back-pressure both ways.

import { Duplex, type DuplexOptions } from 'node:stream';
import type { RawData } from './payload.ts';
import type { BaseWebSocket } from './websocket.ts';

/**
 * Wraps `socket`. Chunks written are sent as messages (Buffers as binary; strings as text with
 * `decodeStrings: false`); received messages are chunks to read, in `readableObjectMode` one by one
 * and text as strings. Ending the stream closes the socket, destroying it terminates the socket; an
 * error of the socket's is the stream's. `options` are those of `stream.Duplex`.
 */
export function createWebSocketStream(socket: BaseWebSocket, options?: DuplexOptions): Duplex {
  return new WebSocketDuplex(socket, options);
}

interface Written {
  readonly chunk: unknown;
  readonly encoding: BufferEncoding;
}

class WebSocketDuplex extends Duplex {
  readonly #socket: BaseWebSocket;
  /** The socket has failed and closes by itself: it need not be terminated. */
  #failed = false;

  constructor(socket: BaseWebSocket, options?: DuplexOptions) {
    super({
      ...options,
      autoDestroy: false,
      emitClose: false,
      objectMode: false,
      writableObjectMode: false,
    });
    this.#socket = socket;
    socket.on('message', this.#onMessage);
    socket.once('error', this.#onError);
    socket.once('close', () => {
      if (!this.destroyed) this.push(null);
    });
    // Both directions have ended: with autoDestroy off that is ours to see.
    this.on('end', () => {
      if (!this.destroyed && this.writableFinished) this.destroy();
    });
    this.on('error', this.#onOwnError);
  }

  readonly #onMessage = (data: RawData, isBinary: boolean): void => {
    const chunk = !isBinary && this.readableObjectMode ? data.toString() : data;
    if (!this.push(chunk)) this.#socket.pause();
  };

  readonly #onError = (error: Error): void => {
    if (this.destroyed) return;
    this.#failed = true;
    this.destroy(error);
  };

  /** An error destroys the stream; nobody listening, it is thrown as any stream's is. */
  readonly #onOwnError = (error: Error): void => {
    this.removeListener('error', this.#onOwnError);
    this.destroy();
    if (this.listenerCount('error') === 0) this.emit('error', error);
  };

  // Properties, because there is code that takes them off the stream to wrap them.

  override readonly _read = (): void => {
    if (this.#socket.isPaused) this.#socket.resume();
  };

  override readonly _write = (
    chunk: unknown,
    encoding: BufferEncoding,
    done: (error?: Error) => void,
  ): void => this._writev([{ chunk, encoding }], done);

  /** What has been written while the last messages were under way leaves in one batch. */
  override readonly _writev = (chunks: readonly Written[], done: (error?: Error) => void): void => {
    const socket = this.#socket;
    if (socket.readyState === socket.CONNECTING) {
      socket.once('open', () => this._writev(chunks, done));
      return;
    }
    let left = chunks.length;
    let failure: Error | undefined;
    const sent = (error?: Error): void => {
      failure ??= error;
      if (--left === 0) done(failure);
    };
    for (const { chunk } of chunks) socket.send(chunk as Buffer | string, sent);
  };

  override readonly _final = (done: (error?: Error | null) => void): void => {
    const socket = this.#socket;
    if (socket.readyState === socket.CONNECTING) {
      socket.once('open', () => this._final(done));
      return;
    }
    // The handshake failed: the socket's error ends the stream.
    if (socket.socket === null) return;
    if (socket.socket.writableFinished) {
      done();
      if (this.readableEnded) this.destroy();
      return;
    }
    socket.socket.once('finish', () => done());
    socket.close();
  };

  override readonly _destroy = (
    error: Error | null,
    done: (error?: Error | null) => void,
  ): void => {
    const socket = this.#socket;
    const finish = (): void => {
      done(error);
      process.nextTick(() => this.emit('close'));
    };
    if (socket.readyState === socket.CLOSED) {
      finish();
      return;
    }
    socket.once('close', finish);
    if (!this.#failed) socket.terminate();
  };
}
