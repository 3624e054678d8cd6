// A page of jsdom's and the part of its window that the tests touch, typed here because jsdom has no types of
// its own and DefinitelyTyped's would bring the whole DOM along.

import { createRequire } from 'node:module';
import { nextCall } from '../support/wait-for.ts';

export interface PageEvent {
  readonly type: string;
  readonly data?: unknown;
  readonly origin?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly wasClean?: boolean;
}

export interface PageSocket {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  readonly protocol: string;
  readonly extensions: string;
  readonly url: string;
  onmessage: ((event: PageEvent) => void) | null;
  addEventListener(type: string, listener: (event: PageEvent) => void): void;
  send(data: unknown): void;
  close(code?: number, reason?: string): void;
}

interface Reader {
  readonly result: ArrayBuffer;
  onload: () => void;
  readAsArrayBuffer(blob: unknown): void;
}

export interface PageWindow {
  readonly document: { cookie: string };
  readonly WebSocket: new (url: string, protocols?: string | string[]) => PageSocket;
  readonly ArrayBuffer: typeof ArrayBuffer;
  readonly Uint8Array: typeof Uint8Array;
  readonly Blob: new (parts: unknown[]) => object;
  readonly FileReader: new () => Reader;
  readonly results: Record<string, unknown>;
  close(): void;
}

interface Module {
  readonly JSDOM: new (html: string, options: object) => { readonly window: PageWindow };
  readonly ResourceLoader: new (options: object) => object;
}

const { JSDOM, ResourceLoader } = createRequire(import.meta.url)('jsdom') as Module;

const pages: PageWindow[] = [];

/** A page at `url`, whose scripts run. It is closed by `closePages`. */
export function openPage(
  url: string,
  html = '',
  options: { strictSSL?: boolean } = {},
): PageWindow {
  const resources = new ResourceLoader(options);
  const { window } = new JSDOM(html, { url, resources, runScripts: 'dangerously' });
  pages.push(window);
  return window;
}

export function closePages(): void {
  for (const page of pages.splice(0)) page.close();
}

/** The next event of a socket of the page's. */
export async function eventOf(socket: PageSocket, type: string): Promise<PageEvent> {
  const [event] = await nextCall<[PageEvent]>(type, (call) => socket.addEventListener(type, call));
  return event;
}

/** The bytes of a Blob of the page's. */
export async function bytesOf(page: PageWindow, blob: unknown): Promise<Buffer> {
  const reader = new page.FileReader();
  await nextCall('load', (call) => {
    reader.onload = call;
    reader.readAsArrayBuffer(blob);
  });
  return Buffer.from(reader.result);
}
