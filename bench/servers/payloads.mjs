// The messages that servers make by themselves, known to the load as well so that it can compare them.

/** Bytes that a stream's messages have. */
export function createPattern(size) {
  return Uint8Array.from({ length: size }, (_, index) => (index * 31) & 0xff);
}

/** What answers a batch of an upload. */
export function createAcknowledgement() {
  return Uint8Array.of(0x6b);
}
