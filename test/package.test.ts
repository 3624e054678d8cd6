// What a stranger gets: the project is built and packed by its own scripts in a copy of the tree, the
// tarball is installed offline into empty projects, and child processes load, run and type-check it.

import { execFile, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSource } from './requirements/source.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'handfast-package-'));
const tree = join(work, 'tree');
const direct = join(work, 'direct');
const alias = join(work, 'alias');
const installed = join(direct, 'node_modules', 'handfast');

const LEFT_BEHIND = new Set(['node_modules', '.git', 'dist', 'coverage', 'bench', 'embedding']);

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  name: string;
  version: string;
  exports: Record<string, string | { types: string; default: string }>;
};

// npm hands its own settings down by environment; a stranger's shell has none of them.
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_ENV$|VITEST)/i.test(name)),
);

/** Runs a program to its end and returns what it printed; a failure throws with both its outputs. */
async function run(cwd: string, program: string, ...args: string[]): Promise<string> {
  // Less than a test may take, so that what hangs ends before its test does.
  const options = { cwd, env, timeout: program === 'npm' ? 120_000 : 15_000, maxBuffer: 1 << 24 };
  try {
    return (await promisify(execFile)(program, args, options)).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(' ')}\n${stdout}\n${stderr}`);
  }
}

/** Runs a script in its own Node process, as CommonJS or as a module, and returns its JSON answer. */
async function answer(cwd: string, type: 'commonjs' | 'module', script: string): Promise<unknown> {
  return JSON.parse(await run(cwd, process.execPath, `--input-type=${type}`, '--eval', script));
}

function project(folder: string, content: Record<string, unknown>): void {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, ...content }));
}

beforeAll(async () => {
  cpSync(root, tree, {
    recursive: true,
    filter: (source) => !LEFT_BEHIND.has(source.slice(root.length).split('/')[0] as string),
  });
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'), 'dir');
  await run(tree, 'npm', 'pack', '--pack-destination', work);
  const tarball = join(work, `${manifest.name}-${manifest.version}.tgz`);
  project(direct, {});
  await run(direct, 'npm', 'install', '--offline', '--no-audit', '--no-fund', tarball);
  project(alias, { dependencies: { ws: `file:${tarball}` } });
  await run(alias, 'npm', 'install', '--offline', '--no-audit', '--no-fund');
}, 180_000);

afterAll(() => rmSync(work, { recursive: true, force: true }));

describe('the tarball', () => {
  const list = (folder: string): string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' });

  it('holds the build, the documents and nothing of the workshop', () => {
    const top = new Set(list(installed).map((path) => path.split('/')[0]));
    expect([...top].sort()).toEqual(
      [
        'CHANGELOG.md',
        'CONTRIBUTING.md',
        'LICENSE',
        'README.md',
        'SECURITY.md',
        'dist',
        'docs',
        'package.json',
      ].sort(),
    );
    expect(
      list(installed).filter((path) => /\.test\.|(^|\/)(test|bench|scripts)\//.test(path)),
    ).toEqual([]);
  });

  it('holds no module that nobody loads', () => {
    const reached = new Set<string>();
    const visit = (path: string): void => {
      if (reached.has(path)) return;
      reached.add(path);
      const specifiers = /(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"/g;
      for (const [, specifier] of readFileSync(path, 'utf8').matchAll(specifiers))
        visit(join(dirname(path), specifier as string));
    };
    for (const entry of Object.values(manifest.exports))
      if (typeof entry !== 'string') visit(join(installed, entry.default));
    const modules = list(join(installed, 'dist')).filter((path) => path.endsWith('.js'));
    expect(modules.map((path) => join(installed, 'dist', path)).sort()).toEqual(
      [...reached].sort(),
    );
  });

  it('holds a declaration for every source file', () => {
    const sources = list(join(root, 'src')).filter((path) => path.endsWith('.ts'));
    for (const source of sources) {
      const built = join(installed, 'dist', source.replace(/\.ts$/, '.d.ts'));
      expect(existsSync(built), source).toBe(true);
    }
  });

  it('holds a source map with the sources inside for every module', () => {
    const modules = list(join(installed, 'dist')).filter((path) => path.endsWith('.js'));
    const sources = modules.flatMap((path) => {
      const map = JSON.parse(readFileSync(join(installed, 'dist', `${path}.map`), 'utf8')) as {
        sources: string[];
        sourcesContent: (string | null)[];
      };
      expect(map.sourcesContent.filter((content) => !content)).toEqual([]);
      return map.sources.map((source) => source.replace(/^.*\/src\//, ''));
    });
    expect(sources).toContain('server/server.ts');
    // Code that is in two modules would be two classes, and state of its own in each.
    expect(sources.length).toBe(new Set(sources).size);
  });

  it('brings no other package along', () => {
    for (const folder of [direct, alias]) {
      const packages = readdirSync(join(folder, 'node_modules')).filter((name) => name[0] !== '.');
      expect(packages).toHaveLength(1);
    }
    const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    expect(dependencies ?? {}).toEqual({});
  });

  it('has the file behind every entry of exports', () => {
    const targets = Object.values(manifest.exports).flatMap((entry) =>
      typeof entry === 'string' ? [entry] : Object.values(entry),
    );
    for (const target of targets) expect(existsSync(join(installed, target)), target).toBe(true);
  });

  it('declares nothing as any', () => {
    const loose = list(join(installed, 'dist'))
      .filter((path) => path.endsWith('.d.ts'))
      .filter((path) => {
        const { bare } = readSource(readFileSync(join(installed, 'dist', path), 'utf8'));
        return /\bany\b/.test(bare);
      });
    expect(loose).toEqual([]);
  });
});

// What ws's users find on the export: the class, and every alias as an own property of it.
const SHAPE = `({
  type: typeof it,
  name: it.name,
  own: ['Server', 'WebSocketServer', 'WebSocket', 'createWebSocketStream',
        'CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'].filter((key) => Object.hasOwn(it, key)),
  itself: it.WebSocket === it,
  server: it.Server === it.WebSocketServer && typeof it.Server === 'function',
  stream: typeof it.createWebSocketStream,
  states: [it.CONNECTING, it.OPEN, it.CLOSING, it.CLOSED],
})`;

const EXPECTED_SHAPE = {
  type: 'function',
  name: 'WebSocket',
  own: [
    'Server',
    'WebSocketServer',
    'WebSocket',
    'createWebSocketStream',
    'CONNECTING',
    'OPEN',
    'CLOSING',
    'CLOSED',
  ],
  itself: true,
  server: true,
  stream: 'function',
  states: [0, 1, 2, 3],
};

// A message there and back, and a clean end on both sides.
const ECHO = `
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
server.on('connection', (socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })));
server.on('listening', () => {
  const client = new WebSocket('ws://127.0.0.1:' + server.address().port);
  client.on('open', () => client.send('hands'));
  client.on('message', (data, isBinary) => {
    client.on('close', (code) => server.close(() => console.log(JSON.stringify({ text: String(data), isBinary, code }))));
    client.close(1000);
  });
});`;

const ECHOED = { text: 'hands', isBinary: false, code: 1000 };

describe.each([
  ['handfast', direct],
  ['ws', alias],
])('installed as %s', (name, folder) => {
  it('is the class itself to require(), with its aliases as own statics', async () => {
    const script = `const it = require('${name}'); console.log(JSON.stringify(${SHAPE}))`;
    expect(await answer(folder, 'commonjs', script)).toEqual(EXPECTED_SHAPE);
  });

  it('is the same class to import, by default and by name', async () => {
    const script = `
      import it, { WebSocket, WebSocketServer, createWebSocketStream } from '${name}';
      import { createRequire } from 'node:module';
      const required = createRequire(process.cwd() + '/')('${name}');
      console.log(JSON.stringify({ ...${SHAPE}, same: [it === WebSocket, it === required,
        it.Server === WebSocketServer, it.createWebSocketStream === createWebSocketStream] }))`;
    const same = [true, true, true, true];
    expect(await answer(folder, 'module', script)).toEqual({ ...EXPECTED_SHAPE, same });
  });

  it('carries every name that can be imported', async () => {
    const script = `
      import * as imported from '${name}';
      import { createRequire } from 'node:module';
      const required = createRequire(process.cwd() + '/')('${name}');
      const { default: _, 'module.exports': __, ...named } = imported;
      const names = Object.keys(named);
      console.log(JSON.stringify({ count: names.length, other: names.filter((name) => required[name] !== named[name]) }))`;
    const { count, other } = (await answer(folder, 'module', script)) as Record<string, unknown>;
    expect(count).toBeGreaterThanOrEqual(14);
    expect(other).toEqual([]);
  });

  it('echoes a message and closes cleanly, required', async () => {
    const script = `const WebSocket = require('${name}'); const { WebSocketServer } = WebSocket;${ECHO}`;
    expect(await answer(folder, 'commonjs', script)).toEqual(ECHOED);
  });

  it('echoes a message and closes cleanly, imported', async () => {
    const script = `import WebSocket, { WebSocketServer } from '${name}';${ECHO}`;
    expect(await answer(folder, 'module', script)).toEqual(ECHOED);
  });
});

/** What Node itself takes long to load, and few need: TLS, and its own WebSocket client. */
const COSTLY = ['tls', 'https', 'internal/deps/undici/undici'];

/** Prints how many modules of the package `load` reads, as their source URLs. */
const countRead = (load: string): string => `
  const { Session } = require('node:inspector');
  const session = new Session();
  session.connect();
  const read = new Set();
  session.on('Debugger.scriptParsed', ({ params }) => {
    if (/handfast[/]dist[/]/.test(params.url)) read.add(params.url);
  });
  session.post('Debugger.enable');
  const end = () => console.log(JSON.stringify(read.size));
  ${load}`;

describe('loading', () => {
  const entries = Object.keys(manifest.exports)
    .filter((key) => key !== './package.json')
    .map((key) => manifest.name + key.slice(1));

  it('reads few files', async () => {
    for (const load of ["require('handfast'); end();", "import('handfast').then(end);"]) {
      const count = (await answer(direct, 'commonjs', countRead(load))) as number;
      expect(count, load).toBeGreaterThan(0);
      expect(count, load).toBeLessThan(10);
    }
    const mask = "require('handfast/mask'); end();";
    expect(await answer(direct, 'commonjs', countRead(mask))).toBeLessThanOrEqual(2);
  });

  it('loads neither TLS nor what Node has of its own for WebSocket, until it is needed', async () => {
    const find = `const find = () => ${JSON.stringify(COSTLY)}.filter((name) =>
      process.moduleLoadList.includes('NativeModule ' + name));`;
    for (const [type, load] of [
      ['commonjs', "const { WebSocket } = require('handfast');"],
      ['module', "import { WebSocket } from 'handfast';"],
    ] as const) {
      const use = "new WebSocket('wss://127.0.0.1:1').on('error', () => {});";
      const script = `${load} ${find} const before = find(); ${use}
        console.log(JSON.stringify({ before, after: find() }))`;
      const { before, after } = (await answer(direct, type, script)) as Record<string, string[]>;
      expect(before, load).toEqual([]);
      // That this would be seen.
      expect(after, load).toContain('tls');
    }
  });

  it('gives one class under one name to all entry points, imported or required', async () => {
    const script = `
      import { createRequire } from 'node:module';
      const require = createRequire(process.cwd() + '/');
      const found = {};
      for (const entry of ${JSON.stringify(entries)})
        for (const module of [await import(entry), require(entry)])
          for (const [name, value] of Object.entries(module)) (found[name] ??= new Set()).add(value);
      delete found.default;
      delete found['module.exports'];
      const many = Object.keys(found).filter((name) => found[name].size > 1);
      const misnamed = Object.keys(found).filter((name) => name !== 'Server' &&
        [...found[name]].some((value) => typeof value === 'function' && value.name !== name));
      console.log(JSON.stringify({ many, misnamed, found: Object.keys(found).length }))`;
    const { found, ...rest } = (await answer(direct, 'module', script)) as { found: number };
    expect(found).toBeGreaterThan(50);
    expect(rest).toEqual({ many: [], misnamed: [] });
  });

  it('leaves what the core throws an instance of the class that is exported', async () => {
    const script = `
      import { HandshakeError, ProtocolError } from 'handfast';
      import * as connection from 'handfast/connection';
      import { decodeClose } from 'handfast/frame';
      import { checkRequest } from 'handfast/handshake';
      const caught = (run) => { try { run(); } catch (error) { return error; } };
      console.log(JSON.stringify([
        caught(() => decodeClose(Buffer.of(0))) instanceof ProtocolError,
        caught(() => decodeClose(Buffer.of(0))) instanceof connection.ProtocolError,
        caught(() => checkRequest({ method: 'POST', url: '/', httpVersion: '1.1', headers: {}, rawHeaders: [] }))
          instanceof HandshakeError,
      ]))`;
    expect(await answer(direct, 'module', script)).toEqual([true, true, true]);
  });

  it('lets --enable-source-maps name the line of the source', async () => {
    const script = `
      try { require('handfast/frame').decodeClose(Buffer.of(0)); }
      catch (error) { console.log(error.stack); }`;
    const args = ['--enable-source-maps', '--eval', script];
    expect(await run(direct, process.execPath, ...args)).toMatch(/src\/frame\/close\.ts:\d+:\d+/);
  });
});

describe('the subpaths', () => {
  const subpaths = Object.keys(manifest.exports).filter((key) => /^\.\/[a-z]+$/.test(key));

  it('are the sans-I/O rooms', () => {
    expect(subpaths).toEqual(['./mask', './frame', './handshake', './connection', './deflate']);
  });

  it.each(subpaths)('%s gives the same things to import and to require()', async (subpath) => {
    const specifier = manifest.name + subpath.slice(1);
    const names = (await answer(
      direct,
      'module',
      `import * as it from '${specifier}';
       import { createRequire } from 'node:module';
       const required = createRequire(process.cwd() + '/')('${specifier}');
       const names = Object.keys(it);
       console.log(JSON.stringify({ names, same: names.every((name) => it[name] === required[name]) }))`,
    )) as { names: string[]; same: boolean };
    expect(names.names.length).toBeGreaterThan(0);
    expect(names.same).toBe(true);
  });

  it('are all there is: a file inside dist cannot be reached', async () => {
    const script = `
      let code = 'none';
      try { require('handfast/dist/index.js'); } catch (error) { code = error.code; }
      console.log(JSON.stringify(code));`;
    expect(await answer(direct, 'commonjs', script)).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });
});

describe('the declarations', () => {
  const tsc = (
    file: string,
    resolution = 'nodenext',
  ): { status: number | null; output: string } => {
    const config = {
      compilerOptions: {
        target: 'es2023',
        lib: ['es2023', 'esnext.disposable'],
        module: resolution === 'bundler' ? 'esnext' : 'nodenext',
        moduleResolution: resolution,
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true,
        types: ['node'],
        typeRoots: [join(root, 'node_modules', '@types')],
      },
      files: [file],
    };
    writeFileSync(join(direct, 'tsconfig.json'), JSON.stringify(config));
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const child = spawnSync(process.execPath, [compiler, '-p', direct, '--pretty', 'false'], {
      encoding: 'utf8',
      env,
      timeout: 120_000,
    });
    return { status: child.status, output: child.stdout + child.stderr };
  };
  const consumer = (file: string): void =>
    cpSync(join(root, 'test', 'package', `${file}.txt`), join(direct, file));

  it.each(['nodenext', 'bundler'])(
    'serve a strict module whose callbacks get no any, found as by %s',
    (resolution) => {
      consumer('consumer.mts');
      expect(tsc('consumer.mts', resolution)).toEqual({ status: 0, output: '' });
    },
  );

  it('serve a strict CommonJS file that requires the class', () => {
    consumer('consumer.cts');
    expect(tsc('consumer.cts')).toEqual({ status: 0, output: '' });
  });

  it('refuse a wrong call', () => {
    writeFileSync(
      join(direct, 'wrong.mts'),
      "import WebSocket from 'handfast';\nnew WebSocket('ws://127.0.0.1').send(Symbol('no'));\n",
    );
    const { status, output } = tsc('wrong.mts');
    expect(status).not.toBe(0);
    expect(output).toMatch(/wrong\.mts\(2,\d+\): error TS2(345|769): /);
  });
});
