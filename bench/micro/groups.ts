// The names of the micro benchmarks' groups: the rooms of src/ that need no sockets.

export const MICRO_GROUPS = [
  'mask',
  'header',
  'reader',
  'writer',
  'utf8',
  'connection',
  'accept',
  'handshake',
  'negotiation',
] as const;
export type MicroGroup = (typeof MICRO_GROUPS)[number];
