// What memory is held, measured and not reckoned: array buffers alive after a full collection.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of array buffers that are alive in this process. */
export function heldBytes(): number {
  // A buffer is freed with its backing store one collection after the object that was its view.
  collect();
  collect();
  return process.memoryUsage().arrayBuffers;
}
