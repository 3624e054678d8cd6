// The documents hold what they say, where that can be tried: every link leads somewhere, and programs
// run as they stand and print what stands below them. Knows nothing of what they are about.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type Child, run } from './demo/child.ts';

const root = new URL('../', import.meta.url);

const pages = ['', 'docs/', 'bench/', 'embedding/'].flatMap((folder) =>
  readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => folder + name),
);

const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

interface Block {
  readonly language: string;
  readonly code: string;
  /** What stands between it and the next block, or the end. */
  readonly after: string;
}

function blocksOf(page: string): Block[] {
  const parts = page.split(/^```(\w*)\n/m).slice(1);
  const blocks: Block[] = [];
  // A closing fence has no language, so opening and closing ones take turns.
  for (let at = 0; at + 3 < parts.length + 1; at += 4) {
    const [language = '', code = '', , after = ''] = parts.slice(at, at + 4);
    blocks.push({ language, code, after });
  }
  return blocks;
}

const proseOf = (page: string): string => page.replace(/^```[\s\S]*?^```$/gm, '');

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of proseOf(page).matchAll(/^#+ (.+)$/gm)) {
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = text.replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
    let name = anchor;
    for (let count = 1; anchors.has(name); count++) name = `${anchor}-${count}`;
    anchors.add(name);
  }
  return anchors;
}

/** What a link of a page leads to and does not find; undefined if it finds it. */
function findBroken(path: string, link: string): string | undefined {
  if (/^https:\/\//.test(link)) return undefined;
  const [file = '', anchor] = link.split('#');
  const target = new URL(file === '' ? path : new URL(file, new URL(path, root)).href, root);
  if (!existsSync(target)) return `${link}: no such file`;
  if (anchor === undefined) return undefined;
  return anchorsOf(readFileSync(target, 'utf8')).has(anchor) ? undefined : `${link}: no heading`;
}

describe('links', () => {
  it.each(pages)('of %s lead somewhere', (path) => {
    const links = Array.from(proseOf(read(path)).matchAll(/\]\(([^)\s]+)\)/g), ([, link]) => link);
    expect(links.map((link) => findBroken(path, link as string)).filter(Boolean)).toEqual([]);
  });

  it('would be found broken', () => {
    expect(findBroken('README.md', 'docs/nowhere.md')).toMatch('no such file');
    expect(findBroken('README.md', 'docs/api.md#nowhere')).toMatch('no heading');
    expect(findBroken('docs/api.md', '#events-1')).toBeUndefined();
  });
});

/** Runs a program with this checkout's sources in place of the package. */
function start(code: string): Child {
  const here = code.replace(/from 'handfast(\/\w+)?'/g, "from './src$1/index.ts'");
  return run('--input-type=module', {}, ['--eval', here]);
}

async function outputOf(code: string): Promise<string[]> {
  const child = start(code);
  try {
    expect(await child.ended, child.errors()).toBe(0);
    return child.output().trimEnd().split('\n');
  } finally {
    await child.end();
  }
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}

function accepts(port: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1', () => resolve(true));
    socket.on('connect', () => socket.destroy()).on('error', () => resolve(false));
  });
}

describe('programs', () => {
  it('of README.md talk to each other and say what they should', async () => {
    const blocks = blocksOf(read('README.md'));
    const [serverCode = '', clientCode = ''] = blocks
      .filter(({ language }) => language === 'js')
      .map(({ code }) => code);
    const port = await freePort();
    const server = start(serverCode.replace('8080', port));
    try {
      await expect.poll(() => accepts(port), { timeout: 10_000 }).toBe(true);
      const said = await outputOf(clientCode.replace('8080', port));
      const [expected] = blocks.filter(({ language }) => language === '');
      expect(said).toEqual(expected?.code.trimEnd().split('\n'));
      server.process.kill('SIGTERM');
      expect(await server.ended, server.errors()).toBe(0);
    } finally {
      await server.end();
    }
  });

  const blocks = blocksOf(read('docs/embedding.md'));
  const whole = blocks
    .map((block, at) => ({ ...block, next: blocks[at + 1] }))
    .filter(({ language, code }) => language === 'js' && code.includes("from 'handfast"));

  it('of docs/embedding.md are found', () => expect(whole.length).toBeGreaterThanOrEqual(4));

  it.each(whole)('number %$ of docs/embedding.md prints what stands below it', async (block) => {
    const { code, after, next } = block;
    const [sentence = ''] = /^It prints [^.]*?(?:`[^`]*`[^.`]*)+\./m.exec(after.trim()) ?? [];
    const told = Array.from(sentence.matchAll(/`([^`]*)`/g), ([, line]) => line);
    const shown = after.trim() === '' && next?.language === '' ? next.code.trimEnd() : '';
    const expected = told.length > 0 ? told : shown.split('\n');
    expect(expected).not.toEqual(['']);
    expect(await outputOf(code)).toEqual(expected);
  });

  it('of examples/serial-duplex.ts is in docs/embedding.md, but for where it imports from', () => {
    const copies = blocks.filter(({ language }) => language === 'ts').map(({ code }) => code);
    const example = read('examples/serial-duplex.ts');
    expect(copies).toContain(example.replace('../src/connection/index.ts', 'handfast/connection'));
  });
});
