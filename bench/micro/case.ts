// One thing that is measured without sockets, and the library it is measured on, which is the compiled
// one, in a module for each file: the package's own modules do not show all of its parts.

import { pathToFileURL } from 'node:url';
import type { MicroGroup } from './groups.ts';

/** Something to be done over and over. */
export interface MicroCase {
  readonly group: MicroGroup;
  readonly name: string;
  /** Operations (frames, messages, handshakes) that one call of `run` does. */
  readonly operations: number;
  /** Payload bytes per operation; 0 where bytes are not what it is about. */
  readonly bytes: number;
  /** Gives a number that depends on the work, so that none of it can be left out. */
  run(): number;
}

/** The rooms as they were built. */
export interface Library {
  readonly mask: typeof import('../../src/mask/index.ts');
  /** Not of the package's interface: where sockets read to. */
  readonly arena: typeof import('../../src/mask/arena.ts');
  readonly frame: typeof import('../../src/frame/index.ts');
  readonly message: typeof import('../../src/message/index.ts');
  readonly connection: typeof import('../../src/connection/index.ts');
  readonly handshake: typeof import('../../src/handshake/index.ts');
  readonly deflate: typeof import('../../src/deflate/index.ts');
}

/** Loads the rooms from the folder that they were built into. */
export async function loadLibrary(folder: string): Promise<Library> {
  const load = (room: string, file = 'index') =>
    import(pathToFileURL(`${folder}/${room}/${file}.js`).href);
  return {
    mask: await load('mask'),
    arena: await load('mask', 'arena'),
    frame: await load('frame'),
    message: await load('message'),
    connection: await load('connection'),
    handshake: await load('handshake'),
    deflate: await load('deflate'),
  };
}
