// What the bare servers have in common: the answer to the opening request, and bytes for bytes, frames
// unread. They differ in what they read and write with, which is what they are there to measure.

import { hash } from 'node:crypto';
import { decline, service } from './control.mjs';
import { createAcknowledgement, createPattern } from './payloads.mjs';

if (service.compression !== 'none') decline('it does not compress');

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const { answer, repeat = 1, size = 0 } = service;
const clients = new Set();

/** The response to a key: constant, but for the digest that the load checks. */
export function createResponse(key) {
  const accept = hash('sha1', key + GUID, 'base64');
  return (
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${accept}\r\n\r\n`
  );
}

/** Text of a head that has not come in whole, by client: most come in one chunk and are not kept. */
const heads = new Map();

/** The response to the request whose next chunk this is; null while there is more to come. */
export function answerHead(client, chunk) {
  const head = (heads.get(client) ?? '') + chunk.toString('latin1');
  if (!head.endsWith('\r\n\r\n')) {
    heads.set(client, head);
    return null;
  }
  heads.delete(client);
  return createResponse(/^sec-websocket-key: *(\S+)/im.exec(head)?.[1]);
}

/** The bytes of a message's only frame: header, extended length, masking key of a client, payload. */
function frameLength(length, masked) {
  return 2 + (length < 126 ? 0 : length < 65_536 ? 2 : 8) + (masked ? 4 : 0) + length;
}

/** A binary message in one frame of fewer than 64 KiB, as often as wanted. */
function createFrames(payload, count) {
  const { length } = payload;
  const frame = Buffer.alloc(frameLength(length, false));
  frame[0] = 0x82;
  frame[1] = Math.min(length, 126);
  if (length >= 126) frame.writeUInt16BE(length, 2);
  frame.set(payload, frame.length - length);
  return Buffer.concat(Array.from({ length: count }, () => frame));
}

/** One reply for so many bytes; what has come of the next lot is kept with the client. */
function answerEvery(bytes, reply) {
  return (client, chunk) => {
    client.received = (client.received ?? 0) + chunk.length;
    for (; client.received >= bytes; client.received -= bytes) client.write(reply);
  };
}

function createAnswer() {
  switch (answer) {
    case 'ack': {
      const reply = createFrames(createAcknowledgement(), 1);
      return answerEvery(repeat * frameLength(size, true), reply);
    }
    case 'stream':
      return answerEvery(frameLength(1, true), createFrames(createPattern(size), repeat));
    case 'fan-out':
      return (_, chunk) => {
        // Its own bytes: a chunk may lie in memory that is read into again.
        const frames = Buffer.concat(Array.from({ length: repeat }, () => chunk));
        for (const client of clients) client.write(frames);
      };
    default:
      return (client, chunk) => client.write(chunk);
  }
}

/** Answers a chunk of `client`, which is anything with `write(chunk)`. */
export const receive = createAnswer();

/** From now on broadcasts reach it. */
export function enter(client) {
  clients.add(client);
}

export function leave(client) {
  clients.delete(client);
  heads.delete(client);
}
