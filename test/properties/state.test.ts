// The public socket as a state machine: two of them against a model, one against a peer that breaks
// rules, sends of all kinds in order, listeners that misbehave, and bufferedAmount. All in memory.

import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BaseWebSocket } from '../../src/websocket/websocket.ts';
import { decodeFrames, encodeFrame } from '../support/wire.ts';
import { MemorySocket, memoryPair, open, settle, uncaughtDuring } from '../websocket/pair.ts';
import { closeCode, role, runs, text } from './arbitraries.ts';

/** Milliseconds of a closing handshake, by a clock that only the tests move. */
const CLOSE_TIMEOUT = 1000;
const SIDES = ['client', 'server'] as const;
type Side = (typeof SIDES)[number];
const other = (side: Side): Side => (side === 'client' ? 'server' : 'client');

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
});
afterEach(() => void vi.useRealTimers());

/** What one socket went through, checked as it goes. */
class Follower {
  readonly ws: BaseWebSocket;
  /** The messages that have come, and the pings and pongs. */
  readonly messages: string[] = [];
  readonly states: number[] = [0];
  readonly events: string[] = [];
  readonly faults: string[] = [];

  constructor(ws: BaseWebSocket) {
    this.ws = ws;
    ws.on('open', () => this.#event('open'));
    ws.on('message', (data, isBinary) => {
      this.#event('message');
      this.messages.push(`${isBinary ? 'b' : 't'}${data}`);
    });
    ws.on('error', () => this.#event('error'));
    ws.on('close', () => this.#event('close'));
  }

  /** The state only ever grows. */
  look(): void {
    const { readyState } = this.ws;
    const last = this.states.at(-1) as number;
    if (readyState === last) return;
    if (readyState < last) this.faults.push(`${last} → ${readyState}`);
    this.states.push(readyState);
  }

  #event(name: string): void {
    this.look();
    if (this.events.includes('close')) this.faults.push(`${name} after close`);
    if (name !== 'message' && this.events.includes(name)) this.faults.push(`${name} twice`);
    if (name === 'message' && !this.events.includes('open'))
      this.faults.push('message before open');
    if (name === 'close' && this.ws.readyState !== 3) this.faults.push('close before CLOSED');
    this.events.push(name);
  }
}

/** A stream end whose bytes are brought to the other end when told, so many at a time. */
class SlowSocket extends MemorySocket {
  #bytes: Buffer = Buffer.alloc(0);
  #isEnded = false;
  to: SlowSocket | null = null;

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    done();
  }

  override _writev(list: { chunk: Buffer }[], done: () => void): void {
    this._write(Buffer.concat(list.map(({ chunk }) => chunk)), 'binary', done);
  }

  override _final(done: () => void): void {
    this.#isEnded = true;
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#isEnded = true;
    done(error);
  }

  /** Brings up to `count` bytes over; when there are none, the end. */
  deliver(count: number): boolean {
    const piece = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(piece.length);
    const { to } = this;
    if (to === null || to.destroyed || to.readableEnded) return piece.length > 0;
    if (piece.length > 0) {
      to.push(Buffer.from(piece));
      return true;
    }
    if (!this.#isEnded) return false;
    to.push(null);
    this.to = null;
    return true;
  }
}

class World {
  readonly sockets: Record<Side, SlowSocket>;
  readonly followers: Record<Side, Follower>;
  /** What each side was allowed to send, as the model has it. */
  readonly sent: Record<Side, string[]> = { client: [], server: [] };
  readonly callbacks: Record<Side, number[]> = { client: [], server: [] };
  readonly asked: Record<Side, number> = { client: 0, server: 0 };
  readonly fragment: Record<Side, string | null> = { client: null, server: null };
  /** Payload bytes that came too late, which bufferedAmount keeps. */
  readonly late: Record<Side, number> = { client: 0, server: 0 };

  constructor() {
    const [client, server] = [new SlowSocket(), new SlowSocket()];
    client.to = server;
    server.to = client;
    this.sockets = { client, server };
    const make = (side: Side): Follower => {
      const ws = new BaseWebSocket(side, { closeTimeout: CLOSE_TIMEOUT });
      const follower = new Follower(ws);
      ws.setSocket(this.sockets[side], Buffer.alloc(0));
      return follower;
    };
    this.followers = { client: make('client'), server: make('server') };
  }

  ws(side: Side): BaseWebSocket {
    return this.followers[side].ws;
  }

  check(): void {
    for (const side of SIDES) {
      const { faults, messages, ws } = this.followers[side];
      this.followers[side].look();
      expect(faults).toEqual([]);
      const sent = this.sent[other(side)];
      expect(messages).toEqual(sent.slice(0, messages.length));
      // All of it has been written, as this transport takes all: only what came too late counts.
      if (!ws.socket?.destroyed) expect(ws.bufferedAmount).toBe(this.late[side]);
      const order = this.callbacks[side];
      expect(order).toEqual([...new Set(order)]);
    }
  }
}

type Command = fc.AsyncCommand<{ open: boolean }, World>;

/** A command that does one thing and then lets the turn pass. */
function command(name: string, act: (world: World) => void): Command {
  return {
    check: () => true,
    async run(_model, world) {
      act(world);
      await settle(2);
      world.check();
    },
    toString: () => name,
  };
}

function send(world: World, side: Side, message: string, isBinary: boolean, fin: boolean): void {
  const ws = world.ws(side);
  const data = isBinary ? Buffer.from(message) : message;
  const number = world.asked[side]++;
  const done = (): void => void world.callbacks[side].push(number);
  if (ws.readyState === 1) {
    const begun = world.fragment[side];
    const whole = begun === null ? `${isBinary ? 'b' : 't'}${message}` : `${begun}${message}`;
    world.fragment[side] = fin ? null : whole;
    if (fin) world.sent[side].push(whole);
  } else {
    world.late[side] += Buffer.byteLength(message);
  }
  ws.send(data, { fin }, done);
  // Not within the turn does anything fall.
  expect(ws.bufferedAmount).toBeGreaterThanOrEqual(Buffer.byteLength(message));
}

const side = fc.constantFrom<Side>(...SIDES);
const words = fc.string({ maxLength: 20 });
const commands = [
  fc
    .tuple(side, words, fc.boolean(), fc.boolean())
    .map(([side, message, isBinary, fin]) =>
      command(`${side}.send(${JSON.stringify(message)}, ${isBinary}, ${fin})`, (world) =>
        send(world, side, message, isBinary, fin),
      ),
    ),
  fc.tuple(side, fc.boolean()).map(([side, isPing]) =>
    command(`${side}.${isPing ? 'ping' : 'pong'}()`, (world) => {
      if (isPing) world.ws(side).ping();
      else world.ws(side).pong();
    }),
  ),
  side.map((side) => command(`${side}.pause()`, (world) => world.ws(side).pause())),
  side.map((side) => command(`${side}.resume()`, (world) => world.ws(side).resume())),
  fc
    .tuple(side, closeCode)
    .map(([side, code]) =>
      command(`${side}.close(${code})`, (world) => world.ws(side).close(code)),
    ),
  side.map((side) => command(`${side}.terminate()`, (world) => world.ws(side).terminate())),
  fc
    .tuple(side, fc.integer({ min: 1, max: 60 }))
    .map(([from, count]) =>
      command(`${from} → ${count} bytes`, (world) => void world.sockets[from].deliver(count)),
    ),
  side.map((side) => command(`cut ${side}`, (world) => void world.sockets[side].destroy())),
  fc
    .integer({ min: 1, max: CLOSE_TIMEOUT })
    .map((time) => command(`wait ${time}`, () => void vi.advanceTimersByTime(time))),
];

describe('two sockets and the wire between them', () => {
  it('[6455-6.1-a] [wh-4-e] [wh-4-i] keep to the states, and what arrives is what was sent (property 28)', async () => {
    // Most of what happens is sending and carrying; an end comes now and then.
    const weights = [12, 4, 2, 2, 1, 0.2, 16, 0.2, 2].map((weight) => weight * 5);
    const each = fc.oneof(
      ...commands.map((arbitrary, i) => ({ weight: weights[i] as number, arbitrary })),
    ) as fc.Arbitrary<Command>;
    await fc.assert(
      fc.asyncProperty(fc.commands([each], { maxCommands: 60, size: 'max' }), async (list) => {
        const world = new World();
        await fc.asyncModelRun(() => ({ model: { open: true }, real: world }), list);
        // And in the end everything ends.
        for (const side of SIDES) world.ws(side).resume();
        for (const side of SIDES) world.ws(side).close();
        for (let moved = true; moved; ) {
          moved = world.sockets.client.deliver(1000);
          moved = world.sockets.server.deliver(1000) || moved;
          await settle(2);
        }
        vi.advanceTimersByTime(CLOSE_TIMEOUT);
        await settle(3);
        world.check();
        for (const side of SIDES) {
          const { events, states, ws } = world.followers[side];
          expect(ws.readyState).toBe(3);
          expect(events.filter((each) => each === 'open' || each === 'close')).toEqual([
            'open',
            'close',
          ]);
          expect(states.join('')).toMatch(/^01(2)?3$/);
          expect(world.callbacks[side].length).toBe(world.asked[side]);
        }
        expect(vi.getTimerCount()).toBe(0);
      }),
      runs(150),
    );
  });
});

/** What a scripted peer does: whole frames right and wrong, bytes, ends. */
const act = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      opcode: fc.constantFrom(0, 1, 2, 8, 9, 10),
      fin: fc.boolean(),
      payload: fc.uint8Array({ maxLength: 130 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      opcode: fc.nat(15),
      rsv: fc.nat(7),
      payload: fc.uint8Array({ maxLength: 10 }),
    }),
  },
  { weight: 2, arbitrary: text.map((payload) => ({ opcode: 1, payload })) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'end' as const,
      'destroy' as const,
      'stall' as const,
      'drain' as const,
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'close' as const,
      'send' as const,
      'ping' as const,
      'pause' as const,
      'resume' as const,
    ),
  },
);

