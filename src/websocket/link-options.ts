// What a socket's options and its opening handshake's agreement come to for the link below it, defaults
// filled in. Sockets that are to behave alike share one object. Knows no sockets.

import { Buffer } from 'node:buffer';
import type { ConnectionOptions } from '../connection/connection.ts';
import { DeflateCodec } from '../deflate/codec.ts';
import type { Role } from '../frame/rules.ts';
import type { KeySource } from '../mask/key.ts';
import type { Agreement, SocketOptions } from './surface.ts';

/** How a link behaves, beyond its connection. Never changed once made. */
export interface LinkOptions extends ConnectionOptions {
  /** Milliseconds that the peer has to finish a closing handshake or to close its transport. */
  readonly closeTimeout: number;
  /** Milliseconds between heartbeats; 0 for none. */
  readonly heartbeat: number;
}

/** What was made last: a server's sockets all have the same options, as a rule. */
let last: LinkOptions | null = null;

/** Options for one link. What was agreed on goes before what was given. */
export function toLinkOptions(
  role: Role,
  given: SocketOptions,
  agreed: Agreement = {},
): LinkOptions {
  const generateMask = agreed.generateMask ?? given.generateMask;
  const { deflate } = agreed;
  const options: LinkOptions = {
    role,
    maxPayload: agreed.maxPayload ?? given.maxPayload ?? 104_857_600,
    maxFragments: agreed.maxFragments ?? given.maxFragments,
    skipUtf8Validation: agreed.skipUTF8Validation ?? given.skipUTF8Validation,
    autoPong: agreed.autoPong ?? given.autoPong,
    closeTimeout: agreed.closeTimeout ?? given.closeTimeout ?? 30_000,
    heartbeat: agreed.heartbeat ?? given.heartbeat ?? 0,
    keySource: generateMask && keySourceOf(generateMask),
    codec: deflate && new DeflateCodec(role, deflate.parameters, deflate.options),
  };
  // A codec and a key source are one connection's own.
  if (options.codec || options.keySource) return options;
  if (last === null || !isAlike(options, last)) last = options;
  return last;
}

function isAlike(a: LinkOptions, b: LinkOptions): boolean {
  return (
    a.role === b.role &&
    a.maxPayload === b.maxPayload &&
    a.maxFragments === b.maxFragments &&
    a.skipUtf8Validation === b.skipUtf8Validation &&
    a.autoPong === b.autoPong &&
    a.closeTimeout === b.closeTimeout &&
    a.heartbeat === b.heartbeat
  );
}

function keySourceOf(generateMask: (mask: Buffer) => void): KeySource {
  const key = Buffer.alloc(4);
  return () => {
    generateMask(key);
    return key.readInt32LE(0);
  };
}
