// Witness: writes down what a socket under test goes through, and waits for its end, never for long.

import type { WebSocket } from '../../src/index.ts';

/** What happened to one socket, in order. */
export class Witness {
  /** 'open', 'close 1006', 'message hello', 'error Some text' … */
  readonly log: string[] = [];
  /** What `error` was emitted with. */
  error: (Error & { code?: string }) | undefined;
  /** Values of readyState at each event. */
  readonly states: number[] = [];
  readonly #ws: WebSocket;

  constructor(ws: WebSocket) {
    this.#ws = ws;
    const note = (text: string) => {
      this.log.push(text);
      this.states.push(ws.readyState);
    };
    ws.on('open', () => note('open'));
    ws.on('message', (data) => note(`message ${data}`));
    ws.on('close', (code) => note(`close ${code}`));
    ws.on('error', (error) => {
      this.error = error;
      note(`error ${error.message}`);
    });
  }

  /** Waits until the socket has closed, and some turns more for what must not follow. */
  async closed(timeout = 10_000): Promise<this> {
    await this.#until(3, 'close', timeout);
    await pause(5);
    return this;
  }

  /** Waits until the socket has opened; rejects when it closes instead. */
  async opened(timeout = 10_000): Promise<this> {
    await this.#until(1, 'open', timeout);
    return this;
  }

  #until(state: number, event: 'open' | 'close', timeout: number): Promise<void> {
    const ws = this.#ws;
    if (ws.readyState === state) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const tell = () => reject(new Error(`no ${event}, but: ${this.log.join(', ') || 'nothing'}`));
      const timer = setTimeout(tell, timeout);
      ws.once(event, () => {
        clearTimeout(timer);
        resolve();
      });
      if (event === 'open') ws.once('close', tell);
    });
  }
}

/** Field lines of an HTTP head by that name, in any case. */
export function linesOf(head: string, name: string): string[] {
  return head
    .split('\r\n')
    .slice(1)
    .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    .map((line) => line.slice(name.length + 1).trim());
}

/** Waits for `milliseconds`. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
