// The WebSocket that Node itself carries, in a process of its own, against our server.

import { afterAll, beforeAll, describe } from 'vitest';
import { Child } from './child.ts';
import { describeCompressed } from './compressed.ts';
import { demands } from './configurations.ts';
import type { Client, Feature } from './conversation.ts';
import { describePair } from './pair.ts';
import { describeTls } from './peers.ts';
import { callOver, RemoteClient } from './remote.ts';
import { Service, serviceFeatures } from './service.ts';
import { subject } from './subject.ts';

const clientCan: readonly Feature[] = ['drops-bom', 'no-code', 'was-clean'];

function start(env: Record<string, string> = {}): RemoteClient {
  // Node 20 has it behind this flag, later ones have it anyway.
  const flags = 'WebSocket' in globalThis ? [] : ['--experimental-websocket', '--no-warnings'];
  const script = new URL('node-child.js', import.meta.url).pathname;
  const child = new Child(process.execPath, [...flags, script], env);
  return new RemoteClient(callOver(child), () => child.stop());
}

describePair("Node's own client, our server", {
  role: 'server',
  clientCan,
  serverCan: serviceFeatures,
  start: async () => ({ client: start(), server: await Service.start(subject) }),
});

describe('one process, many services', () => {
  let client: RemoteClient;
  beforeAll(() => {
    client = start();
  });
  afterAll(() => client?.stop());
  // It ends with the suite, not with each conversation.
  const shared: Client = {
    connect: (url, options) => client.connect(url, options),
    stop: async () => {},
  };
  describeCompressed("Node's own client, our server", {
    role: 'server',
    clientCan,
    clientCompresses: false,
    serverCan: serviceFeatures,
    configurations: demands,
    start: async (wishes) => ({
      client: shared,
      server: await Service.start(subject, { perMessageDeflate: wishes.server }),
    }),
  });
});

describeTls("Node's own client over TLS", {}, (certificate) => {
  describePair('our server', {
    role: 'server',
    secure: true,
    clientCan,
    serverCan: serviceFeatures,
    start: async () => ({
      client: start({ NODE_EXTRA_CA_CERTS: certificate().path }),
      server: await Service.start(subject, { certificate: certificate() }),
    }),
  });
});