describe('a socket and a peer that breaks any rule', () => {
  it('throws nothing and ends in CLOSED within its timers (property 29)', async () => {
    const caught = await uncaughtDuring(() =>
      fc.assert(
        fc.asyncProperty(
          role,
          fc.boolean(),
          fc.array(act, { maxLength: 25, size: 'max' }),
          fc.boolean(),
          async (role, masks, acts, listens) => {
            const { ws, near, peer } = open(role, {
              closeTimeout: CLOSE_TIMEOUT,
              maxPayload: 1000,
            });
            const follower = listens ? new Follower(ws) : null;
            if (follower !== null) follower.events.push('open');
            const mask =
              masks === (role === 'server') ? Buffer.from('01020304', 'hex') : (false as const);
            let closes = 0;
            ws.on('close', () => closes++);
            for (const each of acts) {
              const { socket } = peer;
              if (each === 'end') socket.end();
              else if (each === 'destroy') socket.destroy();
              else if (each === 'stall') near.stalled = true;
              else if (each === 'drain') {
                near.stalled = false;
                near.drain();
              } else if (each === 'close') ws.close(1000);
              else if (each === 'send') ws.send('a message');
              else if (each === 'ping') ws.ping();
              else if (each === 'pause') ws.pause();
              else if (each === 'resume') ws.resume();
              else if (socket.writable) {
                const bytes =
                  each instanceof Uint8Array
                    ? Buffer.from(each)
                    : encodeFrame({ ...each, payload: Buffer.from(each.payload), mask });
                socket.write(bytes);
              }
              await settle(1);
              follower?.look();
            }
            // At the latest when the application has had enough.
            ws.close();
            await settle(2);
            vi.advanceTimersByTime(CLOSE_TIMEOUT);
            await settle(3);
            expect([ws.readyState, closes, near.destroyed]).toEqual([3, 1, true]);
            expect(follower?.faults ?? []).toEqual([]);
            expect(vi.getTimerCount()).toBe(0);
          },
        ),
        runs(150),
      ),
    );
    expect(caught).toEqual([]);
  });
});

