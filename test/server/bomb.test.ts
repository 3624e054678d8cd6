// Decompression bombs (§10.4): a gibibyte of zeros in a mebibyte of DEFLATE data, whole and in
// fragments, by the limit that a server has without being told. Resident memory is looked at meanwhile.

import { Buffer } from 'node:buffer';
import { deflateRawSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { decodeClose, RawClient } from '../support/wire.ts';
import { onEnd, openServer } from './stage.ts';

const MEBIBYTE = 1 << 20;

/** A gibibyte: 1 024 times a mebibyte, each by itself. */
function bomb(): Buffer {
  const part = deflateRawSync(Buffer.alloc(MEBIBYTE), { finishFlush: 2, level: 9 });
  return Buffer.concat(Array.from({ length: 1024 }, () => part)).subarray(0, -4);
}

it.each([1, 50])(
  '[6455-10.4-d] a bomb of 1 GiB in %d frames ends in 1009, and takes little memory',
  async (count) => {
    const { server, port } = await openServer('port', { perMessageDeflate: true });
    const told: string[] = [];
    server.on('connection', (ws) => {
      ws.on('message', () => told.push('message'));
      ws.on('error', (error: Error & { code?: string }) => told.push(String(error.code)));
    });
    const data = bomb();
    expect(data.length).toBeLessThan(2 * MEBIBYTE);
    const client = await RawClient.connect(port, {
      headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' },
    });
    onEnd(() => client.destroy());
    const before = process.memoryUsage().rss;
    let most = before;
    const timer = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss);
    }, 2);
    const size = Math.ceil(data.length / count);
    for (let i = 0; i < count; i++) {
      void client.sendFrame({
        opcode: i === 0 ? 1 : 0,
        rsv: i === 0 ? 4 : 0,
        fin: i === count - 1,
        payload: data.subarray(i * size, (i + 1) * size),
      });
    }
    const { opcode, payload } = await client.nextFrame(20_000);
    clearInterval(timer);
    expect([opcode, decodeClose(payload).code]).toEqual([8, 1009]);
    expect(told).toEqual(['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH']);
    const growth = Math.round((most - before) / MEBIBYTE);
    expect(growth, 'MiB of growth').toBeLessThan(150);
  },
  30_000,
);
