// handfast: what applications import. The names are those of the `ws` package, so that
// `npm i ws@npm:handfast` works; `require()` gives the class itself, with all else as its statics.

import type { AddressInfo as NodeAddressInfo } from 'node:net';
import { type ClientOptions, WebSocket as WebSocketClass } from './client/websocket.ts';
import { PreparedMessage } from './connection/prepared.ts';
import type { ServerOptions, VerifyCallback, VerifyClient } from './server/options.ts';
import { WebSocketServer } from './server/server.ts';
import { extension, subprotocol } from './statics.ts';
import type {
  CloseEvent as CloseEventClass,
  ErrorEvent as ErrorEventClass,
  WebSocketEvent as EventClass,
  MessageEvent as MessageEventClass,
} from './websocket/event.ts';
import { Sender } from './websocket/habits.ts';
import type { RawData as RawDataType } from './websocket/payload.ts';
import { createWebSocketStream } from './websocket/stream.ts';

/** What the class carries, for those who have nothing but the class. */
export interface WebSocketStatics {
  readonly Server: typeof WebSocketServer;
  readonly WebSocketServer: typeof WebSocketServer;
  readonly WebSocket: typeof WebSocketClass & WebSocketStatics;
  readonly createWebSocketStream: typeof createWebSocketStream;
  readonly PreparedMessage: typeof PreparedMessage;
  readonly Sender: typeof Sender;
  readonly extension: typeof extension;
  readonly subprotocol: typeof subprotocol;
}

const statics = {
  Server: WebSocketServer,
  WebSocketServer,
  WebSocket: WebSocketClass,
  createWebSocketStream,
  PreparedMessage,
  Sender,
  extension,
  subprotocol,
};

/** The WebSocket class; see client/websocket.ts. */
const WebSocket: typeof WebSocketClass & WebSocketStatics = Object.assign(
  WebSocketClass,
  statics,
) as typeof WebSocketClass & WebSocketStatics;

/** A WebSocket connection: a client's, or one that a server accepted. */
type WebSocket = WebSocketClass;

type ClientOptionsType = ClientOptions;
type ServerOptionsType<Socket extends WebSocketClass> = ServerOptions<Socket>;
type ServerClass<Socket extends WebSocketClass> = WebSocketServer<Socket>;

/** The types by the names under which the `ws` package's declarations have them. */
declare namespace WebSocket {
  export type RawData = RawDataType;
  export type Data = string | RawDataType;
  export type Server<Socket extends WebSocketClass = WebSocketClass> = ServerClass<Socket>;
  export type WebSocketServer<Socket extends WebSocketClass = WebSocketClass> = ServerClass<Socket>;
  export type WebSocket = WebSocketClass;
  export type Event = EventClass<WebSocketClass>;
  export type MessageEvent = MessageEventClass<WebSocketClass, Data>;
  export type CloseEvent = CloseEventClass<WebSocketClass>;
  export type ErrorEvent = ErrorEventClass<WebSocketClass>;
  export type AddressInfo = NodeAddressInfo;
  export type ClientOptions = ClientOptionsType;
  export type ServerOptions<Socket extends WebSocketClass = WebSocketClass> =
    ServerOptionsType<Socket>;
}

export type { PreparedOptions } from './connection/prepared.ts';
export type { DeflateOptions, ZlibSettings } from './deflate/options.ts';
export { HandshakeError, ProtocolError, type ProtocolErrorCode } from './errors.ts';
export type { ClientInfo, ServerEvents, ShutdownOptions } from './server/options.ts';
export type { OriginPattern } from './server/origin.ts';
export type { ExtensionOffers, ExtensionParams } from './statics.ts';
export { CloseEvent, ErrorEvent, MessageEvent, WebSocketEvent } from './websocket/event.ts';
export type { FrameOptions } from './websocket/habits.ts';
export type { IteratedMessage } from './websocket/iterator.ts';
export type { BinaryType, RawData, Sendable } from './websocket/payload.ts';
export type {
  ReadyState,
  SendOptions,
  SocketOptions,
  WebSocketEventMap,
  WebSocketEvents,
} from './websocket/surface.ts';
export {
  type ClientOptions,
  createWebSocketStream,
  extension,
  PreparedMessage,
  Sender,
  type ServerOptions,
  subprotocol,
  type VerifyCallback,
  type VerifyClient,
  WebSocket,
  WebSocket as default,
  WebSocket as 'module.exports',
  WebSocketServer,
  WebSocketServer as Server,
};
