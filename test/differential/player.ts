// Plays a script on one implementation, over a stream in memory, and writes down all that its user and
// its peer can see. The same code for both, so that a difference is one of the implementations.

import { Buffer } from 'node:buffer';
import type { KnownSocket } from '../support/known.ts';
import { decodeFrames, encodeFrame } from '../support/wire.ts';
import { type MemorySocket, memoryPair, settle } from '../websocket/pair.ts';
import {
  type Action,
  dataOf,
  type Kind,
  type PeerFrames,
  type Script,
  type Step,
  specOf,
} from './script.ts';

/** An implementation: a class of sockets, and frames made beforehand. */
export interface Subject {
  create(role: 'client' | 'server'): KnownSocket;
  frame(data: Buffer, options: object): Buffer[];
}

/** What was seen. Each list in its own order. */
export interface Outcome {
  /** Events with their arguments, and the state in which they came. */
  readonly events: string[];
  /** Callbacks: which, and whether with an error. */
  readonly callbacks: string[];
  /** What calls threw. */
  readonly thrown: string[];
  /** Frames on the wire, unmasked, and at last what became of the stream. */
  readonly wire: string[];
  /** The state of the socket whenever all is quiet. */
  readonly states: string[];
}

const KEY = Buffer.from('0badcafe', 'hex');
const EMPTY = Buffer.alloc(0);

export async function play(subject: Subject, script: Script): Promise<Outcome> {
  const player = new Player(subject, script);
  for (const step of script.steps) await player.take(step);
  return player.finish();
}

class Player {
  readonly #subject: Subject;
  readonly #role: 'client' | 'server';
  readonly #ws: KnownSocket;
  readonly #far: MemorySocket;
  readonly #outcome: Outcome = { events: [], callbacks: [], thrown: [], wire: [], states: [] };
  readonly #reactions: Action[] = [];
  #received: Buffer = EMPTY;
  #sent = 0;
  /** The application has begun a message and not ended it. */
  #fragmenting = false;
  /** Lets Blobs be read whose bytes have been asked for. */
  readonly #gates: (() => void)[] = [];

  constructor(subject: Subject, { role, maxPayload }: Script) {
    this.#subject = subject;
    this.#role = role;
    const [near, far] = memoryPair();
    this.#far = far;
    far.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    far.on('end', () => this.#outcome.wire.push('fin'));
    far.on('error', () => {});
    const ws = subject.create(role);
    this.#ws = ws;
    this.#listen(ws);
    ws.setSocket(near, EMPTY, { allowSynchronousEvents: true, maxPayload });
  }

  async take(step: Step): Promise<void> {
    if ('wait' in step) await this.#wait(step.wait);
    else if ('release' in step) await this.#release();
    else if ('onMessage' in step) this.#reactions.push(step.onMessage);
    else if ('do' in step) this.#act(step);
    else {
      // What the peer does comes in a turn of its own, as from a network.
      await settle(1);
      if (step.peer === 'end') this.#far.end();
      else if (step.peer === 'reset') this.#far.destroy();
      else await this.#sendFrames(step as PeerFrames);
      await settle(1);
    }
  }

  /** Lets all come to its end: the peer vanishes if nobody else did. */
  async finish(): Promise<Outcome> {
    // One after the other, as they stand in the queue.
    for (let i = 0; i < 20; i++) {
      await this.#release();
    }
    await this.#wait('quiet');
    this.#far.destroy();
    await this.#wait('quiet');
    const { frames, rest } = decodeFrames(this.#received);
    const seen = frames.map(
      ({ fin, rsv, opcode, masked, length, payload }) =>
        `${fin ? 'fin ' : ''}${rsv} ${opcode} ${masked ? 'masked ' : ''}${length} ${digest(payload)}`,
    );
    if (rest.length > 0) seen.push(`rest ${rest.toString('hex')}`);
    this.#outcome.wire.unshift(...seen);
    return this.#outcome;
  }

  #listen(ws: KnownSocket): void {
    const { events } = this.#outcome;
    const note = (text: string): void => void events.push(`${text} (${ws.readyState})`);
    ws.on('open', () => note('open'));
    ws.on('message', (data: unknown, isBinary: boolean) => {
      note(`message ${isBinary} ${describe(data)}`);
      const reaction = this.#reactions.shift();
      if (reaction !== undefined) this.#act(reaction);
    });
    ws.on('ping', (data: unknown) => note(`ping ${describe(data)}`));
    ws.on('pong', (data: unknown) => note(`pong ${describe(data)}`));
    ws.on('error', (error: Error & { code?: string }) =>
      note(`error ${error.code} ${error.message}`),
    );
    ws.on('close', (code: number, reason: unknown) => note(`close ${code} ${describe(reason)}`));
  }

  #act(action: Action): void {
    try {
      this.#do(action);
    } catch (error) {
      this.#outcome.thrown.push(`${(error as Error).name}: ${(error as Error).message}`);
    }
  }

