// The four ways in which handfast takes the place of `ws`: import, require(), an alias, an override. Each
// is installed by npm's own commands from a registry that has no `ws`, and proven by a child process.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { npm, run } from '../npm.ts';
import { TARBALL } from '../tarball.ts';
import { Registry } from './registry.ts';

const work = mkdtempSync(join(tmpdir(), 'handfast-alias-'));
const registry = new Registry();
/** What of handfast's manifest the registry is given, once it has been unpacked. */
let manifest: { name: string; version: string };

/** An echo of both kinds of message, its client and server taken from `WebSocket` and `Server`; prints what came back. */
const ECHO = `
  const server = new Server({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => socket.on('message', (data, isBinary) => {
    socket.send(data, { binary: isBinary });
  }));
  server.on('listening', () => {
    const client = new WebSocket('ws://127.0.0.1:' + server.address().port);
    const seen = [];
    client.on('open', () => { client.send('grüße'); client.send(Buffer.from([1, 2, 3])); });
    client.on('message', (data, isBinary) => {
      seen.push(isBinary ? [...data] : String(data));
      if (seen.length === 2) client.close(4000, 'done');
    });
    client.on('close', (code, reason) => {
      server.close(() => console.log(JSON.stringify([...seen, code, String(reason)])));
    });
  });
`;
const ECHOED = ['grüße', [1, 2, 3], 4000, 'done'];

/** A library of somebody else, in CommonJS, that needs `ws` 7 and shows what it got. */
const LIBRARY = {
  manifest: {
    name: 'library-on-ws',
    version: '1.0.0',
    main: 'index.js',
    dependencies: { ws: '~7.5.10' },
  },
  code: `
    const WebSocket = require('ws');
    const { Server } = WebSocket;
    exports.name = require('ws/package.json').name;
    exports.echo = () => { ${ECHO} };
  `,
};

/** A new empty project whose npm asks the registry of this test and no other. */
function project(name: string, content: object = {}): string {
  const folder = join(work, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, ...content }));
  const cache = join(work, 'cache');
  writeFileSync(join(folder, '.npmrc'), `registry=${registry.url}\ncache=${cache}\n`);
  return folder;
}

const install = (folder: string, ...what: string[]) =>
  npm(folder, 'install', '--no-audit', '--no-fund', `--registry=${registry.url}`, ...what);

/** Runs a script in a process of its own and returns what it printed, as JSON. */
async function answer(folder: string, type: 'commonjs' | 'module', script: string) {
  const args = [`--input-type=${type}`, '--eval', script];
  return JSON.parse(await run(folder, process.execPath, ...args)) as unknown;
}

async function packLibrary(): Promise<Buffer> {
  const folder = join(work, 'library');
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify(LIBRARY.manifest));
  writeFileSync(join(folder, 'index.js'), LIBRARY.code);
  const file = await npm(folder, 'pack', '--silent');
  return readFileSync(join(folder, file.trim()));
}

beforeAll(async () => {
  await registry.start();
  const folder = project('unpack');
  await npm(folder, 'install', '--offline', '--no-audit', '--no-fund', TARBALL);
  const path = join(folder, 'node_modules', 'handfast', 'package.json');
  manifest = JSON.parse(readFileSync(path, 'utf8')) as typeof manifest;
  registry.publish({ manifest, tarball: readFileSync(TARBALL) });
  registry.publish({ manifest: LIBRARY.manifest, tarball: await packLibrary() });
}, 60_000);

afterAll(async () => {
  await registry.close();
  rmSync(work, { recursive: true, force: true });
});

describe('under its own name', () => {
  let folder: string;
  beforeAll(async () => {
    folder = project('direct');
    await install(folder, 'handfast');
  }, 60_000);

  it('import: the default and the named exports', async () => {
    const script = `
      import WebSocket, { WebSocketServer as Server, WebSocket as Named } from 'handfast';
      if (Named !== WebSocket) throw new Error('two classes');
      ${ECHO}
    `;
    expect(await answer(folder, 'module', script)).toEqual(ECHOED);
  });

  it('require(): the class itself, with the rest as its own statics', async () => {
    const script = `
      const WebSocket = require('handfast');
      const { Server } = WebSocket;
      const missing = ['Server', 'WebSocketServer', 'WebSocket', 'createWebSocketStream']
        .filter((name) => !Object.hasOwn(WebSocket, name));
      if (missing.length > 0 || WebSocket.WebSocket !== WebSocket) throw new Error(missing.join());
      ${ECHO}
    `;
    expect(await answer(folder, 'commonjs', script)).toEqual(ECHOED);
  });
});

describe('under the name of ws', () => {
  it('alias: npm install ws@npm:handfast', async () => {
    const folder = project('alias');
    await install(folder, 'ws@npm:handfast');
    const name = `JSON.stringify(require('ws/package.json').name)`;
    expect(await answer(folder, 'commonjs', `console.log(${name})`)).toBe('handfast');
    const imported = `import WebSocket, { WebSocketServer as Server } from 'ws'; ${ECHO}`;
    expect(await answer(folder, 'module', imported)).toEqual(ECHOED);
    const required = `const WebSocket = require('ws'); const { Server } = WebSocket; ${ECHO}`;
    expect(await answer(folder, 'commonjs', required)).toEqual(ECHOED);
  }, 60_000);

  it('override: under a library that asks for ws by itself', async () => {
    const folder = project('override', { overrides: { ws: `npm:handfast@^${manifest.version}` } });
    await install(folder, 'library-on-ws');
    const name = `console.log(JSON.stringify(require('library-on-ws').name))`;
    expect(await answer(folder, 'commonjs', name)).toBe('handfast');
    const echo = `require('library-on-ws').echo()`;
    expect(await answer(folder, 'commonjs', echo)).toEqual(ECHOED);
    const imported = `import library from 'library-on-ws'; library.echo();`;
    expect(await answer(folder, 'module', imported)).toEqual(ECHOED);
  }, 60_000);

  it('without them the library would have got the real one, which nobody asked for so far', async () => {
    expect(registry.asked).not.toContain('ws');
    const folder = project('plain');
    await expect(install(folder, 'library-on-ws')).rejects.toThrow(/E404[\s\S]*ws/);
    expect(registry.asked).toContain('ws');
  }, 60_000);
});
