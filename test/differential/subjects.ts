// The two implementations as a player wants them: a socket made by hand, whose role is set afterwards, as
// frameworks do it.

import { WebSocket } from '../../src/index.ts';
import type { FrameOptions } from '../../src/websocket/habits.ts';
import { type KnownSocket, known } from '../support/known.ts';
import type { Subject } from './player.ts';

const OPTIONS = { autoPong: true, closeTimeout: 30_000, maxPendingAutoPongs: 60 };

export const ours: Subject = {
  create: (role) => {
    const ws = new WebSocket(null, undefined, OPTIONS) as unknown as KnownSocket;
    ws._isServer = role === 'server';
    return ws;
  },
  frame: (data, options) => WebSocket.Sender.frame(data, options as FrameOptions),
};

export const theirs: Subject = {
  create: (role) => {
    const ws = new known(null, undefined, OPTIONS);
    ws._isServer = role === 'server';
    return ws;
  },
  frame: (data, options) => known.Sender.frame(data, options),
};
