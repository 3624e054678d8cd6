// The page's files over HTTP: a fixed table, read once at the start, so that no path a client writes
// ever reaches the file system. Knows nothing of WebSocket.

import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';

const TABLE = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/page.css', 'page.css', 'text/css; charset=utf-8'],
  ['/page.js', 'page.js', 'text/javascript; charset=utf-8'],
  ['/favicon.svg', 'favicon.svg', 'image/svg+xml'],
] as const;

// 'self' in connect-src covers ws: on the page's own host and port (CSP 3, §6.7.2.8).
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-cache',
};

/** Reads the page's files and returns the request listener that serves them, and 404 for the rest. */
export function createPages(): (request: IncomingMessage, response: ServerResponse) => void {
  const files = new Map<string, { body: Buffer; type: string }>();
  for (const [path, name, type] of TABLE) {
    files.set(path, { body: readFileSync(new URL(`page/${name}`, import.meta.url)), type });
  }

  return (request, response) => {
    const file = files.get((request.url ?? '').split('?', 1)[0]);
    if (file === undefined) return answer(response, request, 404, 'Not found\n');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return answer(response, request, 405, 'Only GET and HEAD\n');
    }
    answer(response, request, 200, file.body, file.type);
  };
}

function answer(
  response: ServerResponse,
  request: IncomingMessage,
  status: number,
  body: Buffer | string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, {
    ...HEADERS,
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
