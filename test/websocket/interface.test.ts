import { describe, expect, it } from 'vitest';
import { WebSocket } from '../../src/client/websocket.ts';
import { defineInterface, STATE_NAMES } from '../../src/websocket/interface.ts';
import { BaseWebSocket } from '../../src/websocket/websocket.ts';
import { known } from '../support/known.ts';

const accessorsOf = (prototype: object): string[] =>
  Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([, { enumerable, get }]) => enumerable && get !== undefined)
    .map(([name]) => name)
    .sort();

describe.each([WebSocket, BaseWebSocket])('the interface of %o', (Class) => {
  it('[wh-3.1-i] has the constants, which cannot be written', () => {
    for (const [value, name] of STATE_NAMES.entries()) {
      for (const holder of [Class, Class.prototype]) {
        const descriptor = Object.getOwnPropertyDescriptor(holder, name);
        expect(descriptor).toMatchObject({ value, enumerable: true, writable: false });
      }
    }
  });

  it('has the attributes that ws has, to be enumerated and defined anew', () => {
    expect(accessorsOf(Class.prototype)).toEqual(accessorsOf(known.prototype));
    for (const name of accessorsOf(Class.prototype)) {
      const ours = Object.getOwnPropertyDescriptor(Class.prototype, name);
      expect(ours?.configurable, name).toBe(true);
      const settable = name.startsWith('on') || name === 'binaryType';
      expect(ours?.set !== undefined, name).toBe(settable);
    }
  });
});

it('finds attributes wherever the class has inherited them from', () => {
  class Derived extends WebSocket {}
  defineInterface(Derived);
  expect(accessorsOf(Derived.prototype)).toEqual(accessorsOf(WebSocket.prototype));
  const derived = new Derived(null, undefined);
  derived.binaryType = 'arraybuffer';
  expect([derived.binaryType, derived.readyState]).toEqual(['arraybuffer', 0]);
  derived.onopen = () => {};
  expect(typeof derived.onopen).toBe('function');
});
