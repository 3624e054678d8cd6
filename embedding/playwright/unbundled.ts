// Playwright with handfast in it. Its package bundles `ws`, so that no override reaches it: here the package is copied
// and the modules of `ws` are cut out of the copy's bundle, whose imports of them then take handfast. Nothing
// else in the copy is changed; anything that still asked for the removed code would fail to load.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as Playwright from 'playwright-core';

const require = createRequire(import.meta.url);

/** Below node_modules, where a `require('ws')` in the copy finds the folder's. */
const HOME = join(import.meta.dirname, 'node_modules', '.unbundled-');

/** A bundled module: the marker that names its file, and all up to the next marker. */
const MODULE =
  /^\/\/ node_modules\/ws\/(lib\/[\w-]+\.js)\n[\s\S]*?(?=^\/\/ (?:node_modules|packages)\/)/gm;

/** What the bundle takes from `ws`, and where handfast has it; what only Android needs is in neither. */
const IMPORTS: Readonly<Record<string, string>> = {
  stream: 'require("ws").createWebSocketStream',
  extension: 'undefined',
  permessage_deflate: 'undefined',
  receiver: 'undefined',
  sender: 'require("ws").Sender',
  subprotocol: 'undefined',
  websocket: 'require("ws")',
  websocket_server: 'require("ws").WebSocketServer',
};

export interface Bundle {
  readonly ws: unknown;
  readonly wsServer: unknown;
}

export interface Unbundled {
  readonly playwright: typeof Playwright;
  /** What the rest of Playwright gets as `ws`. */
  readonly bundle: Bundle;
  /** The copy's bundle as text. */
  readonly text: string;
  /** The files of `ws` that were cut out. */
  readonly removed: readonly string[];
  /** Deletes the copy; Playwright loads some of its files late. */
  readonly remove: () => void;
}

function cut(text: string): { text: string; removed: string[] } {
  const removed: string[] = [];
  let rest = text.replace(MODULE, (_, file: string) => {
    removed.push(file);
    return '';
  });
  for (const [name, replacement] of Object.entries(IMPORTS)) {
    const line = `var import_${name} = __toESM(require_${name}(), 1);`;
    if (!rest.includes(line)) throw new Error(`the bundle does not import ${name} as expected`);
    rest = rest.replace(line, `var import_${name} = { default: ${replacement} };`);
  }
  return { text: rest, removed };
}

/** Makes a copy and loads it. Throws if the bundle is not built as this expects. */
export function loadUnbundled(): Unbundled {
  const source = dirname(require.resolve('playwright-core/package.json'));
  const home = mkdtempSync(HOME);
  const copy = join(home, 'playwright-core');
  cpSync(source, copy, { recursive: true });
  const file = join(copy, 'lib', 'utilsBundle.js');
  const { text, removed } = cut(readFileSync(file, 'utf8'));
  writeFileSync(file, text);
  const remove = () => rmSync(home, { recursive: true, force: true });
  return { playwright: require(copy), bundle: require(file) as Bundle, text, removed, remove };
}
