// Python's websockets, both ways, with and without its offer of compression, and over TLS.

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DeflateWishes } from './api.ts';
import { Certificate } from './certificate.ts';
import { Child } from './child.ts';
import { describeCompressed } from './compressed.ts';
import { configurations } from './configurations.ts';
import { type Feature, Refused } from './conversation.ts';
import { NodeClient, nodeFeatures } from './node-client.ts';
import { describePair } from './pair.ts';
import { describePeer, findBinary, findPython } from './peers.ts';
import { type Call, callOver, RemoteClient, RemoteServer } from './remote.ts';
import { Service, serviceFeatures } from './service.ts';
import { subject } from './subject.ts';

// Its close() always sends a code, and what it shows has no wasClean.
const clientCan: readonly Feature[] = [
  'any-code',
  'cut',
  'fragments',
  'headers',
  'origin',
  'ping',
  'redirects',
  'status',
];

/** `script` is a file beside this one. */
function run(python: string, script: string): Child {
  return new Child(python, ['-B', new URL(script, import.meta.url).pathname]);
}

function clientOf(python: string, settings: Record<string, unknown>): RemoteClient {
  const child = run(python, 'python_client.py');
  return new RemoteClient(callOver(child), () => child.stop(), settings);
}

/** Its names for these wishes; it has no threshold. */
function parametersOf(wishes: DeflateWishes): Record<string, unknown> {
  const { serverNoContextTakeover, clientNoContextTakeover } = wishes;
  const { serverMaxWindowBits, clientMaxWindowBits } = wishes;
  return {
    server_no_context_takeover: serverNoContextTakeover ?? false,
    client_no_context_takeover: clientNoContextTakeover ?? false,
    server_max_window_bits: serverMaxWindowBits ?? null,
    ...(clientMaxWindowBits !== undefined && {
      client_max_window_bits: clientMaxWindowBits === false ? null : clientMaxWindowBits,
    }),
  };
}

async function serverOf(python: string, settings: Record<string, unknown>): Promise<RemoteServer> {
  const child = run(python, 'python_server.py');
  try {
    return await RemoteServer.start(callOver(child), () => child.stop(), settings);
  } catch (error) {
    await child.stop();
    throw error;
  }
}

const python = findPython('websockets.legacy.client');

describePeer('Python websockets', { 'python3-websockets': python }, (found) => {
  for (const compression of [null, 'deflate']) {
    const offer = compression === null ? 'without compression' : 'offering permessage-deflate';
    describePair(`Python client ${offer}, our server`, {
      role: 'server',
      compressed: false,
      clientCan,
      serverCan: serviceFeatures,
      start: async () => ({
        client: clientOf(found['python3-websockets'], { compression }),
        server: await Service.start(subject),
      }),
    });
    describePair(`our client, Python server ${offer}`, {
      role: 'client',
      compressed: compression !== null,
      clientCan: nodeFeatures,
      serverCan: ['checks-origin'],
      start: async () => ({
        client: new NodeClient(subject),
        server: await serverOf(found['python3-websockets'], { compression }),
      }),
    });
  }
});

// Its zlib has no window of 256 bytes to compress with.
const without = (end: string) =>
  configurations.filter(({ agreed }) => agreed !== `${end}_max_window_bits=8`);

describePeer('Python websockets, compressed', { 'python3-websockets': python }, (found) => {
  const deflate = parametersOf({});
  describePair('Python client, our server', {
    role: 'server',
    compressed: true,
    clientCan,
    serverCan: serviceFeatures,
    start: async () => ({
      client: clientOf(found['python3-websockets'], { deflate }),
      server: await Service.start(subject, { perMessageDeflate: { threshold: 0 } }),
    }),
  });
  describePair('our client, Python server', {
    role: 'client',
    compressed: true,
    clientCan: nodeFeatures,
    serverCan: ['checks-origin'],
    start: async () => ({
      client: new NodeClient(subject, { perMessageDeflate: { threshold: 0 } }),
      server: await serverOf(found['python3-websockets'], { deflate }),
    }),
  });

  // One process for all configurations.
  const children: Child[] = [];
  const calls = {} as { client: Call; server: Call };
  beforeAll(() => {
    for (const end of ['client', 'server'] as const) {
      const child = run(found['python3-websockets'], `python_${end}.py`);
      children.push(child);
      calls[end] = callOver(child);
    }
  });
  afterAll(() => Promise.all(children.map((child) => child.stop())));
  const stop = async () => {};

  describeCompressed('Python client, our server', {
    role: 'server',
    clientCan,
    serverCan: serviceFeatures,
    configurations: without('client'),
    start: async (wishes) => ({
      client: new RemoteClient(calls.client, stop, { deflate: parametersOf(wishes.client) }),
      server: await Service.start(subject, { perMessageDeflate: wishes.server }),
    }),
  });
  describeCompressed('our client, Python server', {
    role: 'client',
    clientCan: nodeFeatures,
    serverCan: ['parameters'],
    configurations: without('server'),
    start: async (wishes) => ({
      client: new NodeClient(subject, { perMessageDeflate: wishes.client }),
      server: await RemoteServer.start(calls.server, stop, {
        deflate: parametersOf(wishes.server),
      }),
    }),
  });
});

describePeer(
  'Python websockets over TLS',
  { 'python3-websockets': python, openssl: findBinary('openssl') },
  (found) => {
    let certificate: Certificate;
    beforeAll(() => {
      certificate = new Certificate(found.openssl);
    });
    afterAll(() => certificate?.remove());
    const files = () => ({ certificate: certificate.path, key: certificate.keyPath });

    describePair('Python client, our server', {
      role: 'server',
      secure: true,
      clientCan,
      serverCan: serviceFeatures,
      start: async () => ({
        client: clientOf(found['python3-websockets'], { authority: certificate.path }),
        server: await Service.start(subject, { certificate }),
      }),
    });
    describePair('our client, Python server', {
      role: 'client',
      secure: true,
      clientCan: nodeFeatures,
      serverCan: ['checks-origin'],
      start: async () => ({
        client: new NodeClient(subject, { ca: certificate.cert }),
        server: await serverOf(found['python3-websockets'], files()),
      }),
    });

    it('[6455-4.1-i] our client refuses a certificate that it has no reason to trust', async () => {
      const server = await serverOf(found['python3-websockets'], files());
      try {
        const connecting = new NodeClient(subject).connect(server.url('/echo'));
        await expect(connecting).rejects.toThrow(Refused);
        await expect(connecting).rejects.toThrow(/self-signed.*\(1006\)/);
      } finally {
        await server.stop();
      }
    });
  },
);
