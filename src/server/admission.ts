// Who may connect: the Origin policy (§10.2), then the application's `verifyClient`. Says yes or no, and
// leaves answering to others.

import type { IncomingMessage } from 'node:http';
import type { UpgradeRequest } from '../handshake/request.ts';
import type { ClientInfo, ServerOptions, VerifyCallback } from './options.ts';
import { isListedOrigin, isSameHost, type OriginPattern } from './origin.ts';

/** The options that decide. */
export type AdmissionOptions = Pick<ServerOptions, 'origins' | 'verifyClient' | 'noServer'>;

/** §10.2: null, or why a page from this origin must not connect and how to let it. */
export function findOriginFault(
  { origin, host }: Pick<UpgradeRequest, 'origin' | 'host'>,
  { origins, verifyClient, noServer }: AdmissionOptions,
): string | null {
  // §4.2.1: no Origin, no browser.
  if (origin === undefined) return null;
  if (origins != null) {
    const list = Array.isArray(origins) ? origins : [origins as OriginPattern];
    if (isListedOrigin(origin, list)) return null;
  } else if (verifyClient || noServer || isSameHost(origin, host)) {
    return null;
  }
  return (
    `Origin ${origin} is not allowed to connect to ${host}. To allow it, list it in the ` +
    `server's options: new WebSocketServer({ origins: ['${origin}'] })\n`
  );
}

/**
 * Asks `verifyClient`, if there is one, and calls `onVerdict`; `onBroken` when its promise is
 * rejected. Throws what `verifyClient` throws, and what `onVerdict` throws when called at once.
 */
export function verify(
  req: IncomingMessage,
  origin: string | undefined,
  { verifyClient }: AdmissionOptions,
  onVerdict: VerifyCallback,
  onBroken: (error: unknown) => void,
): void {
  if (!verifyClient) {
    onVerdict(true);
    return;
  }
  const { authorized, encrypted } = (req.socket ?? {}) as {
    authorized?: boolean;
    encrypted?: boolean;
  };
  const info: ClientInfo = { origin, secure: Boolean(authorized || encrypted), req };
  if (verifyClient.length > 1) {
    verifyClient(info, onVerdict);
    return;
  }
  const verdict = verifyClient(info, onVerdict);
  if (typeof verdict !== 'object' || verdict === null) {
    onVerdict(Boolean(verdict));
    return;
  }
  // A promise is not an approval: it is waited for, and its rejection refuses.
  Promise.resolve(verdict).then((verified) => onVerdict(Boolean(verified)), onBroken);
}
