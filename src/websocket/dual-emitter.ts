// An EventEmitter that is an EventTarget as well (WHATWG WebSockets §3.1): the methods and attributes of
// the second kind, on top of event-target.ts. What happens to a socket is not known here.

import { EventEmitter } from 'node:events';
import type { CloseEvent, ErrorEvent, MessageEvent, WebSocketEvent } from './event.ts';
import {
  type AddEventListenerOptions,
  addHandler,
  dispatch,
  getAttribute,
  removeHandler,
  setAttribute,
} from './event-target.ts';
import type { RawData } from './payload.ts';
import type { WebSocketEventMap, WebSocketEvents } from './surface.ts';

type ListenerObject<Event> = ((event: Event) => void) | { handleEvent(event: Event): void };

/** Both ways of listening to a socket, in one order. */
export abstract class DualEmitter extends EventEmitter<WebSocketEvents> {
  /** Origin of the server's URL, `''` on a server: what a MessageEvent says. */
  abstract get origin(): string;
  /** §7.1.4: the connection has closed, after a complete closing handshake. */
  abstract get wasClean(): boolean;

  /** Adds a listener that gets an event object. `options`: `once`, `signal`. */
  addEventListener<Type extends keyof WebSocketEventMap<this>>(
    type: Type,
    listener: ListenerObject<WebSocketEventMap<this>[Type]> | null,
    options?: AddEventListenerOptions | boolean,
  ): void {
    addHandler(this, type, listener as () => void, options);
  }

  /** Removes a listener added by `addEventListener`. */
  removeEventListener<Type extends keyof WebSocketEventMap<this>>(
    type: Type,
    listener: ListenerObject<WebSocketEventMap<this>[Type]> | null,
  ): void {
    removeHandler(this, type, listener);
  }

  /** Calls the listeners added by `addEventListener` and the `on…` attribute with `event`. */
  dispatchEvent(event: { readonly type: string }): boolean {
    return dispatch(this, event);
  }

  get onopen(): ((event: WebSocketEvent<this>) => void) | null {
    return getAttribute(this, 'open') as ((event: WebSocketEvent<this>) => void) | null;
  }

  set onopen(listener: ((event: WebSocketEvent<this>) => void) | null) {
    setAttribute(this, 'open', listener);
  }

  get onmessage(): ((event: MessageEvent<this, string | RawData>) => void) | null {
    return getAttribute(this, 'message') as never;
  }

  set onmessage(listener: ((event: MessageEvent<this, string | RawData>) => void) | null) {
    setAttribute(this, 'message', listener);
  }

  get onclose(): ((event: CloseEvent<this>) => void) | null {
    return getAttribute(this, 'close') as ((event: CloseEvent<this>) => void) | null;
  }

  set onclose(listener: ((event: CloseEvent<this>) => void) | null) {
    setAttribute(this, 'close', listener);
  }

  get onerror(): ((event: ErrorEvent<this>) => void) | null {
    return getAttribute(this, 'error') as ((event: ErrorEvent<this>) => void) | null;
  }

  set onerror(listener: ((event: ErrorEvent<this>) => void) | null) {
    setAttribute(this, 'error', listener);
  }
}
