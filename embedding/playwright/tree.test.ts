// Nothing in this tree can reach another `ws`, but for Playwright itself, which bundles one: the copy that the
// tests drive has handfast in its place.

import { createRequire } from 'node:module';
import { expect, it, onTestFinished } from 'vitest';
import { expectOnlyHandfast } from '../support/only-handfast.ts';
import { loadUnbundled } from './unbundled.ts';

it('every ws in the tree is handfast', () => {
  expect(expectOnlyHandfast(import.meta.dirname)).toEqual([]);
});

it('the copy of Playwright has lost all of its ws and got handfast', () => {
  const { bundle, removed, text, remove } = loadUnbundled();
  onTestFinished(remove);
  const handfast = createRequire(import.meta.url)('ws');
  expect(bundle.ws).toBe(handfast.WebSocket);
  expect(bundle.wsServer).toBe(handfast.WebSocketServer);
  expect([...removed].sort()).toEqual([
    'lib/buffer-util.js',
    'lib/constants.js',
    'lib/event-target.js',
    'lib/extension.js',
    'lib/limiter.js',
    'lib/permessage-deflate.js',
    'lib/receiver.js',
    'lib/sender.js',
    'lib/stream.js',
    'lib/subprotocol.js',
    'lib/validation.js',
    'lib/websocket-server.js',
    'lib/websocket.js',
  ]);
  // The GUID of §1.3 and the header fields of §4 are nowhere else in it.
  expect(text).not.toContain('258EAFA5-E914-47DA-95CA-C5AB0DC85B11');
  expect(text).not.toMatch(/Sec-WebSocket/i);
});
