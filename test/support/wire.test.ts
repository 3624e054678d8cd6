// The hand-made peers against the examples of §5.7 and §1.3, and against each other. Whatever the
// other tests conclude rests on these.

import { describe, expect, it } from 'vitest';
import {
  acceptFor,
  decodeClose,
  decodeFrames,
  encodeClose,
  encodeFrame,
  RawClient,
  RawServer,
} from './wire.ts';

const KEY = Buffer.from('37fa213d', 'hex');

describe('the codec', () => {
  it('writes and reads the examples of §5.7', () => {
    const examples = [
      { hex: '810548656c6c6f', spec: { opcode: 1, payload: 'Hello' } },
      { hex: '818537fa213d7f9f4d5158', spec: { opcode: 1, payload: 'Hello', mask: KEY } },
      { hex: '010348656c', spec: { opcode: 1, payload: 'Hel', fin: false } },
      { hex: '80026c6f', spec: { opcode: 0, payload: 'lo' } },
      { hex: '890548656c6c6f', spec: { opcode: 9, payload: 'Hello' } },
      { hex: '8a8537fa213d7f9f4d5158', spec: { opcode: 10, payload: 'Hello', mask: KEY } },
    ];
    for (const { hex, spec } of examples) {
      expect(encodeFrame(spec).toString('hex')).toBe(hex);
      const { frames, rest } = decodeFrames(Buffer.from(`${hex}81`, 'hex'));
      expect(frames).toHaveLength(1);
      expect(frames[0].payload.toString()).toBe(spec.payload);
      expect(frames[0].fin).toBe(spec.fin ?? true);
      expect(frames[0].opcode).toBe(spec.opcode);
      expect(frames[0].key).toEqual(spec.mask);
      expect(rest.toString('hex')).toBe('81');
    }
    const header = (length: number) => encodeFrame({ opcode: 2, payload: Buffer.alloc(length) });
    expect(header(256).toString('hex', 0, 4)).toBe('827e0100');
    expect(header(65536).toString('hex', 0, 10)).toBe('827f0000000000010000');
  });

  it('writes what no endpoint should', () => {
    const hex = (spec: Parameters<typeof encodeFrame>[0]) => encodeFrame(spec).toString('hex');
    expect(hex({ opcode: 3, rsv: 5, fin: false })).toBe('5300');
    expect(hex({ opcode: 1, payload: 'a', length: 16 })).toBe('817e000161');
    expect(hex({ opcode: 1, payload: 'a', length: 64 })).toBe('817f000000000000000161');
    expect(hex({ opcode: 9, announcedLength: 2n ** 64n - 1n })).toBe('897fffffffffffffffff');
    expect(hex({ opcode: 1, announcedLength: 5, payload: 'a', mask: KEY })).toBe('818537fa213d56');
    expect(
      decodeFrames(encodeFrame({ opcode: 1, payload: 'a', length: 64 })).frames[0].length,
    ).toBe(64);
  });

  it('writes and reads close bodies and the accept value of §1.3', () => {
    expect(encodeClose(1000, 'ok').toString('hex')).toBe('03e86f6b');
    expect(encodeClose().length).toBe(0);
    expect(decodeClose(Buffer.from('03e86f6b', 'hex'))).toEqual({
      code: 1000,
      reason: Buffer.from('ok'),
    });
    expect(decodeClose(Buffer.alloc(0)).code).toBeUndefined();
    expect(acceptFor('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  });
});

describe('the peers', () => {
  it('shake hands, talk, and see an orderly end', async () => {
    const server = await RawServer.listen();
    const early = encodeFrame({ opcode: 1, payload: 'early', mask: KEY });
    const client = await RawClient.connect(server.port, { path: '/chat', early });
    const peer = await server.accept();
    expect(peer.head).toContain('GET /chat HTTP/1.1\r\n');
    expect((await peer.nextFrame()).payload.toString()).toBe('early');
    await client.sendFrame({ opcode: 2, payload: Buffer.alloc(300, 7) }, { chop: 100 });
    const frame = await peer.nextFrame();
    expect([frame.masked, frame.length, frame.payload.length]).toEqual([true, 16, 300]);
    await peer.sendFrame({ opcode: 9 });
    expect((await client.nextFrame()).masked).toBe(false);
    peer.end();
    expect(await client.ended).toBe('fin');
    expect(client.isClosed).toBe(false);
    await expect(client.nextFrame()).rejects.toThrow('peer ended');
    client.end();
    await Promise.all([client.closed, peer.closed]);
    await server.close();
  });

  it('tell a reset from an orderly end, and silence from both', async () => {
    const server = await RawServer.listen();
    const client = await RawClient.connect(server.port);
    const peer = await server.accept();
    await expect(peer.nextFrame(30)).rejects.toThrow('nothing after 30 ms');
    await client.sendFrame({ opcode: 1, payload: 'unread' });
    await peer.until(() => peer.received.length > 0);
    peer.socket.pause();
    // Destroying a socket with octets unread makes the kernel send RST.
    client.socket.write(Buffer.alloc(4 * 1024 * 1024));
    await new Promise((resolve) => setTimeout(resolve, 50));
    peer.destroy();
    expect(await client.ended).toBe('reset');
    expect(client.error).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
    await server.close();
  });

  it('let a server refuse, and say so', async () => {
    const server = await RawServer.listen(() => 'HTTP/1.1 403 Forbidden\r\n\r\n');
    await expect(RawClient.connect(server.port)).rejects.toThrow('handshake refused: HTTP/1.1 403');
    await server.close();
  });
});
