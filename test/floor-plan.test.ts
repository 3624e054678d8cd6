// Holds the plan of the house: which room may know which, what the sans-I/O rooms must not touch, and
// that every file of a room has a test of its own. Reads source text; it must not run any of it.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSource } from './requirements/source.ts';

const root = new URL('../', import.meta.url);

const EVERYTHING = ['*'];

// A room or a single file on the left, what it may import beside its own room on the right.
const PLAN: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  mask: [],
  frame: ['mask', 'errors.ts'],
  message: ['frame', 'errors.ts'],
  handshake: ['errors.ts'],
  deflate: ['handshake', 'connection', 'frame', 'errors.ts'],
  connection: ['frame', 'message', 'mask', 'errors.ts'],
  websocket: ['connection', 'deflate', 'frame', 'message', 'mask', 'errors.ts'],
  client: ['websocket', 'deflate', 'handshake', 'errors.ts'],
  // The public class is built by the client; a server only wraps an accepted socket in it.
  server: ['websocket', 'connection', 'deflate', 'handshake', 'errors.ts', 'client/websocket.ts'],
  'statics.ts': ['handshake'],
  'index.ts': EVERYTHING,
};

const SANS_IO = ['errors.ts', 'mask', 'frame', 'message', 'handshake', 'deflate', 'connection'];

// Randomness and a hash are computation, not I/O; they are let in by these doors only.
const NODE_MODULES: Readonly<Record<string, readonly string[]>> = {
  'mask/key.ts': ['node:crypto'],
  'handshake/key.ts': ['node:crypto'],
  'handshake/accept.ts': ['node:crypto'],
  'deflate/context.ts': ['node:zlib'],
  'deflate/faults.ts': ['node:zlib'],
  'deflate/compressor.ts': ['node:zlib'],
  'deflate/oneshot.ts': ['node:zlib'],
};

