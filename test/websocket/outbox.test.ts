// Outbox: what is sent while something before it has to wait keeps its order, and every callback is told
// once. At the public socket, where nothing else may be seen of it, and by itself on a link that is made up.

import { Buffer } from 'node:buffer';
import { describe, expect, it, vi } from 'vitest';
import { PreparedMessage } from '../../src/connection/prepared.ts';
import { Outbox, type Outlet } from '../../src/websocket/outbox.ts';
import { closeBody, open, record, settle } from './pair.ts';
import { SlowBlob } from './slow-blob.ts';

describe('a Blob that is sent', () => {
  it('[wh-3.1-send-e] a Blob keeps its place, what is changed meanwhile does not show, close() comes behind', async () => {
    const { ws, peer } = open();
    const log: string[] = [];
    const blob = new SlowBlob(['blob']);
    const buffer = Buffer.from('before');
    const reason = Buffer.from('reason');
    ws.send('first');
    ws.send(blob, () => log.push('blob'));
    ws.send(buffer, () => log.push('buffer'));
    ws.send(new Blob(['second']), { binary: false }, () => log.push('second'));
    ws.close(3001, reason);
    buffer.fill('X');
    reason.fill('X');
    await settle();
    expect([peer.seen, ws.readyState]).toEqual([['1:first'], 2]);
    expect(ws.bufferedAmount).toBe(4 + 6 + 6);
    blob.release();
    await vi.waitFor(() => expect(peer.frames.length).toBe(5), 10_000);
    expect(peer.seen.slice(1, 4)).toEqual(['2:blob', '2:before', '1:second']);
    expect(peer.closes).toEqual([closeBody(3001, 'reason')]);
    expect(log).toEqual(['blob', 'buffer', 'second']);
    expect(ws.bufferedAmount).toBe(0);
    ws.terminate();
  });

  it('tells the callbacks of what waited behind a Blob when the connection ends', async () => {
    const { ws } = open();
    const log: string[] = [];
    const blob = new SlowBlob(['blob']);
    const tell = (name: string) => (error?: Error) => log.push(`${name} ${error instanceof Error}`);
    ws.send(blob, tell('blob'));
    ws.send('text', tell('text'));
    ws.close();
    ws.terminate();
    await settle();
    expect([log, ws.readyState]).toEqual([[], 3]);
    blob.release();
    await settle();
    expect(log).toEqual(['blob true', 'text true']);
    expect(ws.bufferedAmount).toBe(8);
  });

  it('closes with 1011 when a Blob cannot be read, and says why', async () => {
    const { ws, peer } = open();
    const log = record(ws);
    const told: unknown[] = [];
    ws.on('error', (error) => told.push(error));
    const blob = new SlowBlob(['blob']);
    ws.send(blob, (error) => told.push(error));
    ws.send('behind', (error) => told.push(error));
    // No Error of this realm, as a polyfill's or another realm's is none.
    const failure = { message: 'the file is gone' } as Error;
    blob.fail(failure);
    await settle();
    expect(peer.closes).toEqual([closeBody(1011)]);
    expect(told).toHaveLength(3);
    for (const each of told) expect(each).toBe(failure);
    expect(log).toEqual(['error:the file is gone']);
    ws.terminate();
  });
});

