// Opcodes (§5.2, §11.8): what a frame is. Bit 3 tells control frames from data frames.

/** The six opcodes that RFC 6455 defines; 3–7 and 11–15 are reserved (§5.2). */
export const Opcode = {
  CONTINUATION: 0x0,
  TEXT: 0x1,
  BINARY: 0x2,
  CLOSE: 0x8,
  PING: 0x9,
  PONG: 0xa,
} as const;

/** One of the values of `Opcode`. */
export type Opcode = (typeof Opcode)[keyof typeof Opcode];

/** §5.5: control frames have the most significant bit of the opcode set. */
export function isControl(opcode: number): boolean {
  return (opcode & 0x8) !== 0;
}