// Names that reach a clock, the event loop, the process or the outside without an import.
const OUTSIDE =
  /(?<![.\w$#])(?:globalThis|Date|performance|process|console|fetch|crypto|set(?:Timeout|Interval|Immediate)|queueMicrotask|Promise|async|await|require)\b(?!\s*[:?]\s)/g;

interface Import {
  readonly specifier: string;
  /** Erased before the program runs: it shapes the plan but cannot make a cycle. */
  readonly typeOnly: boolean;
}

interface File {
  readonly path: string;
  readonly code: string;
  readonly bare: string;
  readonly imports: readonly Import[];
}

/** The imports and re-exports of a source text whose comments are blanked out. */
function findImports(code: string): Import[] {
  const statement =
    /^\s*(?:import|export)\s+(type\s+(?!from\b))?(?:[\w$*{][^;'"]*?\s*from\s*)['"]([^'"]+)['"]/gm;
  const effect = /^\s*import\s*['"]([^'"]+)['"]/gm;
  const dynamic = /\bimport\s*\(\s*['"`]([^'"`]*)['"`]/g;
  return [
    ...Array.from(code.matchAll(statement), ([, type, specifier]) => ({
      specifier: specifier as string,
      typeOnly: type !== undefined,
    })),
    ...[effect, dynamic].flatMap((pattern) =>
      Array.from(code.matchAll(pattern), ([, specifier]) => ({
        specifier: specifier as string,
        typeOnly: false,
      })),
    ),
  ];
}

function readFile(path: string): File {
  const { code, bare } = readSource(readFileSync(new URL(`src/${path}`, root), 'utf8'));
  return { path, code, bare, imports: findImports(code) };
}

const files = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts'))
  .sort()
  .map(readFile);

/** The room of a file, or the file itself where it stands beside the rooms. */
const roomOf = (path: string): string => path.split('/')[0] as string;
const isSansIo = ({ path }: File): boolean => SANS_IO.includes(roomOf(path));
const resolve = (from: string, specifier: string): string =>
  posix.join(posix.dirname(from), specifier);

/** Imports that leave the plan, as `file -> target`. */
function findBreaches({ path, imports }: Pick<File, 'path' | 'imports'>): string[] {
  const room = roomOf(path);
  const allowed = PLAN[room] ?? [];
  return imports
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier }) => resolve(path, specifier))
    .filter((target) => {
      const own = roomOf(target) === room;
      const open = allowed.includes(roomOf(target)) || allowed.includes(target);
      return !own && !open && allowed !== EVERYTHING;
    })
    .map((target) => `${path} -> ${target}`);
}

/** The first cycle of value imports, as the list of files it goes through, or null. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const walk = (node: string, trail: readonly string[]): string[] | null => {
    if (trail.includes(node)) return [...trail.slice(trail.indexOf(node)), node];
    if (done.has(node)) return null;
    for (const next of graph.get(node) ?? []) {
      const cycle = walk(next, [...trail, node]);
      if (cycle !== null) return cycle;
    }
    done.add(node);
    return null;
  };
  for (const node of graph.keys()) {
    const cycle = walk(node, []);
    if (cycle !== null) return cycle;
  }
  return null;
}

/** True when `await` stands outside every block, where it would make the module impossible to `require`. */
function hasTopLevelAwait(bare: string): boolean {
  let depth = 0;
  for (const [token] of bare.matchAll(/[{}]|(?<![.\w$#])await\b(?!\s*:)/g)) {
    if (token === '{') depth += 1;
    else if (token === '}') depth -= 1;
    else if (depth === 0) return true;
  }
  return false;
}

const valueGraph = new Map(
  files.map(({ path, imports }) => [
    path,
    imports
      .filter(({ specifier, typeOnly }) => specifier.startsWith('.') && !typeOnly)
      .map(({ specifier }) => resolve(path, specifier)),
  ]),
);

describe('the rooms', () => {
  it('are those of the plan', () => {
    const rooms = [...new Set(files.map(({ path }) => roomOf(path)))];
    expect(rooms.filter((room) => PLAN[room] === undefined)).toEqual([]);
  });

  it('know only the rooms below them', () => {
    expect(files.flatMap(findBreaches)).toEqual([]);
  });

  it('import files that exist, by their full name', () => {
    const missing = files.flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier }) => specifier.startsWith('.'))
        .filter(({ specifier }) => !existsSync(new URL(`src/${resolve(path, specifier)}`, root)))
        .map(({ specifier }) => `${path} -> ${specifier}`),
    );
    expect(missing).toEqual([]);
  });

  it('have no import cycle', () => {
    expect(findCycle(valueGraph)).toBeNull();
  });

  it('import nothing but each other and Node', () => {
    const strangers = files.flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier }) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
        .map(({ specifier }) => `${path} -> ${specifier}`),
    );
    expect(strangers).toEqual([]);
  });
});

describe('the sans-I/O rooms', () => {
  it('import no Node module but the buffer, and crypto in the key and accept files', () => {
    const reached = files.filter(isSansIo).flatMap(({ path, imports }) => {
      const allowed = ['node:buffer', ...(NODE_MODULES[path] ?? [])];
      return imports
        .filter(({ specifier }) => !specifier.startsWith('.') && !allowed.includes(specifier))
        .map(({ specifier }) => `${path} -> ${specifier}`);
    });
    expect(reached).toEqual([]);
  });

  it('touch no clock, timer, promise, process or other global of the outside', () => {
    const reached = files
      .filter(isSansIo)
      .flatMap(({ path, bare }) =>
        Array.from(bare.matchAll(OUTSIDE), ([name]) => `${path}: ${name}`),
      );
    expect(reached).toEqual([]);
  });
});

describe('every file', () => {
  it('draws no randomness from Math.random (§5.3, §10.3)', () => {
    const guessable = files.filter(({ bare }) => /\bMath\s*\??\.\s*random\b/.test(bare));
    expect(guessable.map(({ path }) => path)).toEqual([]);
  });

  it('can be loaded by require(): no await at the top level', () => {
    expect(files.filter(({ bare }) => hasTopLevelAwait(bare)).map(({ path }) => path)).toEqual([]);
  });

  it('of a room has its own test file', () => {
    const untested = files
      .map(({ path }) => path)
      .filter((path) => path.includes('/') && posix.basename(path) !== 'index.ts')
      .filter((path) => !existsSync(new URL(`test/${path.replace(/\.ts$/, '.test.ts')}`, root)));
    expect(untested).toEqual([]);
  });
});

describe('the package', () => {
  it('has no runtime dependency', () => {
    const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
    for (const field of ['dependencies', 'optionalDependencies', 'peerDependencies']) {
      expect(Object.keys(manifest[field] ?? {}), field).toEqual([]);
    }
    expect(manifest.bundledDependencies ?? manifest.bundleDependencies ?? []).toEqual([]);
  });
});

describe('the tests', () => {
  it('leave none out and run none alone', () => {
    const left = readdirSync(new URL('test/', root), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .filter((path) => {
        const { bare } = readSource(readFileSync(new URL(`test/${path}`, root), 'utf8'));
        return /\b(?:it|test|describe)\s*\.(?:\w+\.)*(?:only|skip|todo)\b/.test(bare);
      });
    expect(left).toEqual([]);
  });
});

describe('the inspection itself', () => {
  it('sees every form of import, and which ones are erased', () => {
    const source = `
import { a } from './a.ts';
import type { B } from './b.ts';
import {
  c,
  type D,
} from '../c/d.ts';
import type from './type.ts';
import * as e from 'node:fs';
import f, { g } from "./f.ts";
import './effect.ts';
export { h } from './h.ts';
export * from './i.ts';
export * as j from './j.ts';
export type { K } from './k.ts';
export const text = 'from';
export const other = \`x\`; const l = import('./l.ts');
`;
    const seen = findImports(readSource(source).code);
    expect(seen.filter(({ typeOnly }) => typeOnly).map(({ specifier }) => specifier)).toEqual([
      './b.ts',
      './k.ts',
    ]);
    expect(seen.map(({ specifier }) => specifier).sort()).toEqual(
      [
        ...['./a.ts', './b.ts', '../c/d.ts', './type.ts', 'node:fs', './f.ts', './effect.ts'],
        ...['./h.ts', './i.ts', './j.ts', './k.ts', './l.ts'],
      ].sort(),
    );
  });

  it('sees no import in a comment', () => {
    const { code } = readSource(
      "/** import { a } from './a.ts';\n import './b.ts' */\n// import './c.ts'",
    );
    expect(findImports(code)).toEqual([]);
  });

  it.each([
    ['frame/reader.ts', '../handshake/accept.ts', false],
    ['frame/reader.ts', '../mask/index.ts', true],
    ['mask/key.ts', '../frame/opcode.ts', false],
    ['server/server.ts', '../client/websocket.ts', true],
    ['server/server.ts', '../client/request.ts', false],
    ['client/websocket.ts', '../server/server.ts', false],
    ['index.ts', './server/server.ts', true],
    ['new/room.ts', '../errors.ts', false],
  ])('judges %s -> %s', (path, specifier, allowed) => {
    const breaches = findBreaches({ path, imports: [{ specifier, typeOnly: true }] });
    expect(breaches.length === 0).toBe(allowed);
  });

  it('finds a cycle of any length', () => {
    expect(
      findCycle(
        new Map([
          ['a', ['b', 'c']],
          ['b', ['c']],
          ['c', []],
        ]),
      ),
    ).toBeNull();
    expect(
      findCycle(
        new Map([
          ['a', ['b']],
          ['b', ['c']],
          ['c', ['b']],
        ]),
      ),
    ).toEqual(['b', 'c', 'b']);
    expect(findCycle(new Map([['a', ['a']]]))).toEqual(['a', 'a']);
  });

  it.each([
    ['await ready;', true],
    ['for await (const x of y) {}', true],
    ['const x = { a: await y };', false],
    ['async function f() { await g(); }', false],
    ['import { a } from "b";\nexport const c = await a();', true],
  ])('judges the await in %j', (source, found) => {
    expect(hasTopLevelAwait(readSource(source).bare)).toBe(found);
  });

  it.each([
    ['Date.now()', true],
    ['new Date()', true],
    ['setTimeout(f, 1)', true],
    ['globalThis.setTimeout(f, 1)', true],
    ['process.nextTick(f)', true],
    ['this.process(chunk)', false],
    ['const updated = 1', false],
    ['// a Date in a comment', false],
    ["throw new Error('no Date')", false],
    ['await next()', true],
  ])('judges whether %j reaches outside', (source, found) => {
    expect(Array.from(readSource(source).bare.matchAll(OUTSIDE)).length > 0).toBe(found);
  });
});
