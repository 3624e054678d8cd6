// ws: plain with WS_NO_BUFFER_UTIL=1; otherwise its two native addons have to be there, so that the figure
// bears the right name.

import { createRequire } from 'node:module';
import process from 'node:process';
import { Sender, WebSocketServer } from 'ws';
import { service } from './control.mjs';
import { createOptions, serve } from './emitter.mjs';

const require = createRequire(import.meta.url);
const parts = [`ws ${require('ws/package.json').version}`];
if (!process.env.WS_NO_BUFFER_UTIL) {
  for (const name of ['bufferutil', 'utf-8-validate']) {
    require(name);
    parts.push(`${name} ${require(`${name}/package.json`).version}`);
  }
}

/** A frame that is made once, the way frameworks on top of ws do it; there is no public way. */
function prepare(data, isBinary) {
  const opcode = isBinary ? 2 : 1;
  const frame = Sender.frame(data, { fin: true, rsv1: false, opcode, mask: false, readOnly: true });
  return (client) => client._sender.sendFrame(frame);
}

// By default ws refuses a message of so many fragments as one scenario has.
const limits = { maxFragments: 0, maxBufferedChunks: 0 };
const server = new WebSocketServer({ ...createOptions(), ...limits });
const version = `${parts.join(' + ')} on Node ${process.versions.node}`;
// There is no way to prepare compressed frames, so those are sent one by one.
const isPrepared = service.prepared && service.compression === 'none';
serve(server, version, isPrepared ? prepare : null);
