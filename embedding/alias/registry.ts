// A registry of npm's for one test, on the loopback interface: the packages it was given, and 404 for
// every other, so that an install that asks for the real `ws` fails.

import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { closeLoopback, listenLoopback } from '../support/loopback.ts';

interface Published {
  readonly manifest: { readonly name: string; readonly version: string };
  readonly tarball: Buffer;
}

export class Registry {
  readonly #server: Server = createServer((request, response) => {
    const name = decodeURIComponent(request.url ?? '').replace(/^\/(-\/)?/, '');
    this.asked.push(name);
    const tarball = this.#tarballs.get(name);
    const document = this.#documents.get(name);
    if (tarball !== undefined) response.end(tarball);
    else if (document !== undefined) response.end(JSON.stringify(document));
    else response.writeHead(404).end('{}');
  });
  readonly #documents = new Map<string, object>();
  readonly #tarballs = new Map<string, Buffer>();
  /** Every name and tarball that was asked for, in order. */
  readonly asked: string[] = [];
  url = '';

  async start(): Promise<this> {
    this.url = `http://127.0.0.1:${await listenLoopback(this.#server)}/`;
    return this;
  }

  /** Offers one version of a package, as its latest. Call it once the registry has started. */
  publish({ manifest, tarball }: Published): void {
    const { name, version } = manifest;
    const file = `${name}-${version}.tgz`;
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
    const dist = { tarball: `${this.url}-/${file}`, integrity };
    this.#tarballs.set(file, tarball);
    this.#documents.set(name, {
      name,
      'dist-tags': { latest: version },
      versions: { [version]: { ...manifest, dist } },
    });
  }

  close(): Promise<void> {
    return closeLoopback(this.#server);
  }
}
