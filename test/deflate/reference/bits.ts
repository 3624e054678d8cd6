// Bits of a byte string in the order of RFC 1951 §3.1.1: from the least significant of each byte up,
// numbers with their low bit first, Huffman codes with their high bit first. Knows no blocks.

/** Thrown when a bit is asked for that is not there: the data so far are the beginning of something. */
export class OutOfBits extends Error {}

export class BitReader {
  /** Position of the next bit. */
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bits in all. */
  get length(): number {
    return this.#bytes.length * 8;
  }

  bit(): number {
    if (this.at >= this.length) throw new OutOfBits('the data end within a block');
    const bit = (this.#bytes[this.at >> 3] >> (this.at & 7)) & 1;
    this.at++;
    return bit;
  }

  /** §3.1.1: a number of `count` bits, low bit first. */
  number(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value += this.bit() * 2 ** i;
    return value;
  }

  /** Goes to the next byte border; returns whether the bits passed over were all zero. */
  align(): boolean {
    let zero = true;
    while (this.at % 8 !== 0) {
      if (this.bit() !== 0) zero = false;
    }
    return zero;
  }
}

export class BitWriter {
  readonly #bits: number[] = [];

  /** Bits written so far. */
  get length(): number {
    return this.#bits.length;
  }

  /** §3.1.1: a number of `count` bits, low bit first. */
  number(value: number, count: number): void {
    for (let i = 0; i < count; i++) this.#bits.push(Math.floor(value / 2 ** i) % 2);
  }

  /** §3.1.1: a Huffman code, high bit first. */
  code(code: string): void {
    for (const bit of code) this.#bits.push(Number(bit));
  }

  /** Zero bits up to the next byte border. */
  align(): void {
    while (this.#bits.length % 8 !== 0) this.#bits.push(0);
  }

  /** All whole bytes; an unfinished one is filled up with zeros. */
  bytes(): Buffer {
    const bytes = Buffer.alloc(Math.ceil(this.#bits.length / 8));
    this.#bits.forEach((bit, i) => {
      bytes[i >> 3] += bit * 2 ** (i & 7);
    });
    return bytes;
  }
}
