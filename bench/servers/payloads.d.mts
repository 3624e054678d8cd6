// Types for payloads.mjs, which Node, Bun and Deno run as it is.

export function createPattern(size: number): Uint8Array;
export function createAcknowledgement(): Uint8Array;