describe('a Blob among other things', () => {
  it.each(['ping', 'pong'] as const)(
    'can be the payload of a %s, before what was sent later',
    async (name) => {
      const { ws, peer } = open();
      const opcode = name === 'ping' ? 9 : 10;
      const blob = new SlowBlob(['slow']);
      const log: unknown[] = [];
      ws[name](blob, (error) => log.push(['blob', error]));
      ws.send('text');
      ws[name]('at once', true, (error) => log.push(['at once', error]));
      expect(ws.bufferedAmount).toBe(4 + 4 + 7);
      expect(() => ws[name](new Blob(['x'.repeat(126)]))).toThrow(RangeError);
      expect(() => ws[name]('x'.repeat(126))).toThrow(RangeError);
      await settle();
      blob.release();
      await expect.poll(() => peer.seen).toEqual([`${opcode}:at once`, `${opcode}:slow`, '1:text']);
      await settle();
      expect(log).toEqual([
        ['at once', undefined],
        ['blob', undefined],
      ]);
      ws.close();
      ws[name](new Blob(['12345']));
      expect(ws.bufferedAmount).toBe(5);
      ws.terminate();
    },
  );

  it.each([
    ['has been read', (blob: SlowBlob) => blob.release(), 'while the blob was being read', 2],
    ['is read later', (blob: SlowBlob) => blob.release(), 'while the blob was being read', 3],
    ['fails later', (blob: SlowBlob) => blob.fail(new Error('gone')), 'gone', 3],
  ])(
    'that %s when the connection has ended is told then, with what waited behind it',
    async (_, end, why, state) => {
      const { ws } = open();
      const blob = new SlowBlob(['slow']);
      const log: string[] = [];
      const note =
        (name: string) =>
        (error?: Error): void =>
          void log.push(`${name}: ${error?.message}, ${ws.readyState}`);
      ws.on('close', () => log.push('close'));
      ws.on('error', () => log.push('error'));
      ws.send(blob, note('blob'));
      ws.send('text', note('text'));
      ws.ping(new Blob(['ping']), undefined, note('ping'));
      if (state === 2) end(blob);
      ws.terminate();
      await settle();
      if (state === 3) {
        expect(log).toEqual(['close']);
        end(blob);
        await settle();
      }
      const told = ['blob', 'text', 'ping'].map(
        (name) => `${name}: ${why === 'gone' ? why : `The socket was closed ${why}`}, ${state}`,
      );
      expect(log).toEqual(state === 2 ? [...told, 'close'] : ['close', ...told]);
    },
  );
});

interface Stage {
  readonly outbox: Outbox;
  /** What the link was told to do, what the socket was told, and what callbacks were. */
  readonly log: string[];
  readonly link: {
    destroyed: boolean;
    takes: boolean;
    isBusy: boolean;
    timers: number;
    answer: () => boolean;
  };
  note(name: string): (error?: Error) => void;
}

/** An outbox on a link that answers every call as `link.answer` does. */
function stage(): Stage {
  const log: string[] = [];
  const link = { destroyed: false, takes: false, isBusy: false, timers: 0, answer: () => true };
  const call = (line: string, done?: (error?: Error) => void): boolean => {
    const taken = link.answer();
    log.push(`${line} ${taken}`);
    if (taken) done?.();
    return taken;
  };
  const outlet: Outlet = {
    socket: {
      get destroyed() {
        return link.destroyed;
      },
    },
    connection: {
      role: 'server',
      takesLong: () => link.takes,
      setBusy: (isBusy) => {
        link.isBusy = isBusy;
      },
    },
    send: (data, isBinary, fin, compress, done) =>
      call(`send ${data} ${isBinary} ${fin} ${compress}`, done),
    sendLater: async (data, _isBinary, _fin, done) => {
      await settle(1);
      return call(`later ${data}`, done);
    },
    sendPrepared: ({ length }, done) => call(`prepared ${length}`, done),
    sendFrame: ([header], done) => call(`frame ${header.length}`, done),
    ping: (data, done) => call(`ping ${data}`, done),
    pong: (data, done) => call(`pong ${data}`, done),
    close: (code, reason) => log.push(`close ${code} ${reason}`),
    startCloseTimer: () => {
      link.timers++;
    },
    lose: (length) => log.push(`lose ${length}`),
  };
  const outbox = new Outbox(outlet, {
    onEmpty: () => log.push('empty'),
    onClosing: () => log.push('closing'),
    onError: ({ message }) => log.push(`error: ${message}`),
  });
  const note = (name: string) => (error?: Error) => {
    log.push(`${name}: ${error?.message ?? 'sent'}`);
  };
  return { outbox, log, link, note };
}

