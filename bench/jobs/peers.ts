// Opening many connections at a time, and what goes wrong with them. Shared by all jobs.

import { Peer, type PeerEvents } from '../peer.ts';

const OPENING_AT_ONCE = 64;

/** What connections have in common. */
export interface Opening {
  readonly port: number;
  readonly count: number;
  /** Payload bytes of every message from the server. */
  readonly size: number;
  /** Extensions to offer. */
  readonly offer: string | null;
}

/** Opens connections, a few at a time, and gives them when all are open. */
export function open(opening: Opening, events: PeerEvents): Promise<Peer[]> {
  const { port, count, size, offer } = opening;
  const peers: Peer[] = [];
  let opened = 0;
  return new Promise((resolve) => {
    const more = (): void => {
      if (peers.length < count) peers.push(new Peer(port, size, offer, own));
    };
    const own: PeerEvents = {
      onOpen: () => {
        if (++opened === count) resolve(peers);
        else more();
      },
      onMessages: (peer, messages) => events.onMessages(peer, messages),
      onClosed: (peer) => events.onClosed(peer),
      onError: (error) => events.onError(error),
    };
    for (let i = 0; i < OPENING_AT_ONCE; i++) more();
  });
}

/** Events that call `fail` for what goes wrong, until `ended` is set. */
export function watch(fail: (error: Error) => void): PeerEvents & { ended: boolean } {
  return {
    ended: false,
    onOpen() {},
    onMessages() {},
    onClosed() {
      if (!this.ended) fail(new Error('the server closed a connection'));
    },
    onError(error) {
      if (!this.ended) fail(error);
    },
  };
}

/** A promise and what resolves it. */
export function defer(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((onResolve) => {
    resolve = onResolve;
  });
  return { promise, resolve };
}
