// handfast: what applications import. The names are those of the `ws` package, so that
// `npm i ws@npm:handfast` works; `require()` gives the class itself, with all else as its statics.

import type { AddressInfo as NodeAddressInfo } from 'node:net';
import { type ClientOptions, WebSocket as WebSocketClass } from './client/websocket.ts';
import { PreparedMessage } from './connection/prepared.ts';
import { HandshakeError, ProtocolError } from './errors.ts';
import type { ServerOptions, VerifyCallback, VerifyClient } from './server/options.ts';
import { WebSocketServer } from './server/server.ts';
import { extension, subprotocol } from './statics.ts';
import { CloseEvent, ErrorEvent, MessageEvent, WebSocketEvent } from './websocket/event.ts';
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
  readonly HandshakeError: typeof HandshakeError;
  readonly ProtocolError: typeof ProtocolError;
  readonly WebSocketEvent: typeof WebSocketEvent;
  readonly MessageEvent: typeof MessageEvent;
  readonly CloseEvent: typeof CloseEvent;
  readonly ErrorEvent: typeof ErrorEvent;
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
  HandshakeError,
  ProtocolError,
  WebSocketEvent,
  MessageEvent,
  CloseEvent,
  ErrorEvent,
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
type MessageEventClass = MessageEvent<WebSocketClass, string | RawDataType>;
type CloseEventClass = CloseEvent<WebSocketClass>;
type ErrorEventClass = ErrorEvent<WebSocketClass>;

/** The types by the names under which the `ws` package's declarations have them. */
declare namespace WebSocket {
  export type RawData = RawDataType;
  export type Data = string | RawDataType;
  export type Server<Socket extends WebSocketClass = WebSocketClass> = ServerClass<Socket>;
  export type WebSocketServer<Socket extends WebSocketClass = WebSocketClass> = ServerClass<Socket>;
  export type WebSocket = WebSocketClass;
  export type Event = WebSocketEvent<WebSocketClass>;
  export type MessageEvent = MessageEventClass;
  export type CloseEvent = CloseEventClass;
  export type ErrorEvent = ErrorEventClass;
  export type AddressInfo = NodeAddressInfo;
  export type ClientOptions = ClientOptionsType;
  export type ServerOptions<Socket extends WebSocketClass = WebSocketClass> =
    ServerOptionsType<Socket>;
}

export type { PreparedOptions } from './connection/prepared.ts';
export type { DeflateOptions, ZlibSettings } from './deflate/options.ts';
export type { ProtocolErrorCode } from './errors.ts';
export type { ClientInfo, ServerEvents, ShutdownOptions } from './server/options.ts';
export type { OriginPattern } from './server/origin.ts';
export type { ExtensionOffers, ExtensionParams } from './statics.ts';
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
  CloseEvent,
  createWebSocketStream,
  ErrorEvent,
  extension,
  HandshakeError,
  MessageEvent,
  PreparedMessage,
  ProtocolError,
  Sender,
  type ServerOptions,
  subprotocol,
  type VerifyCallback,
  type VerifyClient,
  WebSocket,
  WebSocket as default,
  WebSocket as 'module.exports',
  WebSocketEvent,
  WebSocketServer,
  WebSocketServer as Server,
};
