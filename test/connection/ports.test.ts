// The two ports are interfaces; what is held here is their contract: that these methods are all a
// connection needs, and the order and lifetimes that their docstrings promise to those who embed it.

import { Buffer } from 'node:buffer';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { Connection } from '../../src/connection/connection.ts';
import type { ConnectionEvents, ConnectionTransport } from '../../src/connection/ports.ts';
import type { ProtocolError } from '../../src/errors.ts';
import { peerFrame } from './endpoint.ts';

/** The calls of both ports, in order, by name. */
function watch(): { calls: string[]; connection: Connection } {
  const calls: string[] = [];
  const connection = new Connection(
    { role: 'server' },
    {
      onMessage: (data) => calls.push(`onMessage ${data}`),
      onPing: (data) => calls.push(`onPing ${data}`),
      onPong: (data) => calls.push(`onPong ${data}`),
      onClose: (code, reason) => calls.push(`onClose ${code} ${reason}`),
      onFail: (error) => calls.push(`onFail ${error.closeCode}`),
    },
    {
      write: (chunks) => calls.push(`write ${Buffer.concat(chunks).toString('hex')}`),
      wake: () => calls.push('wake'),
      end: () => calls.push('end'),
    },
  );
  return { calls, connection };
}

describe('the ports', () => {
  it('are these methods and no others', () => {
    expectTypeOf<keyof ConnectionEvents>().toEqualTypeOf<
      'onMessage' | 'onPing' | 'onPong' | 'onClose' | 'onFail'
    >();
    expectTypeOf<keyof ConnectionTransport>().toEqualTypeOf<
      'write' | 'wake' | 'gather' | 'end' | 'pause' | 'resume'
    >();
    expectTypeOf<ConnectionEvents['onMessage']>().parameters.toEqualTypeOf<[Buffer, boolean]>();
    expectTypeOf<ConnectionEvents['onFail']>().parameters.toEqualTypeOf<[ProtocolError]>();
    expectTypeOf<ConnectionTransport['write']>().parameters.toEqualTypeOf<[Buffer[]]>();
  });

  it('are told in the order in which frames came; the Pong is in the batch of its chunk', () => {
    const { calls, connection } = watch();
    const frames = [
      { opcode: 1, payload: 'a' },
      { opcode: 9, payload: 'b' },
      { opcode: 10, payload: 'c' },
    ];
    connection.receive(Buffer.concat(frames.map((spec) => peerFrame('server', spec))));
    expect(calls).toEqual(['onMessage a', 'onPing b', 'onPong c', 'write 8a0162']);
  });

  it('leave what a chunk made to be sent to a transport that gathers, and ask it once', () => {
    const calls: string[] = [];
    const connection = new Connection(
      { role: 'server' },
      {
        onMessage: (data) => connection.send(data, false),
        onPing: () => {},
        onPong: () => {},
        onClose: () => {},
        onFail: () => {},
      },
      {
        write: (chunks) => calls.push(`write ${Buffer.concat(chunks).toString('hex')}`),
        wake: () => calls.push('wake'),
        gather: () => calls.push('gather'),
        end: () => calls.push('end'),
      },
    );
    const chunk = (payload: string) => peerFrame('server', { opcode: 1, payload });
    connection.receive(peerFrame('server', { opcode: 10, payload: '' }));
    expect(calls).toEqual([]);
    connection.receive(chunk('a'));
    connection.receive(chunk('b'));
    connection.send('c', false);
    expect(calls).toEqual(['gather']);
    connection.flush();
    connection.send('d', false);
    connection.receive(chunk('e'));
    expect(calls).toEqual(['gather', 'write 810161810162810163', 'wake']);
    connection.flush();
    // A Close is answered at once.
    connection.receive(Buffer.concat([chunk('f'), peerFrame('server', { opcode: 8 })]));
    expect(calls.slice(3)).toEqual(['write 810164810165', 'write 8101668800', 'end']);
  });

  it('get 8 KiB of replies at once, with all that waited before them', () => {
    const calls: string[] = [];
    const connection = new Connection(
      { role: 'server' },
      {
        onMessage: (data) => connection.send(data, true),
        onPing: () => {},
        onPong: () => {},
        onClose: () => {},
        onFail: () => {},
      },
      {
        write: (chunks) => calls.push(`write ${Buffer.concat(chunks).length}`),
        wake: () => calls.push('wake'),
        gather: () => calls.push('gather'),
        end: () => calls.push('end'),
      },
    );
    const receive = (length: number) =>
      connection.receive(peerFrame('server', { opcode: 2, payload: Buffer.alloc(length) }));
    receive(4000);
    expect(calls).toEqual(['gather']);
    receive(4184);
    expect(calls).toEqual(['gather', 'write 8192']);
    receive(8187);
    expect(calls.slice(2)).toEqual(['gather']);
    receive(1);
    receive(10_000);
    expect(calls.slice(3)).toEqual(['write 8194', 'write 10004']);
  });

  it('[6455-5.5.1-h] [6455-5.5.1-i] [6455-5.5.1-m] see the Close answered and the transport ended before onClose', () => {
    const { calls, connection } = watch();
    connection.receive(peerFrame('server', { opcode: 8, payload: Buffer.from('03e86f6b', 'hex') }));
    expect(calls).toEqual(['write 880403e86f6b', 'end', 'onClose 1000 ok']);
  });

  it('[6455-7.1.7-b] [6455-7.1.7-d] [6455-7.1.7-e] see the Close sent and the transport ended before onFail', () => {
    const { calls, connection } = watch();
    connection.receive(Buffer.from([0x83, 0x80]));
    expect(calls).toEqual(['write 880203ea', 'end', 'onFail 1002']);
  });

  it('are woken once for everything sent outside a receive, and not inside one', () => {
    const { calls, connection } = watch();
    connection.send('a', false);
    connection.send('b', false);
    expect(calls).toEqual(['wake']);
    connection.flush();
    connection.ping('');
    expect(calls).toEqual(['wake', 'write 810161810162', 'wake']);
    connection.flush();
    connection.flush();
    expect(calls.slice(3)).toEqual(['write 8900']);
  });
});
