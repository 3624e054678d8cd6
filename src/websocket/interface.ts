// The socket's interface as Web IDL has it (WHATWG §3.1): constants on class and instances, attributes
// that can be enumerated. What they stand for is not known here.

export const CONNECTING = 0;
export const OPEN = 1;
export const CLOSING = 2;
export const CLOSED = 3;
export const STATE_NAMES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'] as const;

/** The attributes of the interface: those that WHATWG §3.1 has, and `isPaused`. */
const ATTRIBUTES = [
  ...['binaryType', 'bufferedAmount', 'extensions', 'isPaused', 'protocol', 'readyState', 'url'],
  ...['onopen', 'onerror', 'onclose', 'onmessage'],
] as const;

/**
 * What Web IDL wants of an interface, for each class that is exported: the constants CONNECTING …
 * CLOSED on the class and its prototype (WHATWG §3.1), and attributes that can be enumerated.
 */
export function defineInterface(target: { prototype: object }): void {
  for (const [value, name] of STATE_NAMES.entries()) {
    Object.defineProperty(target, name, { enumerable: true, value });
    Object.defineProperty(target.prototype, name, { enumerable: true, value });
  }
  for (const name of ATTRIBUTES) {
    Object.defineProperty(target.prototype, name, {
      ...findAccessor(target.prototype, name),
      enumerable: true,
    });
  }
}

function findAccessor(prototype: object, name: string): PropertyDescriptor {
  const own = Object.getOwnPropertyDescriptor(prototype, name);
  return own ?? findAccessor(Object.getPrototypeOf(prototype) as object, name);
}
