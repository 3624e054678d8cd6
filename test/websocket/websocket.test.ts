import { Buffer } from 'node:buffer';
import { describe, expect, it, vi } from 'vitest';
import type { BinaryType, RawData } from '../../src/websocket/payload.ts';
import { BaseWebSocket } from '../../src/websocket/websocket.ts';
import { closeBody, memoryPair, open, record, settle, uncaughtDuring } from './pair.ts';
import { SlowBlob } from './slow-blob.ts';

describe('states', () => {
  it('[wh-3.1-i] has its constants on the class and on instances, not to be written', () => {
    const { ws } = open();
    const names = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'] as const;
    const statics = BaseWebSocket as unknown as Record<string, number>;
    for (const [value, name] of names.entries()) {
      expect([statics[name], ws[name]]).toEqual([value, value]);
      expect(() => {
        (ws as unknown as Record<string, number>)[name] = 7;
      }).toThrow(TypeError);
    }
    ws.terminate();
  });

  it('[wh-4-a] is OPEN with its protocol and extensions when open is fired', () => {
    const ws = new BaseWebSocket('client');
    expect([ws.readyState, ws.protocol, ws.extensions, ws.socket]).toEqual([0, '', '', null]);
    const seen: unknown[] = [];
    ws.on('open', () => seen.push(ws.readyState, ws.protocol, ws.extensions));
    const [near] = memoryPair();
    ws.setSocket(near, Buffer.alloc(0), { protocol: 'chat', extensions: 'x-e' });
    expect(seen).toEqual([1, 'chat', 'x-e']);
    expect([ws.socket, ws._socket]).toEqual([near, near]);
    ws.terminate();
  });

  it('cannot be opened twice, nor after it was closed', async () => {
    const { ws, near } = open();
    const [another] = memoryPair();
    expect(() => ws.setSocket(another, Buffer.alloc(0))).toThrow(/opened already/);
    expect(ws.socket).toBe(near);
    ws.terminate();
    const closed = new BaseWebSocket('client');
    const log = record(closed);
    closed.close();
    expect(closed.readyState).toBe(2);
    expect(() => closed.setSocket(another, Buffer.alloc(0))).toThrow(/closed already/);
    await settle();
    expect([closed.readyState, log]).toEqual([
      3,
      ['error:WebSocket was closed before the connection was established', 'close:1006::false'],
    ]);
  });

  it('[wh-4-e] is CLOSING when the closing handshake has been started by either side', async () => {
    const { ws, peer } = open('client');
    peer.send({ opcode: 8 });
    await settle();
    expect(ws.readyState).toBe(2);
    peer.socket.end();
    await settle();
    expect([ws.readyState, ws.wasClean]).toEqual([3, true]);
    const other = open('server');
    other.ws.close();
    expect(other.ws.readyState).toBe(2);
    other.ws.terminate();
  });

  it('[6455-7.1.4-b] a connection that was never established is closed, and not clean', async () => {
    const ws = new BaseWebSocket('client');
    const log = record(ws);
    ws.terminate();
    await settle();
    expect(log.at(-1)).toBe('close:1006::false');
    expect(ws.wasClean).toBe(false);
  });

  it('[6455-7.1.7-h] does not close on its own while its peer is idle', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'] });
    try {
      const { ws, peer } = open('client');
      await settle();
      vi.advanceTimersByTime(24 * 3600 * 1000);
      await settle();
      expect([ws.readyState, peer.seen, peer.ended]).toEqual([1, [], false]);
      ws.terminate();
      await settle();
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('send', () => {
  it('[wh-3.1-send-c] [wh-3.1-send-d] [wh-3.1-send-k] sends every kind: text as text, bytes as binary, a view its window only', async () => {
    for (const role of ['server', 'client'] as const) {
      const { ws, peer } = open(role);
      const memory = Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7]).buffer;
      ws.send('text \ud800 ä');
      ws.send(new Uint16Array(memory, 2, 2));
      ws.send(new DataView(memory, 7));
      ws.send(memory);
      ws.send(12.5);
      ws.send([1, 2]);
      ws.send([Buffer.from('a'), Buffer.from('b')]);
      ws.send(Buffer.from('as text'), { binary: false });
      ws.send('as binary', { binary: true });
      ws.send('frag', { fin: false });
      ws.send('ment', { fin: true });
      await settle();
      expect(
        peer.frames.map(({ opcode, fin, payload }) => [opcode, fin, payload.toString('latin1')]),
      ).toEqual([
        [1, true, Buffer.from('text \ufffd ä').toString('latin1')],
        [2, true, '\x02\x03\x04\x05'],
        [2, true, '\x07'],
        [2, true, '\0\x01\x02\x03\x04\x05\x06\x07'],
        [1, true, '12.5'],
        [2, true, '\x01\x02'],
        [2, true, 'ab'],
        [1, true, 'as text'],
        [2, true, 'as binary'],
        [1, false, 'frag'],
        [0, true, 'ment'],
      ]);
      expect(() => ws.send({} as never)).toThrow(TypeError);
      ws.terminate();
    }
  });

  it('[6455-5.2-i] a frame carries the application data and nothing else, as no extension is in use', async () => {
    for (const role of ['server', 'client'] as const) {
      const { ws, peer } = open(role);
      const bytes = Buffer.from(Array.from({ length: 300 }, (_, i) => i % 256));
      ws.send(bytes);
      await settle();
      const [frame] = peer.frames;
      expect([frame?.rsv, frame?.payload.equals(bytes)]).toEqual([0, true]);
      expect(frame?.bytes.length).toBe(300 + (role === 'client' ? 8 : 4));
      ws.terminate();
    }
  });

  it('[wh-3.1-send-b] in CLOSING and CLOSED nothing is sent, the callback gets an error, bufferedAmount grows', async () => {
    const { ws, peer } = open();
    ws.close();
    const told: (string | undefined)[] = [];
    ws.send('äb', (error) => told.push(error?.message));
    ws.send(new Uint8Array(5));
    ws.ping('p', false, (error) => told.push(error?.message));
    expect([told, ws.bufferedAmount]).toEqual([[], 9]);
    await settle();
    expect(told).toEqual([
      'WebSocket is not open: readyState 2 (CLOSING)',
      'WebSocket is not open: readyState 2 (CLOSING)',
    ]);
    expect(peer.seen.length).toBe(1);
    ws.terminate();
    await settle();
    ws.send(new Blob(['1234']), (error) => told.push(error?.message));
    ws.send(new ArrayBuffer(2));
    await settle();
    expect([ws.bufferedAmount, told[2]]).toEqual([
      15,
      'WebSocket is not open: readyState 3 (CLOSED)',
    ]);
    const never = new BaseWebSocket('client');
    expect(() => never.send('early')).toThrow('WebSocket is not open: readyState 0 (CONNECTING)');
    expect(() => never.ping()).toThrow('WebSocket is not open: readyState 0 (CONNECTING)');
    never.terminate();
    never.send('123');
    expect(never.bufferedAmount).toBe(3);
    await settle();
  });

  it('[wh-3.1-send-h] [wh-3.1-send-i] bufferedAmount counts payload, framing apart, and does not fall within a turn', async () => {
    for (const role of ['server', 'client'] as const) {
      const { ws, near } = open(role);
      ws.send('ä');
      ws.send(new Uint8Array(10));
      expect(ws.bufferedAmount).toBe(12);
      // Large enough to be written at once: it counts until the turn ends.
      ws.send(Buffer.alloc(100_000));
      expect(near.writes.length).toBe(1);
      expect(ws.bufferedAmount).toBe(100_012);
      ws.send('xyz');
      expect(ws.bufferedAmount).toBe(100_015);
      ws.send(Buffer.alloc(70_000));
      expect(ws.bufferedAmount).toBe(170_015);
      ws.close();
      ws.send('late');
      expect(ws.bufferedAmount).toBe(170_019);
      await settle();
      expect(ws.bufferedAmount).toBe(4);
      ws.terminate();
    }
  });

  it('[wh-3.1-send-j] bufferedAmount is not reset when the connection closes', async () => {
    const { ws, near } = open();
    near.stalled = true;
    ws.send('first');
    await settle();
    ws.send('second');
    ws.terminate();
    expect(ws.bufferedAmount).toBe(11);
    await settle();
    expect([ws.readyState, ws.bufferedAmount]).toEqual([3, 11]);
  });
});

describe('ping and pong', () => {
  it('send up to 125 bytes of any kind, with callbacks; more is a RangeError', async () => {
    const { ws, peer } = open('client');
    const log: string[] = [];
    ws.ping();
    ws.ping('a', true, () => log.push('a'));
    ws.ping(() => log.push('b'));
    ws.pong(Buffer.from('c'), () => log.push('c'));
    ws.pong('x'.repeat(125), undefined, () => log.push('d'));
    expect(() => ws.ping('ä'.repeat(63))).toThrow(RangeError);
    expect(() => ws.pong(Buffer.alloc(126))).toThrow(
      'The data size must not be greater than 125 bytes',
    );
    await settle();
    expect(peer.seen).toEqual(['9:', '9:a', '9:', '10:c', `10:${'x'.repeat(125)}`]);
    expect(log).toEqual(['a', 'b', 'c', 'd']);
    expect(peer.frames.every(({ masked }) => masked)).toBe(true);
    ws.terminate();
  });

  it('a Ping is answered, unless autoPong is off; both are events', async () => {
    for (const autoPong of [true, false]) {
      const { ws, peer } = open('server', { autoPong });
      const log = record(ws);
      peer.send({ opcode: 9, payload: 'x' }, { opcode: 10, payload: 'y' });
      await settle();
      expect(log).toEqual(['ping:x', 'pong:y']);
      expect(peer.seen).toEqual(autoPong ? ['10:x'] : []);
      ws.terminate();
    }
  });
});

describe('close', () => {
  it('[wh-3.1-close-g] [wh-3.1-close-h] without arguments sends a Close without a body; CLOSING at once', async () => {
    const { ws, peer } = open();
    ws.close();
    expect(ws.readyState).toBe(2);
    await settle();
    expect(peer.closes).toEqual([Buffer.alloc(0)]);
    ws.terminate();
  });

  it('[wh-3.1-close-i] [wh-3.1-close-j] sends the code and the reason behind it; a reason alone with 1000', async () => {
    const cases: [number | undefined, string | Buffer | undefined, Buffer][] = [
      [1000, undefined, closeBody(1000)],
      [3999, 'ä', closeBody(3999, 'ä')],
      [4000, Buffer.from('bytes'), closeBody(4000, 'bytes')],
      [undefined, 'why', closeBody(1000, 'why')],
      [undefined, '', Buffer.alloc(0)],
    ];
    for (const [code, reason, body] of cases) {
      const { ws, peer } = open('client');
      ws.close(code, reason);
      await settle();
      expect(peer.closes).toEqual([body]);
      ws.terminate();
    }
  });

  it('[wh-3.1-close-e] does nothing in CLOSING and CLOSED', async () => {
    const { ws, peer } = open();
    const log = record(ws);
    ws.close(3000);
    ws.close(3001, 'again');
    await settle();
    peer.send({ opcode: 8, payload: closeBody(3000) });
    peer.socket.end();
    await settle();
    ws.close(3002);
    ws.terminate();
    await settle();
    expect([peer.closes, ws.readyState]).toEqual([[closeBody(3000)], 3]);
    expect(log).toEqual(['close:3000::true']);
  });

  it('refuses codes and reasons before any change of state, also behind a Blob', async () => {
    for (const behindBlob of [false, true]) {
      const { ws, peer } = open();
      const blob = new SlowBlob(['b']);
      if (behindBlob) ws.send(blob);
      expect(() => ws.close(1000, 'ä'.repeat(62))).toThrow(RangeError);
      expect(() => ws.close(undefined, 'x'.repeat(124))).toThrow(RangeError);
      for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000]) {
        expect(() => ws.close(code)).toThrow(TypeError);
      }
      expect(ws.readyState).toBe(1);
      blob.release();
      ws.send('still open');
      await vi.waitFor(() => expect(peer.seen.at(-1)).toBe('1:still open'), 10_000);
      ws.terminate();
    }
  });

  it('await using closes with 1000 and waits for the end', async () => {
    const { ws, peer } = open();
    const log = record(ws);
    peer.socket.on('data', () => {
      if (peer.closes.length === 1)
        peer.socket.end(peer.encode({ opcode: 8, payload: closeBody(1000) }));
    });
    {
      await using socket = ws;
      expect(socket.readyState).toBe(1);
    }
    expect([ws.readyState, log]).toEqual([3, ['close:1000::true']]);
    await ws[Symbol.asyncDispose]();
    const never = new BaseWebSocket('client');
    await never[Symbol.asyncDispose]();
    expect(never.readyState).toBe(3);
  });
});

