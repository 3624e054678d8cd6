// What all servers under test share on Node, Bun and Deno: what they are to do comes as JSON in the first
// argument; they are asked things by lines on stdin and answer with lines of JSON on stdout. Ends
// with stdin, so that no server outlives the benchmark.

import { PerformanceObserver } from 'node:perf_hooks';
import process from 'node:process';

/**
 * What to do with messages. `answer`: 'echo'; 'ack', one small reply for every `repeat` messages of a
 * connection; 'stream', `repeat` messages of `size` bytes; 'fan-out', the message `repeat` times to all,
 * serialised once if `prepared`. `compression`: 'none', 'takeover', 'reset'.
 */
export const service = JSON.parse(process.argv[2] ?? '{"answer":"echo","compression":"none"}');

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

/** Says that this server cannot do what is asked, and why; nothing may follow. */
export function decline(reason) {
  say({ declined: reason });
  process.exit(0);
}

/** Garbage collections so far, where the runtime tells of them. */
function watchCollections() {
  if (!PerformanceObserver.supportedEntryTypes?.includes('gc')) return () => null;
  let ms = 0;
  let observed = false;
  try {
    const add = (list) => {
      for (const { duration } of list.getEntries()) {
        ms += duration;
        observed = true;
      }
    };
    new PerformanceObserver(add).observe({ entryTypes: ['gc'] });
  } catch {
    return () => null;
  }
  // Some runtimes accept the observer and never call it: until it was called, nothing is known.
  return () => (observed ? ms : null);
}

/** Bytes of JavaScript's own objects, where the runtime tells. */
function readHeap() {
  return process.memoryUsage?.().heapUsed ?? null;
}

/** Says that the server is ready, then answers `stats` and `gc`. */
export function obey({ port, version, count, gc = globalThis.gc }) {
  const readCollections = watchCollections();
  // One collection shows whether they are told of.
  gc?.();
  let text = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (piece) => {
    const lines = (text + piece).split('\n');
    text = lines.pop();
    for (const line of lines) {
      if (line === 'gc') gc?.();
      if (line === 'stats') say({ messages: count(), gcMs: readCollections(), heap: readHeap() });
      else say({ collected: gc !== undefined });
    }
  });
  process.stdin.on('end', () => process.exit(0));
  // Ctrl+C is for the benchmark, which ends its servers itself.
  process.on('SIGINT', () => {});
  say({ port, version });
}
