// The tester: plays one case over one raw connection and throws at the first difference. It is
// driven by what arrives, not by the clock, except for the short silences that a case asks for.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  decodeClose,
  encodeClose,
  encodeFrame,
  type FrameSpec,
  type RawPeer,
  type WireFrame,
} from '../support/wire.ts';
import {
  BINARY,
  type Case,
  CLOSE,
  CONTINUATION,
  type Event,
  PING,
  PONG,
  type Step,
  TEXT,
} from './case.ts';

/** How long a silence lasts that shows that nothing is wrong yet, in ms. */
const SILENCE = 80;

/**
 * Plays `entry` against whoever is at the other end of `tester`, to the end of the TCP connection.
 * Throws AssertionError for any difference, Error when nothing came for `patience` ms.
 */
export async function run(tester: RawPeer, entry: Case, patience = 4000): Promise<void> {
  await new Run(tester, entry, patience).play();
}

/** `[rows] number title` for the role of the tested side. */
export function titleOf(entry: Case, subject: 'client' | 'server'): string {
  const own = subject === 'server' ? entry.serverRows : entry.clientRows;
  return `${entry.rows}${own === undefined ? '' : ` ${own}`} ${entry.number} ${entry.title}`;
}

class Run {
  #tester: RawPeer;
  #case: Case;
  #patience: number;
  // Each frame has one key, also when its octets leave in pieces.
  #keys = new Map<FrameSpec, Buffer>();
  #closeSent = false;

  constructor(tester: RawPeer, entry: Case, patience: number) {
    this.#tester = tester;
    this.#case = entry;
    this.#patience = patience;
  }