describe('messages', () => {
  it('are held until somebody listens, in order, after an await', async () => {
    const { ws, peer } = open();
    peer.text('a', 'b');
    peer.send({ opcode: 2, payload: 'c' });
    await settle();
    const log: string[] = [];
    ws.on('message', (data, isBinary) => log.push(`${isBinary}:${data}`));
    expect(log).toEqual([]);
    peer.text('d');
    await settle();
    expect(log).toEqual(['false:a', 'false:b', 'true:c', 'false:d']);
    ws.terminate();
  });

  it('any way of listening sets free what is held', async () => {
    const ways: ((ws: BaseWebSocket, listener: () => void) => unknown)[] = [
      (ws, listener) => ws.on('message', listener),
      (ws, listener) => ws.once('message', listener),
      (ws, listener) => ws.addListener('message', listener),
      (ws, listener) => ws.prependListener('message', listener),
      (ws, listener) => ws.prependOnceListener('message', listener),
      (ws, listener) => ws.addEventListener('message', listener),
      (ws, listener) => {
        ws.onmessage = listener;
      },
    ];
    for (const listen of ways) {
      const { ws, peer } = open();
      peer.text('held');
      await settle();
      let calls = 0;
      listen(ws, () => calls++);
      await settle();
      expect(calls).toBe(1);
      ws.terminate();
    }
  });

  it('pause the peer when more than 64 KiB wait for a listener', async () => {
    const { ws, near, peer } = open();
    for (let i = 0; i < 8; i++) peer.send({ opcode: 2, payload: Buffer.alloc(16_384) });
    await settle();
    expect(near.isPaused()).toBe(true);
    let bytes = 0;
    ws.on('message', (data) => {
      bytes += (data as Buffer).length;
    });
    await settle();
    expect([bytes, near.isPaused()]).toEqual([8 * 16_384, false]);
    ws.terminate();
  });

  it('that somebody has begun to listen for come before close', async () => {
    const { ws, near, peer } = open();
    peer.text('held');
    await settle();
    near.destroy();
    const log = record(ws);
    await settle();
    expect(log).toEqual(['text:held', 'close:1006::false']);
  });

  it('stop in the middle of a chunk on pause() and go on with resume()', async () => {
    const { ws, near, peer } = open();
    const log = record(ws);
    ws.on('message', (data) => {
      if (`${data}` === 'b') ws.pause();
    });
    peer.text('a', 'b', 'c', 'd');
    await settle();
    expect([log, ws.isPaused, near.isPaused()]).toEqual([['text:a', 'text:b'], true, true]);
    peer.text('e');
    await settle();
    expect(log.length).toBe(2);
    ws.resume();
    expect(log).toEqual(['text:a', 'text:b', 'text:c', 'text:d']);
    await settle();
    expect(log.at(-1)).toBe('text:e');
    ws.terminate();
    await settle();
    ws.pause();
    expect(ws.isPaused).toBe(false);
  });

  it('that wait come before the error of what came behind them', async () => {
    const { ws, peer } = open();
    const log = record(ws);
    ws.pause();
    ws.resume();
    ws.once('message', () => ws.pause());
    peer.send({ opcode: 1, payload: 'a' }, { opcode: 1, payload: 'b' }, { opcode: 3 });
    await settle();
    peer.socket.end();
    await settle();
    expect(log).toEqual(['text:a', 'text:b', 'error:WS_ERR_INVALID_OPCODE', 'close:1006::false']);
  });

  it('[wh-4-c] [wh-3.1-l] come by the binaryType at delivery; an unknown one is ignored', async () => {
    const { ws, peer } = open();
    const got: RawData[] = [];
    ws.on('message', (data) => got.push(data));
    expect(ws.binaryType).toBe('nodebuffer');
    for (const type of ['nodebuffer', 'arraybuffer', 'fragments', 'blob'] as BinaryType[]) {
      ws.binaryType = type;
      ws.binaryType = 'unknown' as BinaryType;
      expect(ws.binaryType).toBe(type);
      peer.send({ opcode: 2, payload: 'x' });
      await settle();
    }
    expect(Buffer.isBuffer(got[0])).toBe(true);
    expect(got[1]).toBeInstanceOf(ArrayBuffer);
    expect(got[2]).toEqual([Buffer.from('x')]);
    expect(await (got[3] as Blob).text()).toBe('x');
    ws.onmessage = ({ data }) => got.push(data as RawData);
    peer.text('text');
    await settle();
    expect(got[5]).toBe('text');
    ws.terminate();
  });
});