/** A Blob that takes its time. */
class SlowBlob extends Blob {
  readonly #turns: number;

  constructor(parts: string[], turns: number) {
    super(parts);
    this.#turns = turns;
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = super.arrayBuffer();
    await settle(this.#turns);
    return bytes;
  }
}

const sending = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), content: text, turns: fc.constant(0) }),
  fc.record({
    kind: fc.constantFrom(
      'view' as const,
      'arraybuffer' as const,
      'list' as const,
      'blob' as const,
    ),
    content: fc.string({ maxLength: 30 }),
    turns: fc.nat(4),
  }),
);

describe('sends of every kind', () => {
  it('[wh-3.1-send-c] [wh-3.1-send-d] [wh-3.1-send-e] arrive in the order of the calls, as they were at the call (property 15)', async () => {
    await fc.assert(
      fc.asyncProperty(
        role,
        fc.array(sending, { maxLength: 12 }),
        fc.boolean(),
        async (role, sends, closes) => {
          const { ws, peer } = open(role);
          const expected: string[] = [];
          const told: number[] = [];
          for (const [i, { kind, content, turns }] of sends.entries()) {
            const bytes = Buffer.from(content);
            expected.push(`${kind === 'text' ? 1 : 2}:${bytes}`);
            const done = (): void => void told.push(i);
            // Lies in the middle of something larger, and is overwritten as soon as it was sent.
            const memory = Uint8Array.from([7, 7, 7, ...bytes, 7, 7]);
            const view = new DataView(memory.buffer, 3, bytes.length);
            const exact = Uint8Array.from(bytes).buffer;
            if (kind === 'text') ws.send(content, done);
            else if (kind === 'view') ws.send(view, done);
            else if (kind === 'arraybuffer') ws.send(exact, done);
            else if (kind === 'list') ws.send([bytes.subarray(0, 2), bytes.subarray(2)], done);
            else ws.send(new SlowBlob([content], turns), done);
            for (const each of [memory, new Uint8Array(exact), bytes]) each.fill(0x58);
          }
          if (closes) ws.close(1000);
          for (let i = 0; i < 200 && told.length < sends.length; i++) await settle(1);
          await settle(2);
          expect(peer.seen.slice(0, sends.length)).toEqual(expected);
          expect(peer.closes.length).toBe(closes ? 1 : 0);
          expect(told).toEqual(sends.map((_, i) => i));
          expect(ws.bufferedAmount).toBe(0);
          ws.terminate();
          await settle(2);
        },
      ),
      runs(100),
    );
  });
});

