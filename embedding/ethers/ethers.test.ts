// ethers' WebSocketProvider on handfast, with a node whose server is handfast's as well. The provider sets
// `onopen` and `onmessage` on a socket that it makes or is given, and sends text.

import type { Socket } from 'node:net';
import { type EventFilter, type Log, WebSocketProvider } from 'ethers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { LARGE, patternedBytes, thousandInOrder } from '../support/messages.ts';
import { nextCall, waitFor } from '../support/wait-for.ts';
import { ChainNode } from './node.ts';

let node: ChainNode;
const providers: WebSocketProvider[] = [];

beforeEach(async () => {
  node = await ChainNode.start();
});
afterEach(async () => {
  // A provider that has started asks for nothing more once it is destroyed.
  await Promise.all(providers.splice(0).map((provider) => provider.destroy()));
  await node.stop();
});

type Source = ConstructorParameters<typeof WebSocketProvider>[0];

function open(source: Source = node.url): WebSocketProvider {
  const provider = new WebSocketProvider(source);
  providers.push(provider);
  return provider;
}

/** The socket of a provider, of which ethers types only what it uses. */
function socketOf(provider: WebSocketProvider): WebSocket {
  return provider.websocket as unknown as WebSocket;
}

describe('connecting', () => {
  it('asks for the network by text messages over a socket of its own', async () => {
    const provider = open();
    expect(await provider.getNetwork()).toMatchObject({ chainId: 1337n });
    expect(await provider.getBlockNumber()).toBe(100);
    expect(socketOf(provider)).toBeInstanceOf(WebSocket);
    expect(node.methods.slice(0, 2)).toEqual(['eth_chainId', 'eth_blockNumber']);
  });

  it('takes a socket, or a function that makes one', async () => {
    const socket = new WebSocket(node.url, { headers: { authorization: 'Bearer abc' } });
    const given = open(socket as unknown as Source);
    const made = open((() => new WebSocket(node.url)) as unknown as Source);
    expect(await given.getBlockNumber()).toBe(100);
    expect(await made.getBlockNumber()).toBe(100);
    expect(given.websocket).toBe(socket);
  });

  it('takes answers in binary frames', async () => {
    node.isBinary = true;
    expect(await open().getBlockNumber()).toBe(100);
  });
});

describe('messages', () => {
  it('carries a mebibyte both ways', async () => {
    const provider = open();
    const hex = `0x${patternedBytes(LARGE / 2).toString('hex')}`;
    node.callResult = hex;
    const answer = await provider.call({ to: `0x${'12'.repeat(20)}`, data: hex });
    expect(answer === hex).toBe(true);
    const echoed = await provider.send('echo', [hex]);
    expect(echoed === hex).toBe(true);
  });

  it('compresses both ways where the node agrees', async () => {
    const compressing = await ChainNode.start(true);
    try {
      const provider = open(compressing.url);
      const text = 'compressible '.repeat(LARGE / 13);
      expect((await provider.send('echo', [text])) === text).toBe(true);
      const socket = socketOf(provider);
      expect(socket.extensions).toBe('permessage-deflate');
      const { bytesRead, bytesWritten } = socket.socket as Socket;
      expect(bytesRead).toBeLessThan(text.length / 10);
      expect(bytesWritten).toBeLessThan(text.length / 10);
    } finally {
      await compressing.stop();
    }
  });

  it('keeps a thousand calls in order', async () => {
    const provider = open();
    await provider.getNetwork();
    let receive: (text: string) => void = () => undefined;
    await thousandInOrder(
      (text) => provider.send('echo', [text]).then(receive),
      (call) => {
        receive = call;
      },
    );
    expect(node.methods.filter((method) => method === 'echo')).toHaveLength(1000);
  });

  it('is told of blocks and of logs as they come', async () => {
    const provider = open();
    const blocks: number[] = [];
    const logs: Log[] = [];
    // ethers cannot make sense of a log that comes before it knows the network.
    await provider.getNetwork();
    const filter: EventFilter = { topics: [`0x${'7'.padStart(64, '0')}`] };
    await provider.on('block', (block: number) => blocks.push(block));
    await provider.on(filter, (log: Log) => logs.push(log));
    const subscribed = () => node.methods.filter((method) => method === 'eth_subscribe').length;
    await waitFor('two subscriptions', () => subscribed() === 2);
    for (let count = 0; count < 3; count++) node.mine();
    await waitFor('three blocks and logs', () => blocks.length === 3 && logs.length === 3);
    expect(blocks).toEqual([101, 102, 103]);
    expect(logs.map((log) => log.blockNumber)).toEqual([101, 102, 103]);
    await provider.removeAllListeners('block');
    await waitFor('the end of it', () => node.methods.includes('eth_unsubscribe'));
  });
});

describe('closing', () => {
  it('closes without a code when it is destroyed, and sends nothing more', async () => {
    const provider = open();
    await provider.getNetwork();
    await provider.destroy();
    await waitFor('the close', () => node.closeCodes.length > 0);
    expect(node.closeCodes).toEqual([1005]);
    expect(() => provider.websocket).toThrow('websocket closed');
    await expect(provider.getBlockNumber()).rejects.toThrow(/provider destroyed/);
  });

  it("gives the server's code to onclose, which ethers leaves to its users", async () => {
    const provider = open();
    await provider.getNetwork();
    const closed = nextCall<[{ code: number; reason: string; wasClean: boolean }]>(
      'close',
      (call) => {
        socketOf(provider).onclose = call;
      },
    );
    for (const client of node.clients) client.close(4001, 'out of credit');
    expect((await closed)[0]).toMatchObject({
      code: 4001,
      reason: 'out of credit',
      wasClean: true,
    });
  });

  it('sends the code that its user gives to the socket', async () => {
    const provider = open();
    await provider.getNetwork();
    socketOf(provider).close(3999, 'enough');
    await waitFor('the close', () => node.closeCodes.length > 0);
    expect(node.closeCodes).toEqual([3999]);
  });
});

describe('errors', () => {
  it("rejects with the node's error and stays connected", async () => {
    const provider = open();
    const failed = provider.send('eth_sendRawTransaction', ['0x00']);
    await expect(failed).rejects.toMatchObject({ code: 'NONCE_EXPIRED' });
    expect(await provider.getBlockNumber()).toBe(100);
  });

  it('tells onerror why nobody answers, and its event carries the error', async () => {
    const gone = await ChainNode.start();
    const { url } = gone;
    await gone.stop();
    const provider = open(url);
    const [event] = await nextCall<[{ message: string; error: { code?: string } }]>(
      'error',
      (call) => {
        socketOf(provider).onerror = call as unknown as WebSocket['onerror'];
      },
    );
    expect(event.error.code).toBe('ECONNREFUSED');
    expect(event.message).toMatch(/ECONNREFUSED/);
  });

  it('emits an error for an answer that nobody waits for', async () => {
    const provider = open();
    await provider.getNetwork();
    const wrong = nextCall<[{ reasonCode?: string }]>('error', (call) =>
      provider.on('error', call),
    );
    for (const client of node.clients) client.send('{"jsonrpc":"2.0","id":99999,"result":1}');
    expect((await wrong)[0].reasonCode).toBe('UNKNOWN_ID');
  });
});
