// Python's websockets, both ways, with and without its offer of compression, and over TLS.

import { afterAll, beforeAll, it } from 'vitest';
import type { DeflateWishes } from './api.ts';
import { Child } from './child.ts';
import { describeCompressed } from './compressed.ts';
import { configurations, takeovers } from './configurations.ts';
import type { Feature } from './conversation.ts';
import { NodeClient, nodeFeatures } from './node-client.ts';
import { describePair } from './pair.ts';
import { describePeer, describeTls, findPython } from './peers.ts';
import { type Call, callOver, RemoteClient, RemoteServer } from './remote.ts';
import { Service, serviceFeatures } from './service.ts';
import { subject } from './subject.ts';
import { distrusted } from './talk.ts';

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

const needed = { 'python3-websockets': findPython('websockets.legacy.client') };

describePeer('Python websockets', needed, (found) => {
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

describePeer('Python websockets, compressed', needed, (found) => {
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

describeTls('Python websockets over TLS', needed, (certificate, found) => {
  const trusting = () => ({ authority: certificate().path });
  const files = () => ({ certificate: certificate().path, key: certificate().keyPath });
  for (const compressed of [false, true]) {
    const how = compressed ? 'all compressed' : 'nothing compressed';
    const ours = { perMessageDeflate: compressed && { threshold: 0 } };
    const theirs = compressed ? { deflate: parametersOf({}) } : {};
    describePair(`Python client, our server, ${how}`, {
      role: 'server',
      secure: true,
      compressed,
      clientCan,
      serverCan: serviceFeatures,
      start: async () => ({
        client: clientOf(found['python3-websockets'], { ...trusting(), ...theirs }),
        server: await Service.start(subject, { certificate: certificate(), ...ours }),
      }),
    });
    describePair(`our client, Python server, ${how}`, {
      role: 'client',
      secure: true,
      compressed,
      clientCan: nodeFeatures,
      serverCan: ['checks-origin'],
      start: async () => ({
        client: new NodeClient(subject, { ca: certificate().cert, ...ours }),
        server: await serverOf(found['python3-websockets'], { ...files(), ...theirs }),
      }),
    });
  }

  describeCompressed('Python client, our server', {
    role: 'server',
    clientCan,
    serverCan: serviceFeatures,
    configurations: takeovers,
    start: async ({ client, server }) => ({
      client: clientOf(found['python3-websockets'], {
        ...trusting(),
        deflate: parametersOf(client),
      }),
      server: await Service.start(subject, {
        certificate: certificate(),
        perMessageDeflate: server,
      }),
    }),
  });
  describeCompressed('our client, Python server', {
    role: 'client',
    clientCan: nodeFeatures,
    serverCan: ['parameters'],
    configurations: takeovers,
    start: async ({ client, server }) => ({
      client: new NodeClient(subject, { ca: certificate().cert, perMessageDeflate: client }),
      server: await serverOf(found['python3-websockets'], {
        ...files(),
        deflate: parametersOf(server),
      }),
    }),
  });

  it('[6455-4.1-i] our client refuses a certificate that it has no reason to trust', async () =>
    distrusted({
      client: new NodeClient(subject),
      server: await serverOf(found['python3-websockets'], files()),
    }));
});
