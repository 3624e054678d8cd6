// nginx as a reverse proxy in front of our server: our client and ws's through it, plain, and with
// nginx ending the TLS.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type DeflateWishes, ws } from './api.ts';
import type { Certificate } from './certificate.ts';
import { Child } from './child.ts';
import { describeCompressed } from './compressed.ts';
import { type Configuration, configurations } from './configurations.ts';
import type { Account, Server } from './conversation.ts';
import { NodeClient, nodeFeatures } from './node-client.ts';
import { describePair } from './pair.ts';
import { describePeer, describeTls, findBinary } from './peers.ts';
import { Service, serviceFeatures } from './service.ts';
import { subject } from './subject.ts';

/** A port that was free a moment ago: nginx cannot be asked to choose one. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

function configuration(folder: string, port: number, backend: number, tls?: Certificate): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
    daemon off;
    user ${userInfo().username};
    worker_processes 1;
    pid ${folder}/nginx.pid;
    error_log stderr warn;
    events { worker_connections 128; }
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n      ')}
      map $http_upgrade $connection_upgrade { default upgrade; '' close; }
      server {
        listen 127.0.0.1:${port}${tls === undefined ? '' : ' ssl'};
        ${tls === undefined ? '' : `ssl_certificate ${tls.path};`}
        ${tls === undefined ? '' : `ssl_certificate_key ${tls.keyPath};`}
        location / {
          proxy_pass http://127.0.0.1:${backend};
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection $connection_upgrade;
          proxy_set_header Host $http_host;
        }
      }
    }`;
}

/** The service behind nginx; addresses are nginx's, accounts the service's. */
class Proxied implements Server {
  readonly #folder = mkdtempSync(join(tmpdir(), 'handfast-nginx-'));
  readonly #service: Service;
  readonly #origin: string;
  readonly #port: number;
  readonly #nginx: Child;

  private constructor(nginx: string, service: Service, port: number, tls?: Certificate) {
    this.#service = service;
    this.#port = port;
    this.#origin = `${tls === undefined ? 'ws' : 'wss'}://127.0.0.1:${port}`;
    const file = join(this.#folder, 'nginx.conf');
    writeFileSync(file, configuration(this.#folder, port, service.port, tls));
    this.#nginx = new Child(nginx, ['-p', this.#folder, '-c', file, '-e', 'stderr']);
  }

  static async start(
    nginx: string,
    options: { tls?: Certificate; perMessageDeflate?: DeflateWishes } = {},
  ): Promise<Proxied> {
    const { tls, perMessageDeflate = false } = options;
    const service = await Service.start(subject, { perMessageDeflate });
    const proxied = new Proxied(nginx, service, await freePort(), tls);
    try {
      await proxied.#listening();
      return proxied;
    } catch (error) {
      await proxied.stop();
      throw error;
    }
  }

  url(path: string): string {
    return this.#origin + path;
  }

  ended(id: string): Promise<Account> {
    return this.#service.ended(id);
  }

  /** Only the backend goes; nginx stays. */
  stopService(): Promise<void> {
    return this.#service.stop();
  }

  async stop(): Promise<void> {
    await this.#nginx.stop();
    await this.#service.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #listening(): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt += 1) {
      if (!this.#nginx.running) throw new Error(`nginx did not start: ${this.#nginx.complaint}`);
      if (await accepts(this.#port)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`nginx does not listen: ${this.#nginx.complaint}`);
  }
}

const nginx = findBinary('nginx');

describePeer('nginx', { nginx }, (found) => {
  describePair('our client, nginx, our server', {
    role: 'client',
    clientCan: nodeFeatures,
    serverCan: serviceFeatures,
    start: async () => ({
      client: new NodeClient(subject),
      server: await Proxied.start(found.nginx),
    }),
  });
  describePair('ws client, nginx, our server', {
    role: 'server',
    clientCan: nodeFeatures,
    serverCan: serviceFeatures,
    start: async () => ({
      client: new NodeClient(ws),
      server: await Proxied.start(found.nginx),
    }),
  });

  // Where both ends are ours, nobody uses a window of 32 KiB unless it was asked for by its number.
  const both = ({ client, server }: Configuration) => client !== undefined && server !== undefined;
  const compressed = [
    { role: 'client', api: subject, chosen: both },
    { role: 'server', api: ws, chosen: (one: Configuration) => one.large === true || both(one) },
  ] as const;
  for (const { role, api, chosen } of compressed) {
    describeCompressed(`${role === 'client' ? 'our' : 'ws'} client, nginx, our server`, {
      role,
      clientCan: nodeFeatures,
      serverCan: serviceFeatures,
      configurations: configurations.filter(chosen),
      start: async (wishes) => ({
        client: new NodeClient(api, { perMessageDeflate: wishes.client }),
        server: await Proxied.start(found.nginx, { perMessageDeflate: wishes.server }),
      }),
    });
  }

  it('[6455-4.1-ba] our client shows the 502 when the backend has gone', async () => {
    const server = await Proxied.start(found.nginx);
    try {
      await server.stopService();
      const connecting = new NodeClient(subject).connect(server.url('/echo'));
      await expect(connecting).rejects.toMatchObject({ status: 502 });
    } finally {
      await server.stop();
    }
  });
});

describeTls('nginx ending TLS', { nginx }, (certificate, found) => {
  describePair('[6455-4.2-a] our client, nginx, our server', {
    role: 'client',
    secure: true,
    clientCan: nodeFeatures,
    serverCan: serviceFeatures,
    start: async () => ({
      client: new NodeClient(subject, { ca: certificate().cert }),
      server: await Proxied.start(found.nginx, { tls: certificate() }),
    }),
  });

  it('[6455-4.2-a] our server takes the https Origin of the name that nginx answers to', async () => {
    const server = await Proxied.start(found.nginx, { tls: certificate() });
    try {
      const { host } = new URL(server.url('/'));
      const client = new NodeClient(ws, { ca: certificate().cert });
      const conversation = await client.connect(server.url('/guarded'), {
        origin: `https://${host}`,
      });
      expect(await conversation.receive(1)).toEqual(['welcome']);
    } finally {
      await server.stop();
    }
  });
});
