// The head of an HTTP/1.1 message, start line and fields, from its bytes (RFC 9112 §2, §3, §4, §5).
// Strict where leniency invites request smuggling, linear in time, bounded in memory. Knows nothing
// of what the fields mean, and no body.

import { Buffer } from 'node:buffer';
import { HandshakeError } from '../errors.ts';
import { collectFields } from './fields.ts';
import { trimSpace } from './grammar.ts';

/** What may be spent on one head. */
export interface HeadLimits {
  /** Bytes from the first of the start line to the last of the blank line. Default 16384. */
  maxBytes?: number | undefined;
  /** Field lines. Default 100. */
  maxFields?: number | undefined;
}

/** What requests and responses have in common. */
class MessageHead {
  /** As in the start line, such as `'1.1'`. */
  readonly httpVersion: string;
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;
  /** Names and values in turn, as they came, decoded as latin1, without white space around values. */
  readonly rawHeaders: string[];
  /** The bytes behind the blank line: a view of the last chunk, perhaps empty. */
  readonly rest: Buffer;
  #headers: Record<string, string | string[] | undefined> | undefined;

  constructor(httpVersion: string, rawHeaders: string[], rest: Buffer) {
    this.httpVersion = httpVersion;
    this.httpVersionMajor = Number(httpVersion[0]);
    this.httpVersionMinor = Number(httpVersion[2]);
    this.rawHeaders = rawHeaders;
    this.rest = rest;
  }

  /** The fields by lower-case name, combined as in Node's IncomingMessage; made when first asked for. */
  get headers(): Record<string, string | string[] | undefined> {
    this.#headers ??= collectFields(this.rawHeaders);
    return this.#headers;
  }
}

/** The head of a request. Fits where a RequestLike is wanted. */
export class RequestHead extends MessageHead {
  /** As in the request line, with case. */
  readonly method: string;
  /** The request target as it came. */
  readonly url: string;

  constructor(line: RegExpExecArray, rawHeaders: string[], rest: Buffer) {
    super(line[3], rawHeaders, rest);
    this.method = line[1];
    this.url = line[2];
  }
}

/** The head of a response. Fits where a ResponseLike is wanted. */
export class ResponseHead extends MessageHead {
  /** 100 to 999. */
  readonly statusCode: number;
  /** The reason phrase, decoded as latin1; `''` for none. */
  readonly statusMessage: string;

  constructor(line: RegExpExecArray, rawHeaders: string[], rest: Buffer) {
    super(line[1], rawHeaders, rest);
    this.statusCode = Number(line[2]);
    this.statusMessage = line[3] ?? '';
  }
}

const CR = 0x0d;
const LF = 0x0a;
const EMPTY = Buffer.alloc(0);
const BLANK_LINE = Buffer.from('\r\n\r\n');

