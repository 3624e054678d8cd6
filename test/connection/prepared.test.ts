// Prepared messages: encoded once, compressed once for those who compress alike, and sent by either
// role as any other message.

import { Buffer } from 'node:buffer';
import { afterEach, describe, expect, it } from 'vitest';
import { PreparedMessage } from '../../src/connection/prepared.ts';
import { DeflateCodec } from '../../src/deflate/codec.ts';
import type { DeflateParameters } from '../../src/deflate/negotiation.ts';
import { Endpoint } from './endpoint.ts';

const TAKEOVER: DeflateParameters = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};
const ALONE = { ...TAKEOVER, serverNoContextTakeover: true, clientNoContextTakeover: true };

const open: DeflateCodec[] = [];
afterEach(() => {
  for (const codec of open.splice(0)) codec.close();
});

function codecOf(role: 'client' | 'server', parameters: DeflateParameters): DeflateCodec {
  const codec = new DeflateCodec(role, parameters, { threshold: 10 });
  open.push(codec);
  return codec;
}

const hello = 'Hello, hello, hello to all of you';

describe('a prepared message', () => {
  it('is sent by both roles as any other', () => {
    for (const role of ['client', 'server'] as const) {
      const { connection, ...rest } = new Endpoint({ role });
      expect(rest).toBeDefined();
      expect(connection.sendPrepared(new PreparedMessage(hello))).toBe(hello.length);
    }
    for (const role of ['client', 'server'] as const) {
      const endpoint = new Endpoint({ role });
      endpoint.connection.sendPrepared(new PreparedMessage('text'));
      endpoint.connection.sendPrepared(new PreparedMessage(Buffer.from('binary')));
      endpoint.connection.sendPrepared(new PreparedMessage(new Uint8Array([1, 2]).buffer));
      endpoint.connection.sendPrepared(new PreparedMessage(new Uint16Array([1])));
      endpoint.connection.sendPrepared(new PreparedMessage(Buffer.from('é'), { binary: false }));
      endpoint.connection.sendPrepared(new PreparedMessage('é', { binary: true }));
      expect(endpoint.frames().every(({ masked }) => masked === (role === 'client'))).toBe(true);
      expect(endpoint.wire()).toEqual([
        `81:${Buffer.from('text').toString('hex')}`,
        `82:${Buffer.from('binary').toString('hex')}`,
        '82:0102',
        '82:0100',
        '81:c3a9',
        '82:c3a9',
      ]);
    }
  });

  it('keeps its bytes, whatever becomes of those it was made of', () => {
    const bytes = Buffer.from('as they were');
    const message = new PreparedMessage(bytes);
    bytes.fill(0);
    const large = Buffer.alloc(100_000, 'x');
    const second = new PreparedMessage(large);
    large.fill(0);
    const endpoint = new Endpoint({ role: 'server' });
    endpoint.connection.sendPrepared(message);
    endpoint.connection.sendPrepared(second);
    expect(endpoint.frames().map(({ payload }) => payload.toString())).toEqual([
      'as they were',
      'x'.repeat(100_000),
    ]);
  });

  it('[6455-5.6-a] refuses as text what is not UTF-8', () => {
    expect(() => new PreparedMessage(Buffer.from([0xff]), { binary: false })).toThrow(TypeError);
  });

  it('is compressed once for all who compress alike, and not for those who do not', () => {
    const message = new PreparedMessage(hello);
    const [one, other] = [codecOf('server', ALONE), codecOf('server', ALONE)];
    const frame = message.frameFor(one);
    expect(frame.first).toBe(0xc1);
    expect(frame.frame.length).toBeLessThan(hello.length);
    expect(message.frameFor(other)).toBe(frame);
    expect(message.frameFor(codecOf('server', { ...ALONE, serverMaxWindowBits: 10 }))).not.toBe(
      frame,
    );
    expect(message.frameFor(null).first).toBe(0x81);
    // Not worthwhile, not wanted.
    expect(new PreparedMessage('short').frameFor(one).first).toBe(0x81);
    expect(new PreparedMessage(hello, { compress: false }).frameFor(one).first).toBe(0x81);
    expect(new PreparedMessage(Buffer.from(hello)).frameFor(one).first).toBe(0xc2);
  });

  it('[7692-7.2.1-a] is understood among other messages, with takeover and without', () => {
    for (const parameters of [TAKEOVER, ALONE]) {
      for (const role of ['client', 'server'] as const) {
        const peer = role === 'client' ? 'server' : 'client';
        const sender = new Endpoint({ role, codec: codecOf(role, parameters) });
        const receiver = new Endpoint({ role: peer, codec: codecOf(peer, parameters) });
        const message = new PreparedMessage(hello);
        for (let i = 0; i < 3; i++) {
          sender.connection.send(`${hello} number ${i}`, false);
          sender.connection.sendPrepared(message);
          sender.connection.send(`${hello} number ${i}`, false, true, false);
          sender.connection.send(`${hello} again ${i}`, false);
        }
        sender.connection.flush();
        receiver.connection.receive(sender.written);
        expect(receiver.told).toEqual(
          [0, 1, 2].flatMap((i) => [
            ['text', `${hello} number ${i}`],
            ['text', hello],
            ['text', `${hello} number ${i}`],
            ['text', `${hello} again ${i}`],
          ]),
        );
      }
    }
  });

  it('[6455-5.4-f] does not go between the fragments of another message, nor behind a Close', () => {
    const { connection, ...endpoint } = new Endpoint({ role: 'server' });
    expect(endpoint).toBeDefined();
    const message = new PreparedMessage('x');
    connection.send('a', false, false);
    expect(() => connection.sendPrepared(message)).toThrow('before the last fragment');
    connection.send('b', false, true);
    expect(connection.sendPrepared(message)).toBe(1);
    connection.close(1000);
    expect(connection.sendPrepared(message)).toBe(-1);
  });
});
