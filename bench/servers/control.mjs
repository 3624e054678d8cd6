// How a server under test is asked things: lines on stdin, lines of JSON on stdout. The same for Node,
// Bun and Deno. Ends with stdin, so that no server outlives the benchmark.

import process from 'node:process';

/** Says that the server is ready, then answers `count` and `gc`. */
export function obey({ port, version, count, gc = globalThis.gc }) {
  const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
  let text = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (piece) => {
    const lines = (text + piece).split('\n');
    text = lines.pop();
    for (const line of lines) {
      if (line === 'gc') gc?.();
      say(line === 'count' ? { messages: count() } : { collected: gc !== undefined });
    }
  });
  process.stdin.on('end', () => process.exit(0));
  // Ctrl+C is for the benchmark, which ends its servers itself.
  process.on('SIGINT', () => {});
  say({ port, version });
}
