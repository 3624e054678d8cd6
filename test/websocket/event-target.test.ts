import { Buffer } from 'node:buffer';
import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { CloseEvent, ErrorEvent, MessageEvent, WebSocketEvent } from '../../src/websocket/event.ts';
import {
  addHandler,
  dispatch,
  getAttribute,
  removeHandler,
  setAttribute,
} from '../../src/websocket/event-target.ts';
import { uncaughtDuring } from './pair.ts';

class Target extends EventEmitter {
  origin = 'ws://example.com:8080';
  wasClean = true;
}

describe('addHandler', () => {
  it('[wh-4-d] gives a message as a MessageEvent with data, origin and target', () => {
    const target = new Target();
    const events: MessageEvent[] = [];
    addHandler(target, 'message', (event: MessageEvent) => void events.push(event));
    target.emit('message', Buffer.from('\ufeffhä'), false);
    const bytes = new ArrayBuffer(2);
    target.emit('message', bytes, true);
    expect(events[0]).toBeInstanceOf(MessageEvent);
    expect(events.map(({ type, data }) => [type, data])).toEqual([
      ['message', '\ufeffhä'],
      ['message', bytes],
    ]);
    expect(events[1]?.data).toBe(bytes);
    expect(events[0]?.origin).toBe('ws://example.com:8080');
    expect(events[0]?.target).toBe(target);
  });

  it('[wh-4-g] gives the end as a CloseEvent, a byte order mark kept in its reason', () => {
    const target = new Target();
    const events: CloseEvent[] = [];
    addHandler(target, 'close', (event: CloseEvent) => void events.push(event));
    target.emit('close', 3001, Buffer.from('\ufeffbye ä'));
    const [event] = events;
    expect(event).toBeInstanceOf(CloseEvent);
    expect([event?.wasClean, event?.code, event?.reason]).toEqual([true, 3001, '\ufeffbye ä']);
  });

  it('gives errors and the opening as their events', () => {
    const target = new Target();
    const events: WebSocketEvent[] = [];
    addHandler(target, 'error', (event: ErrorEvent) => void events.push(event));
    addHandler(target, 'open', (event: WebSocketEvent) => void events.push(event));
    const error = new RangeError('too long');
    target.emit('error', error);
    target.emit('open');
    expect(events[0]).toBeInstanceOf(ErrorEvent);
    expect(events[0]).toMatchObject({ type: 'error', error, message: 'too long' });
    expect(events[1]).toBeInstanceOf(WebSocketEvent);
    expect(events[1]).toMatchObject({ type: 'open', target });
  });

  it('adds a handler once for each type, and only handlers, and only for types with events', () => {
    const target = new Target();
    const handler = (): void => {};
    addHandler(target, 'open', handler);
    addHandler(target, 'open', handler);
    addHandler(target, 'close', handler);
    addHandler(target, 'ping', handler);
    addHandler(target, 'open', null);
    addHandler(target, 'open', undefined);
    addHandler(target, 'open', 'handler' as never);
    expect([target.listenerCount('open'), target.listenerCount('close')]).toEqual([1, 1]);
    expect(target.listenerCount('ping')).toBe(0);
    removeHandler(target, 'open', handler);
    removeHandler(target, 'open', handler);
    expect([target.listenerCount('open'), target.listenerCount('close')]).toEqual([0, 1]);
  });

  it('calls handleEvent on an object, looked up at each event', () => {
    const target = new Target();
    const seen: unknown[] = [];
    const object = {
      handleEvent(this: unknown, event: WebSocketEvent) {
        seen.push(this, event.type);
      },
    };
    addHandler(target, 'open', object);
    target.emit('open');
    object.handleEvent = () => void seen.push('other');
    target.emit('open');
    expect(seen).toEqual([object, 'open', 'other']);
    removeHandler(target, 'open', object);
    expect(target.listenerCount('open')).toBe(0);
  });

  it('honours once and signal', () => {
    const target = new Target();
    const seen: string[] = [];
    const abort = new AbortController();
    addHandler(target, 'open', () => void seen.push('once'), { once: true });
    addHandler(target, 'open', () => void seen.push('signal'), { signal: abort.signal });
    addHandler(target, 'open', () => void seen.push('aborted'), { signal: AbortSignal.abort() });
    addHandler(target, 'open', () => void seen.push('capture'), true);
    target.emit('open');
    abort.abort();
    target.emit('open');
    expect(seen).toEqual(['once', 'signal', 'capture', 'capture']);
    const handler = (): void => void seen.push('removed');
    addHandler(target, 'open', handler, { once: true });
    removeHandler(target, 'open', handler);
    target.emit('open');
    expect(seen.includes('removed')).toBe(false);
  });

  it('[wh-4-k] lets an exception stop no other handler: it is reported as uncaught', async () => {
    const target = new Target();
    const seen: string[] = [];
    const failure = new Error('handler');
    const caught = await uncaughtDuring(() => {
      addHandler(target, 'open', () => {
        throw failure;
      });
      addHandler(target, 'open', { handleEvent: 'not a function' } as never);
      setAttribute(target, 'open', () => void seen.push('attribute'));
      addHandler(target, 'open', () => void seen.push('second'));
      target.emit('open');
    });
    expect(seen).toEqual(['attribute', 'second']);
    expect(caught[0]).toBe(failure);
    expect(caught[1]).toBeInstanceOf(TypeError);
    expect(caught.length).toBe(2);
  });
});

