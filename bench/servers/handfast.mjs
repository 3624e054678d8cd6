// handfast, from the folder that it was built into.

import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { decline, service } from './control.mjs';
import { createOptions, serve } from './emitter.mjs';

const folder = process.env.HANDFAST_DIST;
const base =
  folder === undefined ? new URL('../.dist/', import.meta.url) : pathToFileURL(`${folder}/`);
const { WebSocketServer } = await import(new URL('index.js', base).href);

if (service.prepared) decline('it has no prepared messages yet');
const server = new WebSocketServer(createOptions());
serve(server, `handfast on Node ${process.versions.node}`);
