// The ws package, both ways, with and without its offer of compression.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { ws } from './api.ts';
import { Certificate } from './certificate.ts';
import { describeCompressed } from './compressed.ts';
import { configurations } from './configurations.ts';
import { type Feature, Refused } from './conversation.ts';
import { NodeClient, nodeFeatures } from './node-client.ts';
import { describePair } from './pair.ts';
import { describePeer, findBinary } from './peers.ts';
import { ownListenerFeatures, Service, serviceFeatures } from './service.ts';
import { subject } from './subject.ts';

const wsServerCan: readonly Feature[] = ['no-code', 'plain', 'was-clean'];

for (const perMessageDeflate of [false, true]) {
  const offer = perMessageDeflate ? 'offering permessage-deflate' : 'without permessage-deflate';
  describePair(`ws client ${offer}, our server`, {
    role: 'server',
    compressed: false,
    clientCan: nodeFeatures,
    serverCan: serviceFeatures,
    start: async () => ({
      client: new NodeClient(ws, { perMessageDeflate }),
      server: await Service.start(subject),
    }),
  });
  describePair(`our client, ws server ${offer}`, {
    role: 'client',
    compressed: perMessageDeflate,
    clientCan: nodeFeatures,
    serverCan: wsServerCan,
    start: async () => ({
      client: new NodeClient(subject),
      server: await Service.start(ws, { perMessageDeflate }),
    }),
  });
}

const perMessageDeflate = { threshold: 0 };
describePair('ws client, our server, all compressed', {
  role: 'server',
  compressed: true,
  clientCan: nodeFeatures,
  serverCan: serviceFeatures,
  start: async () => ({
    client: new NodeClient(ws, { perMessageDeflate }),
    server: await Service.start(subject, { perMessageDeflate }),
  }),
});
describePair('our client, ws server, all compressed', {
  role: 'client',
  compressed: true,
  clientCan: nodeFeatures,
  serverCan: wsServerCan,
  start: async () => ({
    client: new NodeClient(subject, { perMessageDeflate }),
    server: await Service.start(ws, { perMessageDeflate }),
  }),
});

describeCompressed('ws client, our server', {
  role: 'server',
  clientCan: nodeFeatures,
  serverCan: serviceFeatures,
  configurations,
  start: async (wishes) => ({
    client: new NodeClient(ws, { perMessageDeflate: wishes.client }),
    server: await Service.start(subject, { perMessageDeflate: wishes.server }),
  }),
});
describeCompressed('our client, ws server', {
  role: 'client',
  clientCan: nodeFeatures,
  serverCan: wsServerCan,
  configurations,
  start: async (wishes) => ({
    client: new NodeClient(subject, { perMessageDeflate: wishes.client }),
    server: await Service.start(ws, { perMessageDeflate: wishes.server }),
  }),
});

describePair('ws client, our server on its own listener', {
  role: 'server',
  clientCan: nodeFeatures,
  serverCan: ownListenerFeatures,
  start: async () => ({
    client: new NodeClient(ws),
    server: await Service.start(subject, { listener: 'own' }),
  }),
});

it('[6455-4.1-g] [wh-4-h] our client reports a port where nothing listens', async () => {
  const server = await Service.start(ws);
  const url = server.url('/echo');
  await server.stop();
  const connecting = new NodeClient(subject).connect(url);
  await expect(connecting).rejects.toThrow(Refused);
  await expect(connecting).rejects.toThrow(/ECONNREFUSED.*\(1006\)/);
});

describePeer('ws over TLS', { openssl: findBinary('openssl') }, (found) => {
  let certificate: Certificate;
  beforeAll(() => {
    certificate = new Certificate(found.openssl);
  });
  afterAll(() => certificate?.remove());

  describePair('ws client, our server', {
    role: 'server',
    secure: true,
    clientCan: nodeFeatures,
    serverCan: serviceFeatures,
    start: async () => ({
      client: new NodeClient(ws, { ca: certificate.cert }),
      server: await Service.start(subject, { certificate }),
    }),
  });
  describePair('ws client, our server on its own listener', {
    role: 'server',
    secure: true,
    clientCan: nodeFeatures,
    serverCan: ownListenerFeatures,
    start: async () => ({
      client: new NodeClient(ws, { ca: certificate.cert }),
      server: await Service.start(subject, { listener: 'own', certificate }),
    }),
  });
  describePair('our client, ws server', {
    role: 'client',
    secure: true,
    clientCan: nodeFeatures,
    serverCan: wsServerCan,
    start: async () => ({
      client: new NodeClient(subject, { ca: certificate.cert }),
      server: await Service.start(ws, { certificate }),
    }),
  });

  it('[6455-4.1-i] our client refuses a certificate that it has no reason to trust', async () => {
    const server = await Service.start(ws, { certificate });
    try {
      const connecting = new NodeClient(subject).connect(server.url('/echo'));
      await expect(connecting).rejects.toThrow(Refused);
      await expect(connecting).rejects.toThrow(/self-signed.*\(1006\)/);
    } finally {
      await server.stop();
    }
  });
});
