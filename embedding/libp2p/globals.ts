// What the tests' Node may lack. The transport dials with the global WebSocket, as in a browser, and so with
// whatever stands there: here handfast's client. libp2p itself calls `Promise.withResolvers`, of Node 22.

import { WebSocket } from 'ws';

interface WithResolvers {
  withResolvers?: () => { promise: Promise<unknown>; resolve: unknown; reject: unknown };
}

const { WebSocket: before } = globalThis;
const promises = Promise as WithResolvers;

/** Puts handfast's client in the global's place, also where Node has one of its own. */
export function installGlobals(): void {
  Object.assign(globalThis, { WebSocket });
  promises.withResolvers ??= () => {
    let settle: [unknown, unknown] = [null, null];
    const promise = new Promise((resolve, reject) => {
      settle = [resolve, reject];
    });
    return { promise, resolve: settle[0], reject: settle[1] };
  };
}

export function restoreGlobals(): void {
  Object.assign(globalThis, { WebSocket: before });
}
