import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { expect, expectTypeOf, it } from 'vitest';
import type { WebSocket } from '../../src/client/websocket.ts';
import type {
  ClientInfo,
  ServerEvents,
  ServerOptions,
  ShutdownOptions,
  VerifyCallback,
  VerifyClient,
} from '../../src/server/options.ts';
import { WebSocketServer } from '../../src/server/server.ts';

it('types what every listener gets', () => {
  expectTypeOf<ServerEvents['connection']>().toEqualTypeOf<
    [socket: WebSocket, request: IncomingMessage]
  >();
  expectTypeOf<ServerEvents['headers'][0]>().toEqualTypeOf<string[]>();
  expectTypeOf<ServerEvents['wsClientError'][1]>().toEqualTypeOf<Duplex>();
  expectTypeOf<ServerEvents['request'][1]>().toEqualTypeOf<ServerResponse>();
});

it('takes each form of verifyClient', () => {
  expectTypeOf<(info: ClientInfo) => boolean>().toExtend<VerifyClient>();
  expectTypeOf<(info: ClientInfo) => Promise<boolean>>().toExtend<VerifyClient>();
  expectTypeOf<(info: ClientInfo, callback: VerifyCallback) => void>().toExtend<VerifyClient>();
  expectTypeOf<(info: ClientInfo) => string>().not.toExtend<VerifyClient>();
});

it('has every option optional, with undefined for its default', () => {
  expectTypeOf<{ port: number; origins: undefined; path: null }>().toExtend<ServerOptions>();
  expectTypeOf<{ code: number; timeout: undefined }>().toExtend<ShutdownOptions>();
});

it('fills in what is not given and keeps what is, in an object of its own', () => {
  const given: ServerOptions = { noServer: true, path: '/x', maxPayload: 5 };
  const server = new WebSocketServer(given);
  expect(server.options).toMatchObject({ path: '/x', maxPayload: 5, clientTracking: true });
  expect(given).not.toHaveProperty('clientTracking');
});
