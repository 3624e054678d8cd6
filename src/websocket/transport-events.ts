// What a Duplex tells of itself, handed to the one whose transport it is. The listeners are functions that all
// sockets share: they find their way by a field of the socket, and a connection brings no closures along.
// Knows no protocol.

import type { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { type SharedReader, startSharedRead, stopSharedRead } from './shared-read.ts';

/** Whose transport it is. Nothing here may throw. */
export interface TransportEvents extends SharedReader {
  /** A chunk has come, which belongs to the receiver. */
  receive(chunk: Buffer): void;
  /** After having been full, it takes output again. */
  drained(): void;
  /** The peer has closed its direction. */
  ended(): void;
  /** What `endOutput` began is complete: our direction is closed, and all of it written. */
  finished(): void;
  /** Both directions are closed. Nothing comes after this. */
  closed(): void;
}

const EVENTS = Symbol('transport events');
type HeardDuplex = Duplex & { [EVENTS]?: TransportEvents | undefined };

/** From now on `events` is told. Reads into the shared buffer where that can be done. */
export function listenTo(socket: Duplex, events: TransportEvents): void {
  (socket as HeardDuplex)[EVENTS] = events;
  socket.on('close', onSocketClose);
  socket.on('data', onSocketData);
  startSharedRead(socket, events);
  socket.on('drain', onSocketDrain);
  socket.on('end', onSocketEnd);
  socket.on('error', onSocketError);
}

/** Tells, when the code that runs has returned, what `socket` will not tell as it is over already. */
export function catchUp(socket: Duplex): void {
  if (socket.closed) process.nextTick(() => onSocketClose.call(socket));
  else if (socket.readableEnded) process.nextTick(() => onSocketEnd.call(socket));
}

/** What still comes is nobody's; all else goes on to be told. */
export function ignoreInput(socket: Duplex): void {
  socket.removeListener('data', onSocketData);
  stopSharedRead(socket);
}

/** Closes our direction behind what has been written. */
export function endOutput(socket: Duplex): void {
  socket.once('finish', onSocketFinish);
  socket.end();
}

function onSocketData(this: HeardDuplex, chunk: Buffer): void {
  this[EVENTS]?.receive(chunk);
}

function onSocketDrain(this: HeardDuplex): void {
  this[EVENTS]?.drained();
}

function onSocketEnd(this: HeardDuplex): void {
  this[EVENTS]?.ended();
}

function onSocketFinish(this: HeardDuplex): void {
  this[EVENTS]?.finished();
}

/** §7.1.4: a reset is the end of the transport, and no error where a closing handshake was complete. */
function onSocketError(this: HeardDuplex): void {
  this.destroy();
}

function onSocketClose(this: HeardDuplex): void {
  const events = this[EVENTS];
  // Not deleted: that would turn the socket into a slower kind of object.
  this[EVENTS] = undefined;
  this.removeListener('data', onSocketData);
  this.removeListener('drain', onSocketDrain);
  this.removeListener('end', onSocketEnd);
  this.removeListener('finish', onSocketFinish);
  events?.closed();
}
