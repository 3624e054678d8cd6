// Peer: another WebSocket implementation that may or may not be installed on this machine.
// Finds it, and decides what a missing one means: by default its suite is skipped and named on the
// console; with HANDFAST_PEERS=all it is a failure. Knows nothing of what the suites exchange.

import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { Certificate } from './certificate.ts';

// Debian keeps servers such as nginx out of an ordinary user's PATH.
const folders = [
  ...(process.env.PATH ?? '').split(delimiter),
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
  '/usr/bin',
];

/** Every executable of that name, in the order of PATH. */
function findBinaries(name: string): string[] {
  const found = new Set<string>();
  for (const folder of folders) {
    if (folder === '') continue;
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      found.add(path);
    } catch {
      // Not in this folder.
    }
  }
  return [...found];
}

/** The first of these executables that is installed. */
export function findBinary(...names: string[]): string | undefined {
  return names.flatMap(findBinaries)[0];
}

/** The first Python interpreter that can import `module`: a machine often has several. */
export function findPython(module: string): string | undefined {
  return findBinaries('python3').find(
    (python) => spawnSync(python, ['-c', `import ${module}`], { timeout: 10_000 }).status === 0,
  );
}

/**
 * A suite against peers that live outside node_modules. `needed` maps the name of each to where it
 * was found; the suite's body must not use the paths before its hooks or tests run.
 */
export function describePeer<Name extends string>(
  title: string,
  needed: Record<Name, string | undefined>,
  suite: (found: Record<Name, string>) => void,
): void {
  const missing = Object.keys(needed).filter((name) => needed[name as Name] === undefined);
  if (missing.length > 0 && process.env.HANDFAST_PEERS === 'all') {
    describe(title, () => {
      it('is installed', () => {
        throw new Error(`peer not installed: ${missing.join(', ')}`);
      });
    });
    return;
  }
  const why = missing.length > 0 ? ` (peer not installed: ${missing.join(', ')})` : '';
  if (why !== '') console.warn(`peer not installed: ${missing.join(', ')}`);
  describe.skipIf(missing.length > 0)(title + why, () => suite(needed as Record<Name, string>));
}

/** A suite over TLS, with openssl among what it needs: its certificate is made at first use and goes with it. */
export function describeTls<Name extends string>(
  title: string,
  needed: Record<Name, string | undefined>,
  suite: (certificate: () => Certificate, found: Record<Name, string>) => void,
): void {
  const all = { ...needed, openssl: findBinary('openssl') };
  describePeer<Name | 'openssl'>(title, all, (found) => {
    let made: Certificate | undefined;
    afterAll(() => made?.remove());
    suite(() => {
      made ??= new Certificate(found.openssl);
      return made;
    }, found);
  });
}
