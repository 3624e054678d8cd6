// A GraphQL server over graphql-ws for one test: its schema, its clients, and their end.

import { createServer } from 'node:http';
import { buildSchema } from 'graphql';
import { type Client, type ClientOptions, createClient, type ServerOptions } from 'graphql-ws';
import { type Extra, useServer } from 'graphql-ws/use/ws';
import { WebSocket, WebSocketServer } from 'ws';
import { closeLoopback, listenLoopback } from '../support/loopback.ts';
import { waitFor } from '../support/wait-for.ts';

export const PROTOCOL = 'graphql-transport-ws';

const schema = buildSchema(`
  type Query { echo(text: String!): String!, fail: String }
  type Mutation { remember(text: String!): Int! }
  type Subscription { count(to: Int!): Int!, forever: Int! }
`);

const roots = {
  query: {
    echo: ({ text }: { text: string }) => text,
    fail: () => {
      throw new Error('no luck');
    },
  },
  mutation: { remember: ({ text }: { text: string }) => text.length },
  subscription: {
    count: async function* ({ to }: { to: number }) {
      for (let count = 0; count < to; count++) yield { count };
    },
    forever: async function* () {
      for (let forever = 0; ; forever++) {
        yield { forever };
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  },
};

export type Options = Partial<ServerOptions<Record<string, unknown>, Extra>> & { isProd?: boolean };

/** One server, on a WebSocketServer that listens itself or shares an HTTP server. */
export class Stage {
  readonly http = createServer();
  readonly server: WebSocketServer;
  readonly url: string;
  /** What `onDisconnect` and `onClose` were told, in order. */
  readonly ends: { code: number | undefined; reason: string | undefined }[] = [];
  readonly #graphql: { dispose(): void | Promise<void> };
  readonly #clients: Client[] = [];

  private constructor(
    server: WebSocketServer,
    port: number,
    options: Options,
    keepAlive: number | undefined,
  ) {
    this.server = server;
    this.url = `ws://127.0.0.1:${port}/graphql`;
    const onClose = (_context: unknown, code?: number, reason?: string) => {
      this.ends.push({ code, reason });
    };
    this.#graphql = useServer({ schema, roots, onClose, ...options }, server, keepAlive);
  }

  static async listen(
    mode: 'port' | 'server',
    options: Options = {},
    keepAlive?: number,
  ): Promise<Stage> {
    if (mode === 'port') {
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/graphql' });
      const port = await waitFor(
        'a port',
        () => (server.address() as { port: number } | null)?.port,
      );
      return new Stage(server, port, options, keepAlive);
    }
    const http = createServer();
    const server = new WebSocketServer({ server: http, path: '/graphql' });
    const stage = new Stage(server, await listenLoopback(http), options, keepAlive);
    Object.assign(stage, { http });
    return stage;
  }

  client(options: Partial<ClientOptions> = {}): Client {
    const client = createClient({
      url: this.url,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** What graphql-ws offers for shutting down: 1001 to all, and the server's own end. */
  dispose(): void | Promise<void> {
    return this.#graphql.dispose();
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.dispose();
    for (const socket of this.server.clients) socket.terminate();
    await new Promise((resolve) => this.server.close(resolve));
    await closeLoopback(this.http);
  }
}

/** One result of an operation. */
export interface Result {
  data?: Record<string, unknown> | null | undefined;
  errors?: readonly { message: string }[] | undefined;
}

/** Runs one operation to its end and resolves with all its results. */
export async function resultsOf(
  client: Client,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<Result[]> {
  const results: Result[] = [];
  for await (const result of client.iterate({ query, variables })) results.push(result);
  return results;
}
