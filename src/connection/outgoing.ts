// The message of ours that is in progress (§5.4, §5.6): what the first byte of its next frame is, whether
// it goes compressed, and whether its text is still text. Knows neither frames' payloads on the wire nor
// when they may be sent.

import { Buffer } from 'node:buffer';
import { FIN } from '../frame/header.ts';
import { Opcode } from '../frame/opcode.ts';
import { isText, Utf8Validator } from '../message/utf8.ts';

/** One direction's message at a time; between messages it waits for the next. */
export class OutgoingMessage {
  /** A fragment has been sent, and the final one has not (§5.4). */
  isFragmented = false;
  /** RFC 7692 §6: the first fragment has decided so for all. */
  isCompressed = false;
  /** Validates the fragments of a text message; null while there is none. */
  #text: Utf8Validator | null = null;
  /** A fragment was refused, so that nothing can make text of those already sent. */
  #isSpoiled = false;

  /** FIN and opcode of the next frame, which is thereby taken for sent (§5.4). */
  next(isBinary: boolean, fin: boolean): number {
    const opcode = this.isFragmented ? Opcode.CONTINUATION : isBinary ? Opcode.BINARY : Opcode.TEXT;
    // §5.4: the final fragment, and no other, has FIN.
    this.isFragmented = !fin;
    return fin ? FIN | opcode : opcode;
  }

  /**
   * §5.6: text is UTF-8, also when the application hands it over as bytes and in fragments. Throws
   * TypeError where it is not; of a message that has begun no further fragment is accepted then.
   */
  check(data: string | Uint8Array, isBinary: boolean, fin: boolean): void {
    if (!this.isFragmented) {
      if (isBinary || (fin && typeof data === 'string')) return;
      if (!fin) this.#text = new Utf8Validator();
    }
    const validator = this.#text;
    if (validator === null) {
      if (this.isFragmented || isText(data as Uint8Array)) return;
    } else {
      const bytes = typeof data === 'string' ? Buffer.from(data) : asBuffer(data);
      if (!this.#isSpoiled && validator.write(bytes) && (!fin || validator.end())) {
        if (fin) this.#text = null;
        return;
      }
    }
    // A first fragment that is refused leaves no message behind.
    if (!this.isFragmented) this.#text = null;
    this.#isSpoiled = this.isFragmented;
    throw new TypeError('The bytes of a text message must be UTF-8: send them as binary instead');
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
