// undici's WebSocket, the one that is in node_modules, against our server.

import { Agent, WebSocket } from 'undici';
import { describeCompressed } from './compressed.ts';
import { demands } from './configurations.ts';
import type { Feature } from './conversation.ts';
import './driver.js';
import { describePair } from './pair.ts';
import { describeTls } from './peers.ts';
import { RemoteClient } from './remote.ts';
import { Service, serviceFeatures } from './service.ts';
import { subject } from './subject.ts';

const clientCan: readonly Feature[] = ['drops-bom', 'no-code', 'was-clean'];

/** A client in this process; the agent decides whom it trusts. */
function clientOf(dispatcher: Agent): RemoteClient {
  const driver = createDriver(
    class extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, { protocols, dispatcher });
      }
    },
  );
  return new RemoteClient(
    async (op, parameters) => driver[op]?.(parameters),
    () => dispatcher.destroy(),
  );
}

describePair('undici client, our server', {
  role: 'server',
  clientCan,
  serverCan: serviceFeatures,
  start: async () => ({ client: clientOf(new Agent()), server: await Service.start(subject) }),
});

describePair('undici client, our server, all compressed that the server sends', {
  role: 'server',
  compressed: true,
  clientCan: [...clientCan, 'misses-close'],
  serverCan: serviceFeatures,
  start: async () => ({
    client: clientOf(new Agent()),
    server: await Service.start(subject, { perMessageDeflate: { threshold: 0 } }),
  }),
});

describeCompressed('undici client, our server', {
  role: 'server',
  clientCan,
  clientCompresses: false,
  serverCan: serviceFeatures,
  configurations: demands,
  start: async (wishes) => ({
    client: clientOf(new Agent()),
    server: await Service.start(subject, { perMessageDeflate: wishes.server }),
  }),
});

describeTls('undici over TLS', {}, (certificate) => {
  describePair('undici client, our server', {
    role: 'server',
    secure: true,
    clientCan,
    serverCan: serviceFeatures,
    start: async () => ({
      client: clientOf(new Agent({ connect: { ca: certificate().cert } })),
      server: await Service.start(subject, { certificate: certificate() }),
    }),
  });
});