describe('the outbox', () => {
  it('[6455-6.1-f] sends all kinds in the order of the calls, then says that it is empty', async () => {
    const { outbox, log, link, note } = stage();
    link.takes = true;
    const reason = Buffer.from('bye');
    outbox.send(Buffer.from('a'), false, true, true, note('a'));
    outbox.sendPrepared(new PreparedMessage('bb'), note('b'));
    outbox.sendFrame([Buffer.from([0x89, 1, 0x21])], note('c'));
    outbox.sendBlob(new Blob(['d']), true, false, false, note('d'));
    outbox.sendControl('pong', new Blob(['e']), note('e'));
    outbox.close(1000, reason);
    reason.fill('X');
    expect(outbox.length).toBe(1 + 2 + 1 + 1 + 1);
    await vi.waitFor(() => expect(log.at(-1)).toBe('empty'), 10_000);
    expect(log).toEqual([
      ...['later a true', 'a: sent', 'prepared 2 true', 'b: sent', 'frame 3 true', 'c: sent'],
      ...['later d true', 'd: sent', 'pong e true', 'e: sent', 'close 1000 bye', 'empty'],
    ]);
    expect(outbox.length).toBe(0);
  });

  it('hands on how a message is to be sent, and may be used again when it is empty', async () => {
    const { outbox, log } = stage();
    outbox.sendBlob(new Blob(['a']), true, false, true, undefined);
    outbox.send(Buffer.from('b'), false, true, false, undefined);
    await vi.waitFor(() => expect(log.at(-1)).toBe('empty'), 10_000);
    outbox.send(Buffer.from('c'), true, false, false, undefined);
    expect(log).toEqual([
      ...['send a true false true true', 'send b false true false true', 'empty'],
      ...['send c true false false true', 'empty'],
    ]);
  });

  it('[6455-5.5.1-j] has a Close of the peer wait for all that was sent before, and no longer', async () => {
    const { outbox, log, link } = stage();
    const first = new SlowBlob(['a']);
    outbox.sendBlob(first, true, true, true, undefined);
    outbox.send(Buffer.from('b'), true, true, true, undefined);
    expect(link.isBusy).toBe(true);
    first.release();
    await vi.waitFor(() => expect(link.isBusy).toBe(false), 10_000);
    expect(log.at(-1)).toBe('empty');
    outbox.send(Buffer.from('c'), true, true, true, undefined);
    expect([link.isBusy, log.at(-1)]).toEqual([false, 'empty']);
    const busy = log.length;
    link.takes = true;
    outbox.send(Buffer.from('d'), true, true, true, undefined);
    expect([link.isBusy, log.length]).toEqual([true, busy]);
    await vi.waitFor(() => expect(link.isBusy).toBe(false), 10_000);
    expect(log.slice(busy)).toEqual(['later d true', 'empty']);
  });

  it('[6455-5.5.1-r] [6455-5.5.1-o] lets the time of the closing handshake run from the call of close()', () => {
    const { outbox, link } = stage();
    outbox.sendBlob(new SlowBlob(['a']), true, true, true, undefined);
    expect(() => outbox.close(1005, undefined)).toThrow(TypeError);
    expect(link.timers).toBe(0);
    outbox.close(1000, undefined);
    expect(link.timers).toBe(1);
  });

  it.each(['destroyed', 'late'] as const)(
    'tells callbacks what was lost, and counts it, when the link is %s',
    async (state) => {
      const { outbox, log, link, note } = stage();
      outbox.sendControl('ping', new Blob(['12345']), note('ping'));
      outbox.send(Buffer.from('123'), false, true, true, note('send'));
      outbox.sendPrepared(new PreparedMessage('12'), note('prepared'));
      outbox.sendFrame([Buffer.from([0x8a, 1, 0x21])], undefined);
      link.destroyed = state === 'destroyed';
      link.answer = () => false;
      await vi.waitFor(() => expect(log.at(-1)).toBe('empty'), 10_000);
      const why = 'The socket was closed while the blob was being read';
      const told = log.filter((line) => !line.endsWith('false'));
      expect(told).toEqual([
        ...['lose 5', `ping: ${why}`, 'lose 3', `send: ${why}`, 'lose 2', `prepared: ${why}`],
        ...['lose 1', 'empty'],
      ]);
      expect(log.length - told.length).toBe(state === 'destroyed' ? 0 : 4);
    },
  );

  it('tells what was lost while it was being compressed', async () => {
    const { outbox, log, link, note } = stage();
    link.takes = true;
    outbox.send(Buffer.from('123'), false, true, true, note('a'));
    link.answer = () => false;
    await vi.waitFor(() => expect(log.at(-1)).toBe('empty'), 10_000);
    const why = 'The socket was closed while data was being compressed';
    expect(log).toEqual(['later 123 false', 'lose 3', `a: ${why}`, 'empty']);
  });

  it.each([false, true])(
    'tells of a failure once: the callback, or else the socket (compressed: %s)',
    async (takes) => {
      const { outbox, log, link, note } = stage();
      link.takes = takes;
      link.answer = () => {
        throw new TypeError('no text');
      };
      outbox.sendBlob(new Blob(['a']), false, true, true, note('a'));
      outbox.send(Buffer.from('b'), false, true, true, undefined);
      outbox.send(Buffer.from('c'), false, true, true, note('c'));
      await vi.waitFor(() => expect(log.at(-1)).toBe('empty'), 10_000);
      expect(log).toEqual(['a: no text', 'error: no text', 'c: no text', 'empty']);
    },
  );

  it('ends the connection with 1011 when a Blob cannot be read, for then its place stays empty', async () => {
    const { outbox, log, note } = stage();
    const blob = new SlowBlob(['a']);
    outbox.sendBlob(blob, true, true, true, note('a'));
    blob.fail(new Error('gone'));
    await vi.waitFor(() => expect(log.at(-1)).toBe('empty'), 10_000);
    expect(log).toEqual(['a: gone', 'close 1011 ', 'closing', 'error: gone', 'empty']);
  });

  it('refuses at once what could not be sent later', () => {
    const { outbox, log } = stage();
    outbox.sendBlob(new SlowBlob(['a']), true, true, true, undefined);
    expect(() => outbox.close(1005, undefined)).toThrow(TypeError);
    expect(() => outbox.close(1000, 'x'.repeat(124))).toThrow(RangeError);
    // §5.1: masked, as no server sends it.
    const masked = Buffer.from([0x89, 0x80, 0, 0, 0, 0]);
    expect(() => outbox.sendFrame([masked], undefined)).toThrow(TypeError);
    expect([outbox.length, log]).toEqual([1, []]);
  });

  it.each([null, 0, {}, ''])(
    'takes %j for no reason, as a link that is ready does',
    async (none) => {
      const { outbox, log } = stage();
      outbox.sendBlob(new Blob(['a']), true, true, true, undefined);
      outbox.close(1000, none as unknown as string);
      await vi.waitFor(() => expect(log.at(-1)).toBe('empty'), 10_000);
      expect(log.slice(1)).toEqual([`close 1000 ${none}`, 'empty']);
    },
  );

  it('tells all that wait when it is dropped, in order, once it is known why', async () => {
    const { outbox, log, note } = stage();
    const blob = new SlowBlob(['ab']);
    outbox.sendBlob(blob, true, true, true, note('a'));
    outbox.send(Buffer.from('c'), true, true, true, note('b'));
    outbox.close(1000, undefined);
    outbox.drop();
    expect(log).toEqual([]);
    blob.release();
    await settle();
    const why = 'The socket was closed while the blob was being read';
    expect(log).toEqual([`a: ${why}`, `b: ${why}`]);
    expect(outbox.length).toBe(3);
  });

  it('tells at once what is being compressed when it is dropped, and not again', async () => {
    const { outbox, log, link, note } = stage();
    link.takes = true;
    outbox.send(Buffer.from('a'), true, true, true, note('a'));
    outbox.send(Buffer.from('b'), true, true, true, note('b'));
    link.answer = () => false;
    outbox.drop();
    const why = 'The socket was closed while data was being compressed';
    expect(log).toEqual([`a: ${why}`, `b: ${why}`]);
    await settle();
    expect(log.slice(2)).toEqual(['later a false']);
  });
});
