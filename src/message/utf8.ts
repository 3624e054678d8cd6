// Incremental UTF-8 validation (§8.1, RFC 3629) that fails at the first impossible byte. Whole runs go
// through the platform's validator; only a sequence that a piece cuts in two is walked byte by byte.

import { type Buffer, isUtf8 } from 'node:buffer';

/** Below this many bytes walking them is cheaper than calling out. */
const WALK_BELOW = 12;

/** Up to this many bytes looking for one above ASCII is cheaper than calling out. */
const LOOK_UP_TO = 64;

/** Whether all of `bytes` is text, UTF-8 (§8.1). */
export function isText(bytes: Uint8Array): boolean {
  const { length } = bytes;
  if (length > LOOK_UP_TO) return isUtf8(bytes);
  let octets = 0;
  let i = 0;
  for (; i + 3 < length; i += 4) octets |= bytes[i] | bytes[i + 1] | bytes[i + 2] | bytes[i + 3];
  for (; i < length; i++) octets |= bytes[i];
  return octets < 0x80 || isUtf8(bytes);
}

/** A validator for one text at a time. */
export class Utf8Validator {
  /** Continuation bytes that the sequence in progress still needs. */
  #needed = 0;
  /** Bounds of the next continuation byte: narrower than 80–BF behind E0, ED, F0 and F4. */
  #lower = 0x80;
  #upper = 0xbf;

  /**
   * Takes the next piece of the text; false when no text can begin with what has come so far, after
   * which only `reset` makes sense.
   */
  write(piece: Buffer): boolean {
    const end = piece.length;
    let at = 0;
    while (this.#needed > 0 && at < end) if (!this.#step(piece[at++])) return false;
    if (end - at >= WALK_BELOW) {
      const cut = lastSequence(piece, at, end);
      if (!isUtf8(at === 0 && cut === end ? piece : piece.subarray(at, cut))) return false;
      at = cut;
    }
    while (at < end) if (!this.#step(piece[at++])) return false;
    return true;
  }

  /** The text is over: false when it ends inside a sequence. Ready for the next text. */
  end(): boolean {
    const complete = this.#needed === 0;
    this.reset();
    return complete;
  }

  /** Forgets the text in progress. */
  reset(): void {
    this.#needed = 0;
    this.#lower = 0x80;
    this.#upper = 0xbf;
  }

  #step(byte: number): boolean {
    if (this.#needed > 0) {
      if (byte < this.#lower || byte > this.#upper) return false;
      this.#lower = 0x80;
      this.#upper = 0xbf;
      this.#needed--;
      return true;
    }
    if (byte < 0x80) return true;
    // C0 and C1 could only begin overlong forms.
    if (byte < 0xc2) return false;
    if (byte < 0xe0) {
      this.#needed = 1;
    } else if (byte < 0xf0) {
      this.#needed = 2;
      if (byte === 0xe0) this.#lower = 0xa0; // below: overlong
      if (byte === 0xed) this.#upper = 0x9f; // above: surrogates
    } else if (byte < 0xf5) {
      this.#needed = 3;
      if (byte === 0xf0) this.#lower = 0x90; // below: overlong
      if (byte === 0xf4) this.#upper = 0x8f; // above: beyond U+10FFFF
    } else {
      return false;
    }
    return true;
  }
}

/** Where a sequence begins that `bytes[start, end)` does not hold whole; `end` if there is none. */
function lastSequence(bytes: Uint8Array, start: number, end: number): number {
  for (let at = end - 1; at >= start && at >= end - 3; at--) {
    const byte = bytes[at];
    if (byte < 0x80) return end;
    if (byte >= 0xc0) {
      const size = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
      return end - at < size ? at : end;
    }
  }
  return end;
}
