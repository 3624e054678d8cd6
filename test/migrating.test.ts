// The page for those who come from `ws` against the installed package: every name that it has stands
// there with a verdict, and the verdict is true where that can be seen without running either.

import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from '../src/index.ts';
import { CloseEvent, ErrorEvent, MessageEvent, WebSocketEvent } from '../src/websocket/event.ts';
import { meant } from './differential/examples.ts';
import { meant as meantWhenClosing } from './differential/scenes.ts';
import { known } from './support/known.ts';

const root = new URL('../', import.meta.url);
const page = readFileSync(new URL('docs/migrating-from-ws.md', root), 'utf8');
const lib = join(dirname(createRequire(import.meta.url).resolve('ws')), 'lib');

const VERDICTS = ['same', 'better', 'different', 'absent'];

interface Row {
  readonly name: string;
  readonly verdict: string;
  readonly why: string;
}

/** The tables of the page by their headings. */
function readTables(text: string): Map<string, Row[]> {
  const tables = new Map<string, Row[]>();
  const [, names = ''] = text.split('## Name by name\n');
  for (const section of names.split(/^### /m).slice(1)) {
    const rows = Array.from(
      section.matchAll(/^\| `([^`]+)` *\| (\w+) *\| ?(.*?) *\|$/gm),
      ([, name, verdict, why]) => ({ name, verdict, why }) as Row,
    );
    tables.set((section.split('\n')[0] as string).trim(), rows);
  }
  return tables;
}

const source = (file: string): string => readFileSync(join(lib, `${file}.js`), 'utf8');

/** The options that the comment above `place` documents. */
function optionsOf(file: string, place: string): string[] {
  const text = source(file);
  const end = text.indexOf(place);
  const comment = text.slice(text.lastIndexOf('/**', end), end);
  return Array.from(
    comment.matchAll(/@param \{.+\} \[?options\.(\w+)/g),
    ([, name]) => name as string,
  );
}

/** The events that a file emits or looks for listeners of. */
function eventsOf(file: string): string[] {
  const calls = /(?:emit|listenerCount)(?:\.bind\(\w+, ?|\(\s*)'([\w-]+)'/g;
  return Array.from(source(file).matchAll(calls), ([, name]) => name as string);
}

const namesOf = (holder: object): string[] =>
  Object.getOwnPropertyNames(holder).filter((name) => name !== 'constructor');

const isPrivate = (name: string): boolean => name.startsWith('_');
const knownServer = (known as unknown as { Server: typeof WebSocketServer }).Server;
const server = new knownServer({ noServer: true });
const socket = new known(null, undefined, {});

/** What the installed package has, by the heading under which it stands on the page. */
const has: Readonly<Record<string, readonly string[]>> = {
  'Options of a client': optionsOf('websocket', 'function initAsClient'),
  'Options of a server': optionsOf('websocket-server', '  constructor(options, callback)'),
  'Options of `perMessageDeflate`': optionsOf('permessage-deflate', '  constructor(options)'),
  'Options of `send`': optionsOf('websocket', '  send(data, options, cb)'),
  'Options of `setSocket`': optionsOf('websocket', '  setSocket(socket, head, options)'),
  'Events of the socket': eventsOf('websocket'),
  'Events of the server': eventsOf('websocket-server'),
  'Methods and attributes of the socket': namesOf(known.prototype),
  'Methods and properties of the server': [
    ...namesOf(knownServer.prototype),
    ...Object.keys(server).filter((name) => !isPrivate(name)),
  ],
  'Event objects': ['Event', 'MessageEvent', 'CloseEvent', 'ErrorEvent'].flatMap((name) =>
    namesOf(
      (
        createRequire(import.meta.url)(join(lib, 'event-target.js')) as Record<
          string,
          { prototype: object }
        >
      )[name]?.prototype as object,
    ).map((attribute) => `${name}.${attribute}`),
  ),
  'Statics and exports': Object.keys(known),
  'Error codes': readdirSync(lib)
    .flatMap((file) =>
      Array.from(readFileSync(join(lib, file), 'utf8').matchAll(/'(WS_ERR_\w+)'/g)),
    )
    .map(([, code]) => code as string),
  'Environment variables': readdirSync(lib)
    .flatMap((file) => Array.from(readFileSync(join(lib, file), 'utf8').matchAll(/env\.(\w+)/g)))
    .map(([, name]) => name as string),
  'Private fields': [...Object.keys(socket), ...Object.keys(server)].filter(
    (name) => isPrivate(name) && !/^_(?:events|eventsCount|maxListeners)$/.test(name),
  ),
};

const sources = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readFileSync(new URL(`src/${path}`, root), 'utf8'))
  .join('\n');

const events = { Event: WebSocketEvent, MessageEvent, CloseEvent, ErrorEvent };

/** Whether handfast has a name, where that can be looked up. */
const provides: Readonly<Record<string, (name: string) => boolean>> = {
  'Methods and attributes of the socket': (name) => name in WebSocket.prototype,
  'Methods and properties of the server': (name) =>
    name in WebSocketServer.prototype || name in new WebSocketServer({ noServer: true }),
  'Statics and exports': (name) => Object.hasOwn(WebSocket, name),
  'Event objects': (name) => {
    const [type, attribute] = name.split('.') as [keyof typeof events, string];
    return attribute in new (events[type] as new (type: string) => object)('message');
  },
  'Error codes': (name) => sources.includes(`'${name}'`),
  'Events of the socket': (name) => sources.includes(`emit('${name}'`),
  'Events of the server': (name) => sources.includes(`emit('${name}'`),
  'Private fields': (name) => name in WebSocket.prototype,
};

const tables = readTables(page);

describe.each(Object.entries(has))('%s', (heading, names) => {
  const rows = tables.get(heading) ?? [];

  it('stand on the page, each once, and nothing else does', () => {
    expect(names.length).toBeGreaterThan(0);
    expect(rows.map(({ name }) => name).sort()).toEqual([...new Set(names)].sort());
  });

  it('have a verdict, and a reason unless they are the same', () => {
    for (const { name, verdict, why } of rows) {
      expect(VERDICTS, name).toContain(verdict);
      if (verdict !== 'same') expect(why, name).toMatch(/\w{3}/);
    }
  });

  it('are absent where the page says so, and nowhere else', () => {
    const look = provides[heading];
    if (look === undefined) return;
    const wrong = rows.filter(({ name, verdict }) => look(name) === (verdict === 'absent'));
    expect(wrong).toEqual([]);
  });
});

describe('the page', () => {
  it('has no table of names that nobody checks', () => {
    expect([...tables.keys()].filter((heading) => !(heading in has))).toEqual([]);
  });

  it.each([...meant.map(({ name }) => name), ...Object.keys(meantWhenClosing)])(
    'explains: %s',
    (name) => {
      expect(page).toContain(`**${name}.**`);
    },
  );
});

describe('the reading of the page', () => {
  it('finds rows and their headings, and takes no other table for one', () => {
    const text = [
      ...['### Other', '| `a` | same | x |', '## Name by name', '### One'],
      ...['| name | | |', '| - | - | - |', '| `b` | better | why |', ''],
    ].join('\n');
    expect([...readTables(text)]).toEqual([
      ['One', [{ name: 'b', verdict: 'better', why: 'why' }]],
    ]);
  });
});