  async play(): Promise<void> {
    const { ending, steps, events } = this.#case;
    for (const step of steps) await this.#take(step);
    if (ending.by === 'tester' && !this.#closeSent) {
      await this.#until(() => this.#events().length >= events.length);
      await this.#take({
        do: 'send',
        frames: [{ opcode: CLOSE, payload: encodeClose(1000) }],
        chop: 'whole',
      });
    }
    await this.#end();
    this.#judge();
  }

  async #take(step: Step): Promise<void> {
    switch (step.do) {
      case 'send':
        this.#closeSent ||= step.frames.some(({ opcode }) => opcode === CLOSE);
        return this.#send(step.frames, step.chop);
      case 'piece': {
        const octets = this.#encode(step.frame);
        const header = octets.length - Buffer.from(step.frame.payload ?? '').length;
        const start = step.start === 0 ? 0 : header + step.start;
        return this.#tester.send(octets.subarray(start, header + step.end));
      }
      case 'quiet': {
        const before = this.#tester.frames().length;
        await sleep(SILENCE);
        assert.equal(this.#tester.frames().length, before, 'a frame came into the silence');
        assert.equal(this.#tester.finished, undefined, 'the connection ended in the silence');
        return;
      }
      case 'events':
        return this.#until(() => this.#events().length >= step.count);
      case 'failure':
        await this.#until(() => this.#closes().length > 0);
        return;
    }
  }

  async #send(frames: FrameSpec[], chop: 'whole' | 'frame' | number): Promise<void> {
    const octets = frames.map((frame) => this.#encode(frame));
    const whole = Buffer.concat(octets);
    if (chop === 'whole') return this.#tester.send(whole);
    if (typeof chop === 'number') return this.#tester.send(whole, { chop });
    // A chop as long as the frame: one write and one turn of the loop for each.
    for (const frame of octets) await this.#tester.send(frame, { chop: frame.length });
  }

  /** §5.1: masked when the tester plays the client. */
  #encode(frame: FrameSpec): Buffer {
    if (this.#tester.role === 'server') return encodeFrame(frame);
    const mask = this.#keys.get(frame) ?? randomBytes(4);
    this.#keys.set(frame, mask);
    return encodeFrame({ ...frame, mask });
  }

  /** The tested side's Close and the end of TCP. A server ends first (§7.1.1), a client when its server does. */
  async #end(): Promise<void> {
    const tester = this.#tester;
    await this.#until(() => this.#closes().length > 0);
    if (tester.role === 'client') {
      await this.#until(() => tester.finished !== undefined);
      tester.end();
    } else {
      if (!this.#closeSent) await this.#send([this.#answer()], 'whole');
      tester.end();
      await this.#until(() => tester.finished !== undefined);
    }
    await this.#until(() => tester.isClosed);
  }

  /** A server's answer to the Close of a client that fails. */
  #answer(): FrameSpec {
    return { opcode: CLOSE, payload: this.#closes()[0].payload };
  }

  /** Waits for what must come; ends early, and leaves the rest to the judgement, when the peer ended. */
  #until(holds: () => boolean): Promise<void> {
    return this.#tester.until(
      () => holds() || (this.#tester.finished !== undefined && this.#closes().length === 0),
      this.#patience,
    );
  }

  #closes(): WireFrame[] {
    return this.#tester.frames().filter(({ opcode }) => opcode === CLOSE);
  }

  #events(): Event[] {
    return readEvents(this.#tester.frames());
  }

  #judge(): void {
    const frames = this.#tester.frames();
    const { events, ending } = this.#case;
    for (const frame of frames) checkFrame(frame, this.#tester.role === 'server');
    checkKeys(frames);
    assert.equal(this.#tester.rest().length, 0, 'half a frame at the end');
    assert.deepEqual(this.#events().map(show), events.map(show), 'what came back');
    this.#events().forEach((event, i) => {
      assert.ok(event.payload.equals(events[i].payload), `payload of event ${i}`);
    });
    // §5.5.1: one Close, and nothing after it.
    assert.equal(this.#closes().length, 1, 'exactly one Close');
    assert.equal(frames.at(-1)?.opcode, CLOSE, 'nothing after Close');
    assert.equal(decodeClose(this.#closes()[0].payload).code, ending.code, 'code in the Close');
    if (ending.clean) assert.equal(this.#tester.finished, 'fin', 'TCP ended in order');
  }
}

/** Puts messages together; anything out of order is an error of the tested side (§5.4). */
function readEvents(frames: WireFrame[]): Event[] {
  const events: Event[] = [];
  let open: { kind: 'text' | 'binary'; parts: Buffer[] } | undefined;
  for (const { opcode, fin, payload } of frames) {
    if (opcode === CLOSE) continue;
    if (opcode === PING || opcode === PONG) {
      events.push({ kind: opcode === PING ? 'ping' : 'pong', payload });
      continue;
    }
    if (opcode === TEXT || opcode === BINARY) {
      assert.equal(open, undefined, 'a message began inside another');
      open = { kind: opcode === TEXT ? 'text' : 'binary', parts: [] };
    } else {
      assert.equal(opcode, CONTINUATION, 'an opcode that the RFC defines');
    }
    assert.ok(open !== undefined, 'a continuation of nothing');
    open.parts.push(payload);
    if (!fin) continue;
    events.push({ kind: open.kind, payload: Buffer.concat(open.parts) });
    open = undefined;
  }
  return events;
}

/** What every frame of the tested side must be like, whatever the case is about (§5.1, §5.2, §5.5). */
function checkFrame(frame: WireFrame, isFromClient: boolean): void {
  const length = frame.payload.length;
  assert.equal(frame.masked, isFromClient, 'masked exactly when it comes from a client');
  assert.equal(frame.rsv, 0, 'no reserved bit');
  assert.equal(frame.length, length < 126 ? 7 : length < 65536 ? 16 : 64, 'shortest length form');
  if (frame.opcode < 8) return;
  assert.ok(frame.fin, 'a control frame is never fragmented');
  assert.ok(length <= 125, 'a control frame has at most 125 octets');
}

/** §5.3: each frame has its own key. Equal ones by chance: less than 1 in 10^7 for eleven frames. */
function checkKeys(frames: WireFrame[]): void {
  const keys = frames.flatMap(({ key }) => (key === undefined ? [] : [key.toString('hex')]));
  assert.equal(new Set(keys).size, keys.length, 'a masking key used twice');
}

function show({ kind, payload }: Event): string {
  return `${kind} of ${payload.length}: ${payload.toString('hex', 0, 40)}`;
}
