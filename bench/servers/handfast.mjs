// handfast, from the folder that it was built into.

import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { decline, service } from './control.mjs';
import { createOptions, serve } from './emitter.mjs';

const folder = process.env.HANDFAST_DIST;
const base =
  folder === undefined ? new URL('../.dist/', import.meta.url) : pathToFileURL(`${folder}/`);
const { PreparedMessage, WebSocketServer } = await import(new URL('index.js', base).href);

/** A message that is encoded once. */
function prepare(data, isBinary) {
  const message = new PreparedMessage(data, { binary: isBinary });
  return (client) => client.send(message);
}

// Older versions are measured as well, beside newer ones.
if (service.prepared && PreparedMessage === undefined) decline('it has no prepared messages');
const server = new WebSocketServer(createOptions());
const version = `handfast on Node ${process.versions.node}`;
serve(server, version, service.prepared ? prepare : null);
