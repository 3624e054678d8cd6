// The event objects that `addEventListener` and the `on…` attributes hand out (WHATWG WebSockets §6,
// HTML §9.2). Plain classes: the platform's Event costs more to make than a message to parse.

/** What all events have. */
export class WebSocketEvent<Target = unknown> {
  /** `open`, `message`, `close` or `error`. */
  readonly type: string;
  /** The socket that the event happened to; null until it has been dispatched. */
  target: Target | null = null;

  constructor(type: string) {
    this.type = type;
  }

  /** The same as `target`: these events do not bubble. */
  get currentTarget(): Target | null {
    return this.target;
  }
}

/** A message. */
export class MessageEvent<Target = unknown, Data = unknown> extends WebSocketEvent<Target> {
  /** A string for text, else by `binaryType`. */
  readonly data: Data | null;
  /** Origin of the server's URL, `''` on a server (WHATWG §4). */
  readonly origin: string;

  constructor(type: string, options: { data?: Data; origin?: string } = {}) {
    super(type);
    this.data = options.data ?? null;
    this.origin = options.origin ?? '';
  }
}

/** The connection has closed. */
export class CloseEvent<Target = unknown> extends WebSocketEvent<Target> {
  /** §7.1.5: the peer's status code, 1005 if it gave none, 1006 if no Close frame came. */
  readonly code: number;
  /** §7.1.6: the peer's reason, `''` for none. */
  readonly reason: string;
  /** §7.1.4: the closing handshake was complete. */
  readonly wasClean: boolean;

  constructor(type: string, options: { code?: number; reason?: string; wasClean?: boolean } = {}) {
    super(type);
    this.code = options.code ?? 0;
    this.reason = options.reason ?? '';
    this.wasClean = options.wasClean ?? false;
  }
}

/** The connection has failed. */
export class ErrorEvent<Target = unknown> extends WebSocketEvent<Target> {
  /** What happened, as the `error` event gives it. */
  readonly error: unknown;
  /** The message of `error`. */
  readonly message: string;

  constructor(type: string, options: { error?: unknown; message?: string } = {}) {
    super(type);
    this.error = options.error ?? null;
    this.message = options.message ?? '';
  }
}
