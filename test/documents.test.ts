// The documents hold what they say, where that can be tried: every link leads somewhere, in the source
// tree and in the tarball, and programs run as they stand and print what stands below them. Knows nothing
// of what they are about.

import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { posix } from 'node:path';
import { promisify } from 'node:util';
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

/** The places that links may lead to: headings of Markdown, ids of HTML. */
function placesOf(path: string): Set<string> {
  if (!path.endsWith('.html')) return anchorsOf(read(path));
  return new Set(Array.from(read(path).matchAll(/\sid="([^"]*)"/g), ([, id]) => id as string));
}

/** The links of a page's text, pictures among them. */
function linksOf(path: string, text: string): string[] {
  const [source, pattern] = path.endsWith('.html')
    ? [text, /\s(?:href|src)="([^"]*)"/g]
    : [proseOf(text), /\]\(([^)\s]+)\)|^\[[^\]]+\]:\s*(\S+)/gm];
  return Array.from(source.matchAll(pattern), ([, inline, below]) => (inline ?? below) as string);
}

const inTree = (path: string): boolean => existsSync(new URL(path, root));

/** What a link of a page leads to and does not find; undefined if it finds it. */
function findBroken(path: string, link: string, has = inTree): string | undefined {
  if (/^(?:https|data):/.test(link)) return undefined;
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? path : posix.join(posix.dirname(path), file);
  if (!has(target)) return `${link}: no such file`;
  if (anchor === undefined) return undefined;
  return placesOf(target).has(anchor) ? undefined : `${link}: no heading`;
}

describe('links', () => {
  it.each(pages)('of %s lead somewhere', (path) => {
    const links = linksOf(path, read(path));
    expect(links.map((link) => findBroken(path, link)).filter(Boolean)).toEqual([]);
  });

  it('would be found broken', () => {
    expect(findBroken('README.md', 'docs/nowhere.md')).toMatch('no such file');
    expect(findBroken('README.md', 'docs/api.md#nowhere')).toMatch('no heading');
    expect(findBroken('docs/api.md', '#events-1')).toBeUndefined();
  });

  it('are seen, in Markdown and in HTML', () => {
    const markdown = '![a](b.png) [c](d.md#e)\n\n```\n[no](code)\n```\n\n[f]: g.md\n';
    expect(linksOf('a.md', markdown)).toEqual(['b.png', 'd.md#e', 'g.md']);
    const html = '<a href="b.html#c">x</a><img alt="" src="d.png">';
    expect(linksOf('a.html', html)).toEqual(['b.html#c', 'd.png']);
  });
});

describe('the tarball', async () => {
  const packed = await listPacked();
  const documents = [...packed].filter((path) => /\.(?:md|html)$/.test(path));
  const has = (path: string): boolean => packed.has(path);

  it('has documents', () => expect(documents).toContain('docs/api.md'));

  it.each(documents)('holds whatever %s links to', (path) => {
    const links = linksOf(path, read(path));
    expect(links.map((link) => findBroken(path, link, has)).filter(Boolean)).toEqual([]);
  });

  it('would be found to lack what is only in the source tree', () => {
    expect(findBroken('docs/performance.md', '../bench/README.md')).toBeUndefined();
    expect(findBroken('docs/performance.md', '../bench/README.md', has)).toMatch('no such file');
  });
});

/** The files that `npm pack` puts into the tarball; what is not built yet is not among them. */
async function listPacked(): Promise<Set<string>> {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: root, timeout: 60_000 });
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  return new Set(files.map(({ path }) => path));
}

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
