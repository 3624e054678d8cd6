// The stage of the server's tests: a server on either kind of host, a request made by hand, line by
// line, and its answer read to the last byte.

import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect } from 'vitest';
import { type ServerOptions, type WebSocket, WebSocketServer } from '../../src/index.ts';
import { acceptFor, headerOf, RawClient } from '../support/wire.ts';

/** The key of §1.3. */
export const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
export const HOSTS = ['port', 'node:http'] as const;
export type Host = (typeof HOSTS)[number];

const cleanups: (() => void | Promise<void>)[] = [];

/** Runs after the test, the last one first. */
export function onEnd(cleanup: () => void | Promise<void>): void {
  cleanups.push(cleanup);
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** An HTTP server on a free port, gone with its connections after the test. */
export async function openHttp(): Promise<{ http: HttpServer; port: number }> {
  const http = createServer((_, response) => response.end('plain'));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const sockets = new Set<{ destroy(): void }>();
  http.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  onEnd(() => {
    for (const socket of sockets) socket.destroy();
    http.close();
  });
  return { http, port: (http.address() as AddressInfo).port };
}

/** A server that listens by itself, or on a node:http server. */
export async function openServer<Socket extends WebSocket = WebSocket>(
  host: Host = 'port',
  options: ServerOptions<Socket> = {},
): Promise<{ server: WebSocketServer<Socket>; port: number }> {
  if (host === 'node:http') {
    const { http, port } = await openHttp();
    return { server: new WebSocketServer<Socket>({ ...options, server: http }), port };
  }
  const server = new WebSocketServer<Socket>({ host: '127.0.0.1', ...options, port: 0 });
  await once(server, 'listening');
  onEnd(async () => {
    if (server.clients === undefined) server.close();
    else await server.shutdown({ timeout: 50 });
  });
  return { server, port: (server.address() as AddressInfo).port };
}

/** A client that is connected and has sent nothing; gone after the test. */
export async function openRaw(port: number): Promise<RawClient> {
  const client = await RawClient.open(port);
  onEnd(() => client.destroy());
  return client;
}

/** A client whose handshake has been accepted; gone after the test. */
export async function connect(
  port: number,
  options: Parameters<typeof RawClient.connect>[1] = {},
): Promise<RawClient> {
  const client = await RawClient.connect(port, options);
  onEnd(() => client.destroy());
  return client;
}

/** A valid request with changes: a field's value or lines, or null to leave it out. */
export interface RequestSpec {
  line?: string;
  fields?: Record<string, string | string[] | null>;
  body?: string;
}

export function requestText({ line = 'GET / HTTP/1.1', fields = {}, body = '' }: RequestSpec = {}) {
  const all: Record<string, string | string[] | null> = {
    Host: 'server.example.com',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': KEY,
    'Sec-WebSocket-Version': '13',
    ...fields,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((one) => `${name}: ${one}\r\n`),
  );
  return `${line}\r\n${lines.join('')}\r\n${body}`;
}

export interface HttpAnswer {
  status: number;
  head: string;
  body: string;
}

/**
 * Waits until the server has ended the connection, and holds it to what every refusal is: one
 * complete response that says close, and behind it not one byte.
 */
export async function readRefusal(client: RawClient, timeout = 2000): Promise<HttpAnswer> {
  await client.until(() => client.finished !== undefined, timeout);
  expect(client.finished).toBe('fin');
  const head = await client.readHead();
  const length = Number(headerOf(head, 'content-length') ?? Number.NaN);
  expect(head).toMatch(/^HTTP\/1\.1 [2-5]\d\d [\x20-\x7e]+\r\n/);
  expect(headerOf(head, 'connection')?.toLowerCase().split(', ')).toContain('close');
  expect(client.received.length).toBe(length);
  return { status: Number(head.slice(9, 12)), head, body: client.received.toString() };
}

/** Sends a request and reads the refusal that it must get. */
export async function refused(port: number, spec: RequestSpec | string): Promise<HttpAnswer> {
  const client = await openRaw(port);
  await client.send(typeof spec === 'string' ? spec : requestText(spec));
  const answer = await readRefusal(client);
  client.destroy();
  return answer;
}

/** Sends a request that must be accepted, and returns the head of the 101. */
export async function accepted(port: number, spec: RequestSpec = {}): Promise<string> {
  const client = await openRaw(port);
  await client.send(requestText(spec));
  const head = await client.readHead();
  expect(head).toMatch(/^HTTP\/1\.1 101 /);
  expect(headerOf(head, 'sec-websocket-accept')).toBe(acceptFor(KEY));
  client.destroy();
  return head;
}

/** Errors that nobody caught while the test ran; where it counts them, they fail nothing else. */
export function catchUncaught(): unknown[] {
  const errors: unknown[] = [];
  const record = (error: unknown): void => void errors.push(error);
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => process.listeners(event as 'uncaughtException'));
  for (const event of events) process.removeAllListeners(event).on(event, record);
  onEnd(() => {
    for (const [i, event] of events.entries()) {
      process.removeAllListeners(event);
      for (const listener of before[i]) process.on(event as 'uncaughtException', listener);
    }
  });
  return errors;
}

export const delay = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));
