// The message of ours in progress: first bytes of its frames (§5.4), and text that stays text (§5.6).

import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { OutgoingMessage } from '../../src/connection/outgoing.ts';

const euro = Buffer.from('€');

describe('an outgoing message', () => {
  it('[6455-5.4-a] [6455-5.4-b] has its type on the first frame, FIN on the last', () => {
    const message = new OutgoingMessage();
    const next = (isBinary: boolean, fin: boolean): [number, boolean] => [
      message.next(isBinary, fin),
      message.isFragmented,
    ];
    expect([next(false, true), next(true, true)]).toEqual([
      [0x81, false],
      [0x82, false],
    ]);
    // Whatever type a later fragment claims to have.
    expect([next(true, false), next(false, false), next(false, true)]).toEqual([
      [0x02, true],
      [0x00, true],
      [0x80, false],
    ]);
    expect(next(false, false)).toEqual([0x01, true]);
  });

  it('[6455-5.6-a] takes strings, binary, and bytes that are UTF-8', () => {
    const message = new OutgoingMessage();
    for (const [data, isBinary] of [
      ['€', false],
      [Buffer.from([0xff]), true],
      [euro, false],
      [new Uint8Array([0x61]), false],
    ] as const) {
      expect(() => message.check(data, isBinary, true)).not.toThrow();
    }
    expect(() => message.check(Buffer.from([0xff]), false, true)).toThrow(TypeError);
    expect(() => message.check(euro, false, true)).not.toThrow();
  });

  it('[6455-5.6-a] takes text in fragments that end inside a character, and no half of one', () => {
    const message = new OutgoingMessage();
    const say = (data: string | Uint8Array, fin: boolean): void => {
      message.check(data, false, fin);
      message.next(false, fin);
    };
    say(euro.subarray(0, 1), false);
    say(euro.subarray(1), false);
    say('and a string', true);
    // Binary fragments are nobody's text.
    message.check(Buffer.from([0xff]), true, false);
    message.next(true, false);
    say(Buffer.from([0xff]), true);
    say(euro.subarray(0, 1), false);
    expect(() => say('', true)).toThrow(TypeError);
    // Nothing makes text of what has been sent.
    expect(() => say(euro.subarray(1), true)).toThrow(TypeError);
  });

  it('leaves nothing behind of a first fragment that is refused', () => {
    const message = new OutgoingMessage();
    expect(() => message.check(Buffer.from([0xff]), false, false)).toThrow(TypeError);
    expect(message.isFragmented).toBe(false);
    expect(() => message.check(euro, false, true)).not.toThrow();
  });
});
