// BatchWriter: what it writes, whom it calls back, and how much it says is still on its way; by itself on a
// stream in memory, and its callbacks at the public socket.

import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { BatchWriter } from '../../src/websocket/batch-writer.ts';
import { closeBody, type MemorySocket, memoryPair, open, settle, uncaughtDuring } from './pair.ts';

interface Stage {
  readonly writer: BatchWriter;
  readonly socket: MemorySocket;
  readonly log: string[];
  note(name: string): (error?: Error) => void;
}

function stage(highWaterMark?: number): Stage {
  const [socket] = memoryPair(highWaterMark);
  const log: string[] = [];
  const note = (name: string) => (error?: Error) => {
    log.push(`${name}: ${error?.message ?? 'written'}`);
  };
  return { writer: new BatchWriter(socket), socket, log, note };
}

const LOST = 'The connection was closed before the data was written';
const bytes = (length: number): Buffer => Buffer.alloc(length, 'x');

describe('a batch', () => {
  it('leaves in one write, whatever it consists of', async () => {
    const { writer, socket } = stage();
    writer.write([Buffer.from('one')]);
    writer.write([Buffer.from('a'), Buffer.from('b'), Buffer.from('c')]);
    await settle();
    expect(socket.writes.map(String)).toEqual(['one', 'abc']);
  });

  it('says when the transport has had enough', () => {
    const { writer, socket } = stage(10);
    socket.stalled = true;
    expect([writer.write([bytes(4)]), writer.write([bytes(5)]), writer.write([bytes(1)])]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('calls back in order and once, each for its own batch', async () => {
    const { writer, socket, log, note } = stage();
    socket.stalled = true;
    writer.add(1, note('a'));
    writer.add(1, undefined);
    writer.add(1, note('b'));
    writer.write([bytes(9)]);
    writer.add(1, note('c'));
    await settle();
    expect(log).toEqual([]);
    socket.drain();
    await settle();
    expect(log).toEqual(['a: written', 'b: written']);
    writer.write([bytes(3)]);
    socket.drain();
    await settle();
    expect(log.slice(2)).toEqual(['c: written']);
  });

  it('that is cut off or comes too late is told of by an error', async () => {
    const { writer, socket, log, note } = stage();
    socket.stalled = true;
    writer.add(1, note('cut off'));
    writer.write([bytes(3)]);
    socket.destroy();
    writer.add(1, note('late'));
    writer.giveUp();
    // Not while the code that sends runs.
    expect(log).not.toContain(`late: ${LOST}`);
    await settle();
    expect(log).toEqual([`cut off: ${LOST}`, `late: ${LOST}`]);
  });

  it('that is lost says so where something in it was compressed, and of no other batch', async () => {
    const { writer, socket, log, note } = stage();
    socket.stalled = true;
    writer.isCompressed = true;
    writer.add(1, note('a'));
    writer.write([bytes(3)]);
    socket.destroy();
    writer.add(1, note('b'));
    writer.giveUp();
    writer.isCompressed = true;
    writer.add(1, note('c'));
    writer.giveUp();
    await settle();
    const compressed = 'The socket was closed while data was being compressed';
    expect(log).toEqual([`a: ${compressed}`, `b: ${LOST}`, `c: ${compressed}`]);
  });
});

describe('bufferedAmount', () => {
  it('is the payload of what waits here or in the transport', async () => {
    const { writer, socket } = stage();
    socket.stalled = true;
    writer.add(10, undefined);
    expect(writer.bufferedAmount).toBe(10);
    writer.write([bytes(12)]);
    writer.add(5, undefined);
    expect(writer.bufferedAmount).toBe(15);
    writer.write([bytes(7)]);
    socket.drain();
    await settle();
    expect(writer.bufferedAmount).toBe(5);
    socket.drain();
    await settle();
    expect(writer.bufferedAmount).toBe(0);
  });

  it('does not fall while the code that sends runs, once it has been held', async () => {
    const { writer } = stage();
    writer.add(10, undefined);
    writer.holdAmount();
    writer.write([bytes(12)]);
    writer.add(5, undefined);
    writer.lose(1);
    expect(writer.bufferedAmount).toBe(16);
    writer.holdAmount();
    writer.write([bytes(7)]);
    expect(writer.bufferedAmount).toBe(16);
    await settle(1);
    expect(writer.bufferedAmount).toBe(1);
  });

  it('keeps what is lost, and what a transport held when it closed', async () => {
    const { writer, socket } = stage();
    socket.stalled = true;
    writer.add(10, undefined);
    writer.write([bytes(12)]);
    writer.measure();
    socket.destroy();
    writer.add(3, undefined);
    writer.giveUp();
    writer.lose(4);
    await settle();
    expect(writer.bufferedAmount).toBe(17);
  });
});

describe('the callbacks of send', () => {
  it('tells callbacks by an error that their data was not written, in order and once', async () => {
    const { ws, near } = open();
    near.stalled = true;
    const log: string[] = [];
    for (const each of ['a', 'b'])
      ws.send(each, (error) => log.push(`${each} ${error instanceof Error}`));
    await settle();
    ws.send('c', (error) => log.push(`c ${error instanceof Error}`));
    ws.terminate();
    ws.send('d', (error) => log.push(`d ${error?.message}`));
    await settle();
    expect(log.toSorted()).toEqual([
      'a true',
      'b true',
      'c true',
      'd WebSocket is not open: readyState 2 (CLOSING)',
    ]);
    expect(log.filter((each) => !each.startsWith('d'))).toEqual(['a true', 'b true', 'c true']);
  });

  it('a callback that throws stops neither the others nor the end of the connection', async () => {
    const { ws, near, peer } = open();
    const log: string[] = [];
    const failures = [new Error('first'), new Error('second')];
    const caught = await uncaughtDuring(async () => {
      near.stalled = true;
      ws.send('a', () => {
        throw failures[0];
      });
      ws.send('b', () => log.push('b'));
      await settle();
      ws.send('c', () => {
        throw failures[1];
      });
      ws.close(1000);
      near.stalled = false;
      near.drain();
      await settle();
      peer.send({ opcode: 8, payload: closeBody(1000) });
      await settle();
    });
    expect(caught).toEqual(failures);
    expect(log).toEqual(['b']);
    expect(peer.ended).toBe(true);
  });
});