describe('listeners', () => {
  it('[wh-4-k] one that throws stops neither handlers, nor the rest of the chunk, nor the connection', async () => {
    const { ws, peer } = open();
    const failure = new Error('listener');
    const seen: unknown[] = [];
    const caught = await uncaughtDuring(async () => {
      ws.addEventListener('message', () => {
        throw failure;
      });
      ws.addEventListener('message', ({ data }) => seen.push(data));
      ws.on('ping', () => {
        throw failure;
      });
      peer.text('a');
      peer.send({ opcode: 1, payload: 'b' }, { opcode: 9 }, { opcode: 1, payload: 'c' });
      await settle();
      ws.on('message', () => {
        throw failure;
      });
      peer.text('d', 'e');
      await settle();
    });
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(caught).toEqual(Array(8).fill(failure));
    expect(ws.readyState).toBe(1);
    ws.terminate();
  });

  it('[wh-4-i] close comes once and last, error at most once and before it', async () => {
    const { ws, peer } = open();
    const log = record(ws);
    peer.send(
      { opcode: 1, payload: 'ok' },
      { opcode: 3 },
      { opcode: 4 },
      { opcode: 1, payload: 'no' },
    );
    await settle();
    peer.text('no');
    peer.socket.end();
    await settle();
    ws.terminate();
    ws.emit('pong', Buffer.alloc(0));
    expect(log).toEqual(['text:ok', 'error:WS_ERR_INVALID_OPCODE', 'close:1006::false', 'pong:']);
  });

  it('error comes once, whatever else fails', async () => {
    const { ws, peer } = open();
    const log = record(ws);
    const blob = new SlowBlob(['blob']);
    ws.send(blob);
    blob.fail(new Error('gone'));
    await settle();
    peer.send({ opcode: 3 });
    peer.socket.end();
    await settle();
    expect(log).toEqual(['error:gone', 'close:1006::false']);
  });

  it('without one for error a violation closes that connection and nothing else', async () => {
    const caught = await uncaughtDuring(async () => {
      const { ws, peer } = open();
      peer.send({ opcode: 3 });
      await settle();
      peer.socket.end();
      await settle();
      expect([ws.readyState, peer.closes]).toEqual([3, [closeBody(1002)]]);
    });
    expect(caught).toEqual([]);
  });

  it('the on… attributes and addEventListener get their events from the socket', async () => {
    const { ws, peer } = open();
    const seen: unknown[] = [];
    expect([ws.onopen, ws.onmessage, ws.onclose, ws.onerror]).toEqual([null, null, null, null]);
    ws.onopen = () => {};
    ws.onmessage = ({ type, data, target }) => seen.push([type, data, target === ws]);
    ws.onerror = ({ type, message }) => seen.push([type, message !== '']);
    ws.onclose = ({ type, code, reason, wasClean }) => seen.push([type, code, reason, wasClean]);
    const never = (): void => void seen.push('removed');
    ws.addEventListener('message', never);
    ws.removeEventListener('message', never);
    peer.text('x');
    peer.send({ opcode: 8, payload: closeBody(3000, '\ufeffä') });
    peer.socket.end();
    await settle();
    expect(seen).toEqual([
      ['message', 'x', true],
      ['close', 3000, '\ufeffä', true],
    ]);
    const failing = open();
    failing.ws.onerror = ws.onerror;
    failing.peer.send({ opcode: 3 });
    failing.peer.socket.end();
    await settle();
    expect(seen[2]).toEqual(['error', true]);
    expect(failing.ws.dispatchEvent({ type: 'error' })).toBe(true);
  });

  it('masking keys come from generateMask where it is given', async () => {
    const { ws, peer } = open('client', { generateMask: (mask) => void mask.set([1, 2, 3, 4]) });
    ws.send('keyed');
    await settle();
    expect(peer.frames[0]?.key).toEqual(Buffer.from([1, 2, 3, 4]));
    expect(peer.seen).toEqual(['1:keyed']);
    ws.terminate();
  });
});

