// The peer's Close while something of ours still waits to be sent (§5.5.1), on handfast and on the installed
// `ws`: what leaves, in which order, and what the application is told, by callbacks, events and attributes.

import { Buffer } from 'node:buffer';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../support/wire.ts';
import { connect, ours, type Package, theirs } from './connect.ts';
import { answered, BYE, close, lost, meant, type Outcome, type Scene, Stage } from './scenes.ts';

type Role = 'client' | 'server';

const KEY = Buffer.from('a1b2c3d4', 'hex');

/** Plays a scene to its end. */
async function play(subject: Package, role: Role, scene: Scene): Promise<Outcome> {
  const { act, frames = [close(BYE)], next = (stage: Stage) => stage.release() } = scene;
  const options = { closeTimeout: scene.closeTimeout ?? 15_000 };
  const [ws, peer] = await connect(subject, role, { deflate: true, options });
  const stage = new Stage(subject, ws, peer);
  const outcome: Outcome = { log: stage.log, wire: [], waiting: [0, 0] };
  const closed = new Promise<void>((resolve) => ws.once('close', () => resolve()));
  const read = new Promise<void>((resolve) => {
    ws.once('message', () => {
      act(stage);
      // By then the rest of the chunk has been read.
      process.nextTick(() => {
        outcome.waiting = [ws.readyState, ws.bufferedAmount];
        resolve();
      });
    });
  });
  const mask = peer.role === 'client' ? KEY : (false as const);
  const all = [{ opcode: 1, payload: 'begin' }, ...frames];
  await peer.send(Buffer.concat(all.map((frame) => encodeFrame({ mask, ...frame }))));
  await read;
  await next(stage);
  // The peer ends the transport when a Close or the end of ours has come, unless it has done so before.
  const isOver = (): boolean =>
    peer.finished !== undefined || stage.wire.some((line) => line.startsWith('8:'));
  await Promise.race([closed, peer.until(isOver)]);
  peer.end();
  await closed;
  stage.release();
  // What is told of a Blob may come behind `close`.
  await expect.poll(() => stage.waiting, { interval: 5 }).toBe(0);
  await sleep(5);
  outcome.wire.push(...stage.wire);
  return outcome;
}

/**
 * Plays a scene on both. `bufferedAmount` of `ws` counts the Close that waits as well, ours what was sent
 * by `send`, `ping` and `pong` (WHATWG §3.1).
 */
async function both(role: Role, scene: Scene): Promise<[Outcome, Outcome]> {
  const mine = await play(ours, role, scene);
  const other = await play(theirs, role, scene);
  other.waiting[1] -= scene.waitingClose ?? BYE.length;
  return [mine, other];
}

describe.each(['server', 'client'] as const)('a Close that comes to a %s', (role) => {
  it.each(Object.entries(answered))(
    '[6455-5.5.1-h] [6455-5.5.1-j] is answered behind %s',
    async (_, { expected, ...scene }) => {
      const [mine, other] = await both(role, scene);
      expect(mine).toEqual(other);
      expect(mine).toMatchObject(expected);
    },
  );

  it.each(Object.entries(meant))('on purpose: %s', async (_, { ours, theirs, ...scene }) => {
    const [mine, other] = await both(role, scene);
    expect(mine).toMatchObject(ours);
    expect(other).toMatchObject(theirs);
  });

  it.each(Object.entries(lost))('is not answered when %s', async (_, { expected, ...scene }) => {
    const [mine, other] = await both(role, scene);
    expect(mine).toEqual(other);
    expect(mine).toMatchObject(expected);
  });
});
