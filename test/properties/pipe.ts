// Two endpoints and the wire between them, in memory: bytes travel when told to, so many at a time,
// and a transport that is ended ends at the other side once its bytes have arrived.

import { Buffer } from 'node:buffer';
import { Endpoint } from '../connection/endpoint.ts';

export type Side = 'client' | 'server';

export const other = (side: Side): Side => (side === 'client' ? 'server' : 'client');

export class Pipe {
  readonly client = new Endpoint({ role: 'client' });
  readonly server = new Endpoint({ role: 'server' });
  /** Who ended its direction of the transport first. */
  firstToEnd: Side | undefined;
  /** Bytes that have arrived at a side, out of all that the other one wrote. */
  readonly #arrived: Record<Side, number> = { client: 0, server: 0 };
  readonly #gone: Record<Side, boolean> = { client: false, server: false };

  /** Brings up to `count` bytes to a side; with nothing more to bring, the end of the other's direction. */
  deliver(to: Side, count: number): boolean {
    const from = this[other(to)];
    from.connection.flush();
    const bytes = from.written.subarray(this.#arrived[to], this.#arrived[to] + count);
    this.#arrived[to] += bytes.length;
    if (bytes.length > 0 && !this.#gone[to]) this[to].connection.receive(Buffer.from(bytes));
    this.#look();
    if (bytes.length > 0) return true;
    if (from.ended === 0 || this.#gone[to]) return false;
    this.#end(to);
    return true;
  }

  /** Brings everything that is under way, both ways, until nothing moves any more. */
  settle(): void {
    for (;;) {
      const moved = this.deliver('server', 100_000);
      if (!this.deliver('client', 100_000) && !moved) return;
    }
  }

  /** The transport is lost, with what was on it. */
  cut(): void {
    this.#end('client');
    this.#end('server');
  }

  /** §7.1.4: the transport is over for `side`, which ends its own direction too. */
  #end(side: Side): void {
    if (this.#gone[side]) return;
    this.#gone[side] = true;
    this[side].connection.receiveEnd();
    this[side].end();
  }

  #look(): void {
    if (this.firstToEnd !== undefined) return;
    if (this.server.ended > 0) this.firstToEnd = 'server';
    else if (this.client.ended > 0) this.firstToEnd = 'client';
  }
}

/** The payloads of the Close frames that an endpoint wrote. */
export function closesOf(endpoint: Endpoint): Buffer[] {
  return endpoint
    .frames()
    .filter(({ opcode }) => opcode === 8)
    .map(({ payload }) => payload);
}