  #do(action: Action): void {
    const ws = this.#ws;
    switch (action.do) {
      case 'send':
        ws.send(
          this.#dataOf(action.kind, action.length),
          { fin: action.fin },
          action.cb ? this.#callback('send') : undefined,
        );
        this.#fragmenting = !action.fin;
        return;
      case 'ping':
      case 'pong':
        ws[action.do](
          this.#dataOf(action.kind, action.length),
          undefined,
          action.cb ? this.#callback(action.do) : undefined,
        );
        return;
      case 'frame': {
        // What ws does with one behind a Close or between fragments is no example: it goes out.
        if (ws.readyState !== 1 || this.#fragmenting) return;
        const { opcode, length } = action;
        const mask = this.#role === 'client';
        const options = { opcode, fin: true, rsv1: false, mask, readOnly: true };
        const list = this.#subject.frame(dataOf('buffer', length) as Buffer, options);
        ws._sender?.sendFrame(list, action.cb ? this.#callback('frame') : undefined);
        return;
      }
      case 'close':
        ws.close(action.code, action.reason);
        return;
      case 'binaryType':
        ws.binaryType = action.type;
        return;
      default:
        ws[action.do]();
    }
  }

  #dataOf(kind: Kind, length: number): unknown {
    const data = dataOf(kind, length);
    if (data instanceof Blob) {
      const bytes = dataOf('arraybuffer', length) as ArrayBuffer;
      data.arrayBuffer = () => new Promise((resolve) => this.#gates.push(() => resolve(bytes)));
    }
    return data;
  }

  async #release(): Promise<void> {
    // In a turn of its own, as from a disk.
    await settle(1);
    for (const open of this.#gates.splice(0)) open();
    await settle(2);
  }

  #callback(name: string): (error?: Error) => void {
    const number = ++this.#sent;
    return (error) =>
      void this.#outcome.callbacks.push(`${name} ${number} ${error ? 'error' : 'ok'}`);
  }

  async #wait(how: 'tick' | 'turn' | 'quiet'): Promise<void> {
    if (how === 'tick') await new Promise<void>((resolve) => process.nextTick(resolve));
    if (how === 'turn') await settle(1);
    if (how !== 'quiet') return;
    await settle();
    const { readyState, isPaused, binaryType, protocol, extensions, bufferedAmount } = this.#ws;
    const amount = readyState === 1 ? (bufferedAmount > 0 ? 'some' : 'none') : '';
    this.#outcome.states.push(
      `${readyState} ${isPaused} ${binaryType} ${protocol} ${extensions} ${amount}`,
    );
  }

  async #sendFrames({ frames, cuts }: PeerFrames): Promise<void> {
    const isClient = this.#role === 'server';
    const bytes = Buffer.concat(
      frames.map((frame) => encodeFrame(specOf(frame, isClient !== frame.wrongMask ? KEY : false))),
    );
    const places = cuts.map((cut) => Math.round(cut * bytes.length)).sort((a, b) => a - b);
    let start = 0;
    for (const end of [...places, bytes.length]) {
      if (end > start && !this.#far.destroyed && !this.#far.writableEnded) {
        this.#far.write(bytes.subarray(start, end));
        if (end < bytes.length) await settle(1);
      }
      start = end;
    }
  }
}

/** What was handed over, and as what. */
function describe(data: unknown): string {
  if (Array.isArray(data)) return `fragments ${digest(Buffer.concat(data as Buffer[]))}`;
  if (data instanceof ArrayBuffer) return `arraybuffer ${digest(Buffer.from(data))}`;
  if (Buffer.isBuffer(data)) return `buffer ${digest(data)}`;
  return String(data);
}

function digest(bytes: Buffer): string {
  const text = bytes.toString('latin1');
  return bytes.length <= 16
    ? JSON.stringify(text)
    : `${bytes.length}:${JSON.stringify(text.slice(0, 8))}`;
}
