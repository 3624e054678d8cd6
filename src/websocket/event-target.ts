// The EventTarget half of the socket (WHATWG WebSockets §3.1, HTML §8.1.8.1): `addEventListener` and the
// `on…` attributes, as listeners on the EventEmitter half, so that both see the same order.

import type { Buffer } from 'node:buffer';
import type { EventEmitter } from 'node:events';
import { CloseEvent, ErrorEvent, MessageEvent, WebSocketEvent } from './event.ts';
import { throwLater } from './throw-later.ts';

/** The events that have an event object. */
export type EventType = 'open' | 'message' | 'close' | 'error';

type Handler = ((event: never) => void) | { handleEvent(event: never): void };
type Listener = (...args: never[]) => void;

/** What an event object says beyond the arguments of the emitter's event. */
export interface EventContext {
  /** Origin of the server's URL. */
  readonly origin: string;
  readonly wasClean: boolean;
}

/** Options of `addEventListener`. `capture` and `passive` mean nothing here and may be given. */
export interface AddEventListenerOptions {
  readonly once?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly capture?: boolean | undefined;
  readonly passive?: boolean | undefined;
}

interface Registration {
  handler: Handler;
  readonly isAttribute: boolean;
  readonly once: boolean;
}

/** What each wrapper on an emitter stands for. */
const registrations = new WeakMap<Listener, Registration>();

/** Adds a handler, once for each type and handler. Types that have no event object are ignored. */
export function addHandler(
  target: EventEmitter & EventContext,
  type: string,
  handler: Handler | null | undefined,
  options?: AddEventListenerOptions | boolean,
): void {
  if (!isEventType(type) || !isHandler(handler)) return;
  const { once, signal } = typeof options === 'object' && options !== null ? options : {};
  if (signal?.aborted || findWrapper(target, type, handler) !== undefined) return;
  const wrapper = wrap(target, type, { handler, isAttribute: false, once: once === true });
  if (once) target.once(type, wrapper as () => void);
  else target.on(type, wrapper as () => void);
  signal?.addEventListener('abort', () => target.removeListener(type, wrapper as () => void), {
    once: true,
  });
}

/** Removes what `addHandler` added. */
export function removeHandler(target: EventEmitter, type: string, handler: unknown): void {
  const wrapper = findWrapper(target, type, handler);
  if (wrapper !== undefined) target.removeListener(type, wrapper as () => void);
}

/** The handler in an `on…` attribute. */
export function getAttribute(target: EventEmitter, type: EventType): unknown {
  const wrapper = findAttribute(target, type);
  return wrapper === undefined ? null : (registrations.get(wrapper)?.handler ?? null);
}

/** Sets an `on…` attribute: one slot, replaced in its place, emptied by what cannot be called. */
export function setAttribute(
  target: EventEmitter & EventContext,
  type: EventType,
  handler: unknown,
): void {
  const wrapper = findAttribute(target, type);
  const registration = wrapper && registrations.get(wrapper);
  if (typeof handler !== 'function') {
    if (wrapper !== undefined) target.removeListener(type, wrapper as () => void);
  } else if (registration !== undefined) {
    registration.handler = handler as Handler;
  } else {
    const to = { handler: handler as Handler, isAttribute: true, once: false };
    const added = wrap(target, type, to);
    target.on(type, added as () => void);
  }
}

/** Calls the handlers (not the emitter's own listeners) for an event made by the application. */
export function dispatch(target: EventEmitter, event: { readonly type: string }): boolean {
  if (event instanceof WebSocketEvent) event.target = target;
  for (const listener of target.listeners(event.type)) {
    const registration = registrations.get(listener as Listener);
    if (registration === undefined) continue;
    if (registration.once) target.removeListener(event.type, listener as () => void);
    call(registration.handler, target, event);
  }
  return (event as { defaultPrevented?: boolean }).defaultPrevented !== true;
}

function wrap(target: EventEmitter & EventContext, type: EventType, to: Registration): Listener {
  const wrapper = (first?: unknown, second?: unknown): void => {
    const event = makeEvent(target, type, first, second);
    event.target = target;
    call(to.handler, target, event);
  };
  registrations.set(wrapper, to);
  return wrapper;
}

function makeEvent(
  context: EventContext,
  type: EventType,
  first: unknown,
  second: unknown,
): WebSocketEvent {
  switch (type) {
    case 'message': {
      const data = second ? first : (first as Buffer).toString();
      return new MessageEvent('message', { data, origin: context.origin });
    }
    case 'close': {
      const reason = (first === undefined ? '' : (second as Buffer)).toString();
      return new CloseEvent('close', { code: first as number, reason, wasClean: context.wasClean });
    }
    case 'error': {
      const message = first instanceof Error ? first.message : String(first);
      return new ErrorEvent('error', { error: first, message });
    }
    case 'open':
      return new WebSocketEvent('open');
  }
}

/** An exception in a handler stops neither the others nor the connection (HTML §8.1.8.1). */
function call(handler: Handler, target: unknown, event: unknown): void {
  try {
    if (typeof handler === 'function') handler.call(target, event as never);
    else handler.handleEvent(event as never);
  } catch (error) {
    throwLater(error);
  }
}

function findWrapper(target: EventEmitter, type: string, handler: unknown): Listener | undefined {
  return find(target, type, (known) => !known.isAttribute && known.handler === handler);
}

function findAttribute(target: EventEmitter, type: string): Listener | undefined {
  return find(target, type, (known) => known.isAttribute);
}

function find(
  target: EventEmitter,
  type: string,
  matches: (registration: Registration) => boolean,
): Listener | undefined {
  return (target.listeners(type) as Listener[]).find((listener) => {
    const registration = registrations.get(listener);
    return registration !== undefined && matches(registration);
  });
}

function isEventType(type: string): type is EventType {
  return type === 'message' || type === 'close' || type === 'error' || type === 'open';
}

function isHandler(handler: unknown): handler is Handler {
  return typeof handler === 'function' || (typeof handler === 'object' && handler !== null);
}
