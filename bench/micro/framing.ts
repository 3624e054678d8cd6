// Frames (§5.2) and what becomes of them: header codec, reader, writer, and a whole connection that echoes.

import { randomBytes } from 'node:crypto';
import { BINARY, encodeMasked, TEXT } from '../frames.ts';
import { formatBytes } from '../numbers.ts';
import type { Library, MicroCase } from './case.ts';

/** As much as a socket gives at a time. */
const CHUNK = 65_536;
const FIN_BINARY = 0x82;
const FIN_TEXT = 0x81;
const IN_A_BATCH = 16;

const LENGTHS = [
  ['7-bit length', 100],
  ['16-bit length', 1000],
  ['64-bit length', 100_000],
] as const;

export function createHeaderCases({ frame }: Library): MicroCase[] {
  const target = new Uint8Array(16);
  const header = new frame.FrameHeader();
  const operations = 64;
  return LENGTHS.flatMap(([name, length]): MicroCase[] => {
    const context = new frame.FrameContext('server');
    const encoded = new Uint8Array(16);
    const end = frame.encodeMaskedHeader(encoded, 0, FIN_BINARY, length, 0x12345678);
    const decode = (): number => {
      let sum = 0;
      for (let i = 0; i < operations; i++) {
        sum += frame.decodeHeader(header, encoded, 0, end, context) + header.length;
      }
      return sum;
    };
    const encode = (): number => {
      let sum = 0;
      for (let i = 0; i < operations; i++) {
        sum += frame.encodeHeader(target, 0, FIN_BINARY, length + i) + target[1];
      }
      return sum;
    };
    const encodeClient = (): number => {
      let sum = 0;
      for (let i = 0; i < operations; i++) {
        sum += frame.encodeMaskedHeader(target, 0, FIN_BINARY, length + i, i) + target[3];
      }
      return sum;
    };
    const common = { group: 'header', operations, bytes: 0 } as const;
    return [
      { ...common, name: `decode, masked, ${name}`, run: decode },
      { ...common, name: `encode, unmasked, ${name}`, run: encode },
      { ...common, name: `encode, masked, ${name}`, run: encodeClient },
    ];
  });
}

/** As many masked frames as make up a chunk. */
function createChunk(size: number, opcode: number): { chunk: Buffer; count: number } {
  const count = Math.max(1, Math.floor(CHUNK / (size + 8)));
  const payload = Buffer.alloc(size, 'handfast');
  const frames = Array.from({ length: count }, () => encodeMasked(opcode, true, payload));
  return { chunk: Buffer.concat(frames), count };
}

/** Short fragments, read as a connection reads them, in the memory that sockets read to or in another. */
function createRunCase({ frame, arena }: Library, size: number, inArena: boolean): MicroCase {
  const payload = Buffer.alloc(size, 'handfast');
  const operations = Math.floor(CHUNK / (size + 6));
  const fragment = encodeMasked(0, false, payload);
  const fragments = Buffer.concat(Array.from({ length: operations }, () => fragment));
  const memory = inArena ? arena.getArena() : Buffer.allocUnsafeSlow(CHUNK);
  const chunk = memory.subarray(0, fragments.length);
  let seen = 0;
  const count = (bytes: Buffer): void => {
    seen += bytes.length;
  };
  const sink = {
    onData: (_: unknown, bytes: Buffer) => count(bytes),
    onRun: count,
    onControl() {},
  };
  const reader = new frame.FrameReader(new frame.FrameContext('server'), sink);
  reader.read(encodeMasked(BINARY, false, Buffer.alloc(0)));
  const run = (): number => {
    // What was joined is no frames any more.
    fragments.copy(chunk);
    reader.read(chunk);
    return seen;
  };
  const name = `fragments of ${formatBytes(size)}, joined${inArena ? ' in the arena' : ''}`;
  return { group: 'reader', name, operations, bytes: size, run };
}

export function createReaderCases(library: Library): MicroCase[] {
  const { frame } = library;
  const createCase = (size: number, piece: number): MicroCase => {
    const { chunk, count } = createChunk(size, BINARY);
    let seen = 0;
    const sink = {
      onData: (_: unknown, bytes: Buffer, last: boolean) => {
        seen += bytes.length + (last ? 1 : 0);
      },
      onControl: () => {},
    };
    const reader = new frame.FrameReader(new frame.FrameContext('server'), sink);
    // Payloads are unmasked in place: each call finds them as the one before has left them.
    const run = (): number => {
      for (let at = 0; at < chunk.length; at += piece) reader.read(chunk.subarray(at, at + piece));
      return seen;
    };
    const cut = piece < chunk.length ? `, in pieces of ${formatBytes(piece)}` : '';
    const name = `frames of ${formatBytes(size)}${cut}`;
    return { group: 'reader', name, operations: count, bytes: size, run };
  };
  const whole = [0, 8, 64, 125, 1024, 16_384, 1_048_576].map((size) => createCase(size, Infinity));
  const runs = [8, 64, 125].flatMap((size) =>
    [false, true].map((inArena) => createRunCase(library, size, inArena)),
  );
  return [...whole, createCase(64, 17), createCase(16_384, 1460), ...runs];
}

export function createWriterCases({ frame }: Library): MicroCase[] {
  const createCase = (role: 'client' | 'server', size: number, isText: boolean): MicroCase => {
    const writer = new frame.FrameWriter(role);
    const payload = isText ? 'handfast'.repeat(size / 8) : randomBytes(size);
    const first = isText ? FIN_TEXT : FIN_BINARY;
    const run = (): number => {
      let sum = 0;
      for (let i = 0; i < IN_A_BATCH; i++) sum += writer.write(first, payload);
      return sum + writer.take().length;
    };
    const name = `${role}, ${formatBytes(size)} ${isText ? 'string' : 'bytes'}`;
    // A server's large payloads are kept by reference: no bytes are moved.
    const bytes = role === 'server' && size >= CHUNK / 8 ? 0 : size;
    return { group: 'writer', name, operations: IN_A_BATCH, bytes, run };
  };
  return (['server', 'client'] as const).flatMap((role) => [
    createCase(role, 64, true),
    createCase(role, 64, false),
    createCase(role, 1024, true),
    createCase(role, 1024, false),
    createCase(role, 16_384, false),
  ]);
}

export function createConnectionCases({ connection }: Library): MicroCase[] {
  const createCase = (size: number): MicroCase => {
    const { chunk, count } = createChunk(size, TEXT);
    const copy = Buffer.allocUnsafeSlow(chunk.length);
    let written = 0;
    const events = {
      onMessage: (data: Buffer, isBinary: boolean) => void subject.send(data, isBinary),
      onPing: () => {},
      onPong: () => {},
      onClose: () => {},
      onFail: (error: Error) => {
        throw error;
      },
    };
    const transport = {
      write: (chunks: Buffer[]) => {
        for (const { length } of chunks) written += length;
      },
      wake: () => {},
      end: () => {},
    };
    const subject = new connection.Connection({ role: 'server' }, events, transport);
    const run = (): number => {
      // Text has to be text, so each call works on masked bytes anew.
      chunk.copy(copy);
      subject.receive(copy);
      return written;
    };
    const name = `echo of ${formatBytes(size)} text, a chunk at a time`;
    return { group: 'connection', name, operations: count, bytes: size, run };
  };
  return [8, 64, 1024, 16_384].map(createCase);
}
