// A Mosquitto broker on loopback, one process for each: WebSocket, WebSocket over TLS and plain TCP listeners
// from a configuration in a folder of its own, which goes when the broker is stopped for good.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Ports that nobody listens on just now: Mosquitto cannot be told to choose by itself. */
async function findPorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** The programs that a broker needs, by path. */
export interface Programs {
  readonly mosquitto: string;
  readonly mosquitto_passwd: string;
  readonly openssl: string;
}

export class Mosquitto {
  readonly #programs: Programs;
  readonly #folder = mkdtempSync(join(tmpdir(), 'handfast-mosquitto-'));
  readonly #log: string[] = [];
  #process: ChildProcess | null = null;
  /** Plain TCP, for gateways. */
  tcpPort = 0;
  url = '';
  tlsUrl = '';
  /** A listener that lets in `user` with `password` only. */
  guardedUrl = '';

  private constructor(programs: Programs) {
    this.#programs = programs;
  }

  static async start(programs: Programs): Promise<Mosquitto> {
    const broker = new Mosquitto(programs);
    await broker.#configure();
    await broker.run();
    return broker;
  }

  /** The certificate of the TLS listener, being self-signed its own authority. */
  get certificate(): Buffer {
    return readFileSync(join(this.#folder, 'cert.pem'));
  }

  /** What the broker has said of its connections since the start. */
  get log(): string {
    return this.#log.join('\n');
  }

  /** Starts the process, again after `halt()`, on the same ports. */
  async run(): Promise<void> {
    const child = spawn(
      this.#programs.mosquitto,
      ['-v', '-c', join(this.#folder, 'mosquitto.conf')],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    this.#process = child;
    const lines = createInterface({ input: child.stderr });
    const running = new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`mosquitto ended:\n${this.log}`)));
      lines.on('line', (line) => {
        this.#log.push(line);
        if (/ running$/.test(line)) resolve();
      });
    });
    await running;
    child.removeAllListeners('exit');
  }

  /**
   * Waits for `work` and gives the broker something to do meanwhile: it reads and writes 4 KiB of a WebSocket
   * message per turn, and lies down for 100 ms before the next unless something wakes it. Left alone it
   * takes 26 seconds for a mebibyte, whatever client sends it.
   */
  async awake<T>(work: Promise<T>): Promise<T> {
    const socket = connect(this.tcpPort, '127.0.0.1');
    // MQTT 3.1.1: CONNECT with a clean session and no client identifier, then PINGREQ after PINGREQ.
    socket.write(Buffer.from([0x10, 12, 0, 4, ...Buffer.from('MQTT'), 4, 2, 0, 60, 0, 0]));
    socket.resume();
    const timer = setInterval(() => socket.write(Buffer.from([0xc0, 0])), 1);
    try {
      return await work;
    } finally {
      clearInterval(timer);
      socket.destroy();
    }
  }

  /** Ends the process and with it all connections. */
  async halt(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }

  async stop(): Promise<void> {
    await this.halt();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #configure(): Promise<void> {
    const [plain, tls, guarded, tcp] = (await findPorts(4)) as [number, number, number, number];
    const path = (name: string) => join(this.#folder, name);
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const files = ['-keyout', path('key.pem'), '-out', path('cert.pem'), '-days', '2'];
    const { openssl, mosquitto_passwd } = this.#programs;
    execFileSync(openssl, ['req', '-x509', ...key, ...names, ...files], { stdio: 'pipe' });
    execFileSync(mosquitto_passwd, ['-b', '-c', path('passwords'), 'user', 'password']);
    const lines = [
      `user ${userInfo().username}`,
      'per_listener_settings true',
      'log_dest stderr',
      ...[`listener ${plain} 127.0.0.1`, 'protocol websockets', 'allow_anonymous true'],
      ...[`listener ${tls} 127.0.0.1`, 'protocol websockets', 'allow_anonymous true'],
      ...[`certfile ${path('cert.pem')}`, `keyfile ${path('key.pem')}`],
      ...[`listener ${guarded} 127.0.0.1`, 'protocol websockets', 'allow_anonymous false'],
      `password_file ${path('passwords')}`,
      ...[`listener ${tcp} 127.0.0.1`, 'allow_anonymous true'],
    ];
    writeFileSync(path('mosquitto.conf'), `${lines.join('\n')}\n`);
    this.tcpPort = tcp;
    this.url = `ws://127.0.0.1:${plain}`;
    this.tlsUrl = `wss://127.0.0.1:${tls}`;
    this.guardedUrl = `ws://127.0.0.1:${guarded}`;
  }
}