/** Takes as many writes at a time as it is told to; what it has taken counts. */
class MeteredSocket extends MemorySocket {
  taken: Buffer = Buffer.alloc(0);
  #waiting: { bytes: Buffer; done: () => void } | null = null;

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#waiting = { bytes: chunk, done };
  }

  override _writev(list: { chunk: Buffer }[], done: () => void): void {
    this._write(Buffer.concat(list.map(({ chunk }) => chunk)), 'binary', done);
  }

  accept(count: number): void {
    for (let i = 0; i < count && this.#waiting !== null; i++) {
      const { bytes, done } = this.#waiting;
      this.#waiting = null;
      this.taken = Buffer.concat([this.taken, bytes]);
      done();
    }
  }

  /** Payload in the frames that were taken whole. */
  get payload(): number {
    return decodeFrames(this.taken).frames.reduce((sum, { payload }) => sum + payload.length, 0);
  }
}

describe('bufferedAmount', () => {
  it('[wh-3.1-send-h] [wh-3.1-send-i] [wh-3.1-send-j] is the payload not yet handed over, however the transport drains (property 32)', async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          send: fc.array(fc.oneof(fc.nat(300), fc.constantFrom(0, 9000, 70_000)), { maxLength: 4 }),
        }),
      },
      { weight: 3, arbitrary: fc.record({ take: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.constantFrom('close' as const, 'terminate' as const) },
    );
    await fc.assert(
      fc.asyncProperty(role, fc.array(step, { maxLength: 20 }), async (role, steps) => {
        const near = new MeteredSocket();
        const ws = new BaseWebSocket(role, { closeTimeout: CLOSE_TIMEOUT });
        ws.setSocket(near, Buffer.alloc(0));
        let asked = 0;
        let taken = 0;
        for (const each of steps) {
          const before = ws.bufferedAmount;
          if (each === 'close') ws.close();
          else if (each === 'terminate') ws.terminate();
          else if ('take' in each) near.accept(each.take);
          else {
            let last = before;
            for (const size of each.send) {
              ws.send(Buffer.alloc(size));
              asked += size;
              last += size;
              expect(ws.bufferedAmount).toBe(last);
            }
          }
          await settle(1);
          // A batch counts until the whole of it is written, so never less than what is left.
          if (!near.destroyed) taken = near.payload;
          expect(ws.bufferedAmount).toBeGreaterThanOrEqual(asked - taken);
          expect(ws.bufferedAmount).toBeLessThanOrEqual(asked);
          if (near.destroyed) expect(ws.bufferedAmount).toBeGreaterThanOrEqual(before);
        }
        if (!near.destroyed) {
          for (let i = 0; i < 100; i++) {
            near.accept(1);
            await settle(1);
          }
          expect(ws.bufferedAmount).toBe(asked - near.payload);
        }
        const atEnd = ws.bufferedAmount;
        ws.terminate();
        await settle(3);
        expect([ws.readyState, ws.bufferedAmount]).toEqual([3, atEnd]);
      }),
      runs(100),
    );
  });
});