describe('an on… attribute', () => {
  it('[wh-3.1-m] is one slot, replaced in its place, emptied by what cannot be called', () => {
    const target = new Target();
    const seen: string[] = [];
    expect(getAttribute(target, 'open')).toBeNull();
    const first = (): void => void seen.push('first');
    setAttribute(target, 'open', first);
    expect(getAttribute(target, 'open')).toBe(first);
    addHandler(target, 'open', () => void seen.push('listener'));
    setAttribute(target, 'open', () => void seen.push('replaced'));
    target.emit('open');
    expect(seen).toEqual(['replaced', 'listener']);
    for (const empty of [null, undefined, 'text', 1]) {
      setAttribute(target, 'open', first);
      setAttribute(target, 'open', empty);
      expect(getAttribute(target, 'open')).toBeNull();
    }
    target.emit('open');
    expect(seen).toEqual(['replaced', 'listener', 'listener']);
    setAttribute(target, 'open', null);
    expect(target.listenerCount('open')).toBe(1);
  });

  it('is another registration than the same function added as a listener', () => {
    const target = new Target();
    let calls = 0;
    const handler = function (this: unknown): void {
      if (this === target) calls++;
    };
    setAttribute(target, 'open', handler);
    addHandler(target, 'open', handler);
    target.emit('open');
    expect(calls).toBe(2);
    removeHandler(target, 'open', handler);
    expect(getAttribute(target, 'open')).toBe(handler);
  });
});

describe('dispatch', () => {
  it('calls handlers and the attribute with the event given, but no plain listener', () => {
    const target = new Target();
    const seen: unknown[] = [];
    target.on('message', () => seen.push('plain'));
    addHandler(target, 'message', (event: WebSocketEvent) => void seen.push(event));
    setAttribute(target, 'message', (event: WebSocketEvent) => void seen.push(event));
    const event = new MessageEvent('message', { data: 1 });
    expect(dispatch(target, event)).toBe(true);
    expect(seen).toEqual([event, event]);
    expect(event.target).toBe(target);
    const platform = new Event('message', { cancelable: true });
    setAttribute(target, 'message', (given: Event) => given.preventDefault());
    expect(dispatch(target, platform)).toBe(false);
  });

  it('removes a handler that was to be called once', () => {
    const target = new Target();
    let calls = 0;
    addHandler(target, 'open', () => void calls++, { once: true });
    dispatch(target, new WebSocketEvent('open'));
    target.emit('open');
    dispatch(target, new WebSocketEvent('open'));
    expect(calls).toBe(1);
  });
});