// RFC 9112 §3: method SP request-target SP HTTP-version, one space each
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP\/([0-9]\.[0-9])$/;
// RFC 9112 §4: HTTP-version SP status-code SP [reason-phrase]; the last space is often left out
const STATUS_LINE = /^HTTP\/([0-9]\.[0-9]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
// RFC 9112 §5: field-line = field-name ":" OWS field-value OWS; no space before the colon, no
// folding. Each piece ends where the next cannot begin, so that a mismatch costs linear time.
const FIELDS = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/;

/**
 * Parses heads of requests (`'request'`) or of responses (`'response'`) from chunks cut anywhere.
 * After a head it is ready for the next one; after an error it is spent and throws it again.
 */
export class HeadParser<Kind extends 'request' | 'response' = 'request' | 'response'> {
  readonly #kind: Kind;
  readonly #maxBytes: number;
  readonly #maxFields: number;
  #retained: Buffer = EMPTY;
  #length = 0;
  #hasStartLine = false;
  #error: HandshakeError | undefined;

  /** @throws {RangeError} when a limit is not a positive integer. */
  constructor(kind: Kind, { maxBytes = 16384, maxFields = 100 }: HeadLimits = {}) {
    this.#kind = kind;
    this.#maxBytes = checkLimit('maxBytes', maxBytes);
    this.#maxFields = checkLimit('maxFields', maxFields);
  }

  /**
   * Takes the next bytes. A chunk is only read during the call, except that `rest` is a view of it.
   *
   * @returns the head, or `null` when more bytes are needed.
   * @throws {HandshakeError} 400 for malformed bytes, as soon as they are seen; 431 above a limit;
   *   505 for a major version other than 1.
   */
  parse(chunk: Buffer): (Kind extends 'request' ? RequestHead : ResponseHead) | null;
  parse(chunk: Buffer): RequestHead | ResponseHead | null {
    if (this.#error !== undefined) throw this.#error;
    try {
      return this.#length === 0 ? this.#parseFirst(chunk) : this.#parseNext(chunk);
    } catch (error) {
      this.#error = error as HandshakeError;
      this.#reset();
      throw error;
    }
  }

  /** The usual case: the whole head lies in one chunk and is decoded from there, uncopied. */
  #parseFirst(chunk: Buffer): RequestHead | ResponseHead | null {
    // RFC 9112 §2.2: one empty line before a request is passed over.
    const start = this.#kind === 'request' && chunk[0] === CR && chunk[1] === LF ? 2 : 0;
    const end = chunk.indexOf(BLANK_LINE, start);
    if (end === -1) return this.#parseNext(chunk);
    if (end + 4 > this.#maxBytes) throw tooLarge();
    return this.#parseText(chunk.toString('latin1', start, end + 2), chunk.subarray(end + 4));
  }

  #parseNext(chunk: Buffer): RequestHead | ResponseHead | null {
    const before = this.#length;
    this.#retain(chunk);
    const retained = this.#retained.subarray(0, this.#length);
    const start = this.#kind === 'request' && retained[0] === CR && retained[1] === LF ? 2 : 0;
    const end = retained.indexOf(BLANK_LINE, Math.max(start, before - 3));
    if (end === -1) {
      this.#checkSoFar(retained, before, start);
      if (this.#length === this.#maxBytes) throw tooLarge();
      return null;
    }
    const text = retained.toString('latin1', start, end + 2);
    this.#reset();
    return this.#parseText(text, chunk.subarray(end + 4 - before));
  }

  /** Copies what may still belong to the head; the buffer doubles, so that copying stays linear. */
  #retain(chunk: Buffer): void {
    const length = Math.min(this.#length + chunk.length, this.#maxBytes);
    if (length > this.#retained.length) {
      const size = Math.min(Math.max(length, 512, 2 * this.#retained.length), this.#maxBytes);
      // Not from Node's pool, of which a slow peer would pin 8 KiB.
      const larger = Buffer.allocUnsafeSlow(size);
      this.#retained.copy(larger, 0, 0, this.#length);
      this.#retained = larger;
    }
    chunk.copy(this.#retained, this.#length, 0, length - this.#length);
    this.#length = length;
  }

  /** Refuses what can no longer become a head, so that such a peer need not be waited for. */
  #checkSoFar(retained: Buffer, before: number, start: number): void {
    for (let i = before; i < retained.length; i++) {
      const byte = retained[i];
      // RFC 9112 §2.2: CR and LF only as a pair. RFC 9110 §5.5: no controls but HTAB.
      const afterCR = i > 0 && retained[i - 1] === CR;
      if (afterCR !== (byte === LF)) throw malformed('a line end other than CR LF');
      if ((byte < 0x20 && byte !== CR && byte !== LF && byte !== 0x09) || byte === 0x7f) {
        throw malformed('a control character');
      }
      if (byte === LF && i > start && !this.#hasStartLine) {
        this.#hasStartLine = true;
        this.#parseStartLine(retained.toString('latin1', start, i - 1));
      }
    }
  }

  #parseStartLine(line: string): RegExpExecArray {
    const match = (this.#kind === 'request' ? REQUEST_LINE : STATUS_LINE).exec(line);
    if (match === null) throw malformed('an invalid start line');
    // RFC 9110 §15.6.6: another major version is not ours to read.
    const version = this.#kind === 'request' ? match[3] : match[1];
    if (version[0] !== '1') throw new HandshakeError(505, 'Unsupported HTTP version');
    return match;
  }

  /** `text` is the head up to and including the line end of its last line. */
  #parseText(text: string, rest: Buffer): RequestHead | ResponseHead {
    const lineEnd = text.indexOf('\r\n');
    const line = this.#parseStartLine(text.slice(0, lineEnd));
    const fields = text.slice(lineEnd + 2);
    if (!FIELDS.test(fields)) throw malformed('an invalid header field');
    const rawHeaders: string[] = [];
    for (let at = 0; at < fields.length; ) {
      if (rawHeaders.length === 2 * this.#maxFields) throw tooLarge();
      const colon = fields.indexOf(':', at);
      const end = fields.indexOf('\r\n', colon);
      rawHeaders.push(fields.slice(at, colon), trimSpace(fields.slice(colon + 1, end)));
      at = end + 2;
    }
    return this.#kind === 'request'
      ? new RequestHead(line, rawHeaders, rest)
      : new ResponseHead(line, rawHeaders, rest);
  }

  #reset(): void {
    this.#retained = EMPTY;
    this.#length = 0;
    this.#hasStartLine = false;
  }
}

function checkLimit(name: string, limit: number): number {
  if (!Number.isInteger(limit) || limit < 1) {
    throw new RangeError(`${name} must be a positive integer, not ${limit}`);
  }
  return limit;
}

function malformed(what: string): HandshakeError {
  return new HandshakeError(400, `Malformed HTTP head: ${what}`);
}

function tooLarge(): HandshakeError {
  return new HandshakeError(431, 'HTTP head too large');
}