describe('listeners that throw, leave, close and send', () => {
  it('[wh-4-i] [wh-4-k] do not change the order of events: open, messages, error, close (property 31)', async () => {
    const deed = fc.constantFrom(
      'throw',
      'leave',
      'close',
      'send',
      'terminate',
      'pause',
      'nothing',
    );
    await fc.assert(
      fc.asyncProperty(
        role,
        fc.array(fc.tuple(fc.constantFrom('message', 'close', 'error', 'open'), deed), {
          maxLength: 6,
        }),
        fc.integer({ min: 0, max: 8 }),
        fc.boolean(),
        async (role, deeds, count, breaksRule) => {
          const [near, far] = memoryPair();
          const { ws: scratch, peer } = open(role);
          scratch.terminate();
          const ws = new BaseWebSocket(role, { closeTimeout: CLOSE_TIMEOUT });
          let thrown = 0;
          for (const [type, deed] of deeds) {
            const listener = (): void => {
              if (deed === 'leave') ws.removeEventListener(type as 'open', listener);
              if (deed === 'close') ws.close();
              if (deed === 'send') ws.send('from inside');
              if (deed === 'terminate') ws.terminate();
              if (deed === 'pause') ws.pause();
              if (deed !== 'throw') return;
              thrown++;
              throw new Error('a listener');
            };
            ws.addEventListener(type as 'open', listener);
          }
          const follower = new Follower(ws);
          far.on('data', () => {});
          far.on('error', () => {});
          const caught = await uncaughtDuring(async () => {
            ws.setSocket(near, Buffer.alloc(0));
            const frames = Array.from({ length: count }, (_, i) => ({
              opcode: 1,
              payload: `${i}`,
            }));
            far.write(peer.encode(...frames, ...(breaksRule ? [{ opcode: 3 }] : [])));
            await settle(2);
            if (far.writable) far.end();
            await settle(2);
            ws.close();
            vi.advanceTimersByTime(CLOSE_TIMEOUT);
            await settle(3);
          });
          expect(caught.length).toBe(thrown);
          expect(follower.faults).toEqual([]);
          expect(follower.events.join()).toMatch(/^open(,message)*(,error)?,close$/);
          expect(follower.messages).toEqual(follower.messages.map((_, i) => `t${i}`));
          expect(ws.readyState).toBe(3);
        },
      ),
      runs(100),
    );
  });
});
