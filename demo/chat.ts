// The endpoint /chat: what one member sends, every member hears, the sender too. No history is kept,
// and a member that reads slowly costs a fixed amount of memory: it misses messages, then its place.

import type { Server } from 'node:http';
import { WebSocket, WebSocketServer } from '../src/index.ts';
import { createProbe, type Probe, selectProtocol } from './probe.ts';

const MAX_MEMBERS = 200;
const MAX_PAYLOAD = 4 * 1024 * 1024;
/** Bytes that may wait for one member; while more do, it is passed over. */
const HIGH_WATER = 1024 * 1024;
/** How long a member may stay behind before it is closed, in milliseconds. */
const PATIENCE = 10_000;

const BIRDS = ['Wren', 'Heron', 'Finch', 'Plover', 'Swift', 'Dunlin', 'Robin', 'Curlew'];

interface Member {
  readonly name: string;
  readonly socket: WebSocket;
  readonly probe: Probe;
  /** Messages it was passed over for since it fell behind. */
  missed: number;
  /** When it fell behind, on the clock of `performance.now()`. */
  behindSince: number;
}

/** Attaches /chat to an HTTP server. */
export function serveChat(server: Server): WebSocketServer {
  const chat = new WebSocketServer({
    server,
    path: '/chat',
    maxPayload: MAX_PAYLOAD,
    perMessageDeflate: true,
    handleProtocols: selectProtocol,
  });
  const room = new Room();
  chat.on('connection', (socket) => {
    if (room.isFull) socket.close(1013, 'The room is full');
    else room.join(socket);
  });
  return chat;
}

class Room {
  readonly #members = new Set<Member>();

  get isFull(): boolean {
    return this.#members.size >= MAX_MEMBERS;
  }

  join(socket: WebSocket): void {
    const name = this.#freeName();
    const member = { name, socket, probe: createProbe(socket), missed: 0, behindSince: 0 };
    this.#members.add(member);
    this.#tell(member, `* You are ${name}; ${this.#here()}`);
    this.#tellAll(`* ${name} joined; ${this.#here()}`, member);
    // A Buffer, as long as nobody sets `binaryType`.
    socket.on('message', (data, isBinary) => this.#hear(member, data as Buffer, isBinary));
    socket.on('close', () => {
      this.#members.delete(member);
      this.#tellAll(`* ${name} left; ${this.#here()}`);
    });
  }

  #hear(member: Member, data: Buffer, isBinary: boolean): void {
    if (isBinary) {
      this.#tellAll(`* ${member.name} sends a file of ${data.length} bytes`);
      this.#tellAll(data);
      return;
    }
    const text = data.toString();
    if (text.length < 32 && member.probe.take(text)) return;
    this.#tellAll(`${member.name}: ${text}`);
  }

  #tellAll(message: string | Buffer, except?: Member): void {
    for (const member of this.#members) if (member !== except) this.#tell(member, message);
  }

  #tell(member: Member, message: string | Buffer): void {
    const { socket } = member;
    if (socket.readyState !== WebSocket.OPEN) return;
    if (socket.bufferedAmount < HIGH_WATER) {
      if (member.missed > 0) socket.send(`* Missed while you were behind: ${member.missed}`);
      member.missed = 0;
      socket.send(message);
      return;
    }
    if (member.missed === 0) member.behindSince = performance.now();
    member.missed += 1;
    // Its Close frame waits behind what it does not read; the closing timeout then ends it (§7.1.1).
    if (performance.now() - member.behindSince > PATIENCE) socket.close(1013, 'Reads too slowly');
  }

  #here(): string {
    return `${this.#members.size} here`;
  }

  #freeName(): string {
    const taken = new Set(Array.from(this.#members, (member) => member.name));
    for (let round = 1; ; round++) {
      const free = BIRDS.map((bird) => (round === 1 ? bird : `${bird} ${round}`)).find(
        (name) => !taken.has(name),
      );
      if (free !== undefined) return free;
    }
  }
}