describe('arguments from plain JavaScript', () => {
  it('only functions are called back', async () => {
    const { ws, peer } = open();
    const none = null as unknown as undefined;
    const caught = await uncaughtDuring(async () => {
      ws.send('a', {}, none);
      ws.send('b', none, none);
      ws.ping('c', false, none);
      ws.pong('d', none, none);
      await settle();
      ws.close();
      ws.send('e', {}, none);
    });
    expect(caught).toEqual([]);
    expect(peer.seen).toEqual(['1:a', '1:b', '9:c', '10:d', '8:']);
    ws.terminate();
  });
});

describe('a socket that is dropped', () => {
  it('hands over what was sent before', async () => {
    const { ws, near } = open();
    ws.send('last words');
    ws.terminate();
    await settle();
    expect(Buffer.concat(near.writes).subarray(2).toString()).toBe('last words');
  });

  it('tells in order, and as CLOSING, what came while it was paused', async () => {
    const { ws, peer } = open();
    const log: unknown[] = [];
    ws.on('message', (data) => log.push(['message', String(data), ws.readyState]));
    ws.on('ping', (data) => log.push(['ping', String(data), ws.readyState]));
    ws.on('close', () => log.push('close'));
    ws.pause();
    peer.send(
      { opcode: 1, payload: 'a' },
      { opcode: 9, payload: 'b' },
      { opcode: 1, payload: 'c' },
    );
    await settle();
    ws.terminate();
    ws.resume();
    await settle();
    expect(log).toEqual([['message', 'a', 2], ['ping', 'b', 2], ['message', 'c', 2], 'close']);
  });
});
