import type { Buffer } from 'node:buffer';
import { expect, expectTypeOf, it } from 'vitest';
import type { RawData } from '../../src/websocket/payload.ts';
import type {
  Agreement,
  ReadyState,
  SendOptions,
  SocketOptions,
  WebSocketEventMap,
  WebSocketEvents,
} from '../../src/websocket/surface.ts';
import { BaseWebSocket } from '../../src/websocket/websocket.ts';

it('types what every listener gets', () => {
  expectTypeOf<WebSocketEvents['message']>().toEqualTypeOf<[data: RawData, isBinary: boolean]>();
  expectTypeOf<WebSocketEvents['close']>().toEqualTypeOf<[code: number, reason: Buffer]>();
  expectTypeOf<WebSocketEvents['error']>().toEqualTypeOf<[error: Error]>();
  expectTypeOf<WebSocketEventMap<BaseWebSocket>['message']['data']>().toEqualTypeOf<
    string | RawData | null
  >();
  expectTypeOf<WebSocketEventMap<BaseWebSocket>['close']['code']>().toEqualTypeOf<number>();
  expectTypeOf<BaseWebSocket['readyState']>().toEqualTypeOf<ReadyState>();
});

it('has every option optional, with undefined for its default', () => {
  expectTypeOf<Record<never, never>>().toExtend<SocketOptions>();
  expectTypeOf<{ maxPayload: undefined; heartbeat: undefined }>().toExtend<SocketOptions>();
  expectTypeOf<{ binary: undefined; fin: undefined }>().toExtend<SendOptions>();
  expectTypeOf<Agreement>().toExtend<SocketOptions>();
});

it('takes the options that ws has and that nothing needs here', () => {
  const options: SocketOptions = {
    maxBufferedChunks: 1,
    maxPendingAutoPongs: 1,
    allowSynchronousEvents: false,
  };
  expect(new BaseWebSocket('client', options).readyState).toBe(0);
});
