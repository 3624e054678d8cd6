// An endpoint held against the reference, at every border between two pieces.

import type { Buffer } from 'node:buffer';
import { expect } from 'vitest';
import { Endpoint } from '../connection/endpoint.ts';
import { type Heard, judge, type Rules } from './reference.ts';

/** What an endpoint told, as the reference says it: the name of a broken rule left out. */
export function heardBy(endpoint: Endpoint): Heard[] {
  return endpoint.told.map((told) => (told[0] === 'fail' ? ['fail', told[1]] : told));
}

/** Feeds the pieces and holds the endpoint against the reference at every border between them. */
export function follow(rules: Rules, bytes: Buffer, pieces: readonly Buffer[]): void {
  const endpoint = new Endpoint(rules);
  let count = 0;
  for (const piece of pieces) {
    count += piece.length;
    endpoint.connection.receive(piece);
    const { heard, over } = judge(bytes.subarray(0, count), rules);
    expect(heardBy(endpoint)).toEqual(heard);
    expect(endpoint.connection.state !== 'open').toBe(over);
  }
}
