// To whom a function's own time belongs: the system's calls, the garbage collector, Node's JavaScript, the
// library under test or the application. By names and urls only.

import type { CallFrame } from './cpu-profile.ts';

/** From the part that nobody on Node can save to the part that is the evaluator's own. */
export const PARTS = ['write', 'loop', 'calls', 'gc', 'node', 'library', 'application'] as const;
export type Part = (typeof PARTS)[number];

/** The parts' names as reports show them. */
export const PART_TITLES: Readonly<Record<Part, string>> = {
  write: 'writing: writeBuffer, writev',
  loop: 'libuv’s loop: epoll, read, accept',
  calls: 'other calls of handles',
  gc: 'garbage collection',
  node: 'Node’s JavaScript',
  library: 'the library',
  application: 'the application',
};

/** Where a function's own time belongs; `file` is a module of Node, or a file by its short name. */
export interface Place {
  readonly part: Part;
  readonly file: string;
}

const WRITES = /^(writeBuffer|writev|write(Utf8|Latin1|Ascii|Ucs2)String)$/;
const CALLS = new RegExp(
  '^(readStart|readStop|shutdown|close|setNoDelay|setKeepAlive|useUserBuffer|getsockname|getpeername|' +
    'TCP|WriteWrap|ShutdownWrap|open|bind|ref|unref|hasRef|getAsyncId|scheduleTimer|toggleTimerRef|' +
    'initialize|consume|unconsume|execute)$',
);

/** Node's modules under the names that people know. */
const MODULES: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^(net|internal\/(net|stream_base_commons|dtrace))$/, 'node:net'],
  [/^(_stream_|stream|internal\/streams\/|internal\/webstreams\/)/, 'node:stream'],
  [/^(_http_|http$|internal\/http)/, 'node:http'],
  [/^(timers|internal\/(timers|priority_queue|linkedlist))/, 'node:timers'],
  [/^(events|internal\/event)/, 'node:events'],
  [/^(buffer|internal\/buffer)/, 'node:buffer'],
  [/^(crypto|internal\/crypto\/)/, 'node:crypto'],
  [/^(zlib|internal\/zlib)/, 'node:zlib'],
  [/^(async_hooks|internal\/(async_|process\/(task_queues|promises)|fixed_queue))/, 'node: turns'],
];

function findModule(name: string): string {
  return MODULES.find(([pattern]) => pattern.test(name))?.[1] ?? 'node: others';
}

/** A file with a url of its own; null for native functions and WebAssembly. */
function placeFile(url: string): Place | null {
  if (url.startsWith('node:')) return { part: 'node', file: findModule(url.slice(5)) };
  if (!/^(file:|\/|[A-Z]:)/i.test(url)) return null;
  const path = url.replaceAll('\\', '/');
  const served = /\/bench\/(servers\/[^?]+)/.exec(path);
  if (served !== null) return { part: 'application', file: `bench/${served[1]}` };
  const own = /\/bench\/\.dist\/([^?]+)\.js/.exec(path);
  if (own !== null) return { part: 'library', file: `src/${own[1]}.ts` };
  const [foreign] = /[^/]+\/[^?]+$/.exec(path.slice(path.lastIndexOf('/node_modules/') + 14)) ?? [];
  const isForeign = path.includes('/node_modules/') && foreign !== undefined;
  return { part: 'library', file: isForeign ? foreign : path.slice(path.lastIndexOf('/') + 1) };
}

/** Where the time of a stack belongs; the innermost function is the first. */
export function placeStack(stack: readonly CallFrame[]): Place {
  const [{ functionName, url }] = stack;
  if (url === '') {
    if (functionName === '(garbage collector)') return { part: 'gc', file: '' };
    if (WRITES.test(functionName)) return { part: 'write', file: '' };
    if (CALLS.test(functionName)) return { part: 'calls', file: '' };
    // The loop is marked as idle while it polls, which is also when it reads.
    if (functionName.startsWith('(')) return { part: 'loop', file: '' };
  }
  // What else is native or WebAssembly works for whoever called it.
  for (const frame of stack) {
    const place = placeFile(frame.url);
    if (place !== null) return place;
  }
  return { part: 'loop', file: '' };
}
