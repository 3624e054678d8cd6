import { describe, expect, it } from 'vitest';
import { CloseEvent, ErrorEvent, MessageEvent, WebSocketEvent } from '../../src/websocket/event.ts';

describe('event objects', () => {
  it('have a type, and no target before they are dispatched', () => {
    const event = new WebSocketEvent('open');
    expect([event.type, event.target, event.currentTarget]).toEqual(['open', null, null]);
    const target = {};
    event.target = target;
    expect(event.currentTarget).toBe(target);
  });

  it('[wh-6-a] a CloseEvent is not clean, has code 0 and no reason unless told', () => {
    const event = new CloseEvent('close');
    expect([event.type, event.wasClean, event.code, event.reason]).toEqual(['close', false, 0, '']);
    const told = new CloseEvent('close', { code: 1000, reason: 'done', wasClean: true });
    expect([told.wasClean, told.code, told.reason]).toEqual([true, 1000, 'done']);
    expect(told).toBeInstanceOf(WebSocketEvent);
  });

  it('a MessageEvent has data null and origin "" unless told, and keeps falsy data', () => {
    const event = new MessageEvent('message');
    expect([event.data, event.origin]).toEqual([null, '']);
    expect(new MessageEvent('message', { data: '' }).data).toBe('');
    const told = new MessageEvent('message', { data: 'x', origin: 'ws://a' });
    expect([told.data, told.origin]).toEqual(['x', 'ws://a']);
  });

  it('an ErrorEvent has error null and message "" unless told', () => {
    const event = new ErrorEvent('error');
    expect([event.error, event.message]).toEqual([null, '']);
    const error = new Error('no');
    const told = new ErrorEvent('error', { error, message: error.message });
    expect([told.error, told.message]).toEqual([error, 'no']);
  });
});
