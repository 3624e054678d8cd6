// The ws package, both ways, with and without its offer of compression.

import { expect, it } from 'vitest';
import { ws } from './api.ts';
import { describeCompressed } from './compressed.ts';
import { configurations, takeovers } from './configurations.ts';
import { type Feature, Refused } from './conversation.ts';
import { NodeClient, nodeFeatures } from './node-client.ts';
import { describePair } from './pair.ts';
import { describeTls } from './peers.ts';
import { ownListenerFeatures, Service, serviceFeatures } from './service.ts';
import { subject } from './subject.ts';
import { distrusted } from './talk.ts';

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

describeTls('ws over TLS', {}, (certificate) => {
  for (const compressed of [false, true]) {
    const how = compressed ? 'all compressed' : 'nothing compressed';
    const options = { perMessageDeflate: compressed && { threshold: 0 } };
    describePair(`ws client, our server, ${how}`, {
      role: 'server',
      secure: true,
      compressed,
      clientCan: nodeFeatures,
      serverCan: serviceFeatures,
      start: async () => ({
        client: new NodeClient(ws, { ca: certificate().cert, ...options }),
        server: await Service.start(subject, { certificate: certificate(), ...options }),
      }),
    });
    describePair(`ws client, our server on its own listener, ${how}`, {
      role: 'server',
      secure: true,
      compressed,
      clientCan: nodeFeatures,
      serverCan: ownListenerFeatures,
      start: async () => ({
        client: new NodeClient(ws, { ca: certificate().cert, ...options }),
        server: await Service.start(subject, {
          listener: 'own',
          certificate: certificate(),
          ...options,
        }),
      }),
    });
    describePair(`our client, ws server, ${how}`, {
      role: 'client',
      secure: true,
      compressed,
      clientCan: nodeFeatures,
      serverCan: wsServerCan,
      start: async () => ({
        client: new NodeClient(subject, { ca: certificate().cert, ...options }),
        server: await Service.start(ws, { certificate: certificate(), ...options }),
      }),
    });
  }

  describeCompressed('ws client, our server', {
    role: 'server',
    clientCan: nodeFeatures,
    serverCan: serviceFeatures,
    configurations: takeovers,
    start: async ({ client, server }) => ({
      client: new NodeClient(ws, { ca: certificate().cert, perMessageDeflate: client }),
      server: await Service.start(subject, {
        certificate: certificate(),
        perMessageDeflate: server,
      }),
    }),
  });
  describeCompressed('our client, ws server', {
    role: 'client',
    clientCan: nodeFeatures,
    serverCan: wsServerCan,
    configurations: takeovers,
    start: async ({ client, server }) => ({
      client: new NodeClient(subject, { ca: certificate().cert, perMessageDeflate: client }),
      server: await Service.start(ws, { certificate: certificate(), perMessageDeflate: server }),
    }),
  });

  it('[6455-4.1-i] our client refuses a certificate that it has no reason to trust', async () =>
    distrusted({
      client: new NodeClient(subject),
      server: await Service.start(ws, { certificate: certificate() }),
    }));
});
