// The processes of the benchmark: servers under test and the load, each pinned to a core where that can
// be done, each ended by its own pid. Knows nothing of what is measured.

import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Job, Outcome } from './jobs/job.ts';
import type { Launch } from './rivals.ts';

const STARTING_MS = 15_000;
const require = createRequire(import.meta.url);
const children = new Set<ChildProcess>();

/** Cores for the server and for the load; null where there is only one or they cannot be chosen. */
export interface Cores {
  readonly server: number;
  readonly load: number;
  /** They are two threads of one core, so that what the one does slows the other down. */
  readonly siblings: boolean;
}

/** Two of the cores that this process may use, of which the first serves. */
export function findCores(): Cores | null {
  const { status, stdout } = spawnSync('taskset', ['-cp', String(process.pid)], {
    encoding: 'utf8',
  });
  if (status !== 0) return null;
  return chooseCores(parseCores(stdout.slice(stdout.lastIndexOf(':') + 1)), readSiblings);
}

/** The first, and the first after it that is no thread of the same core, if there is one. */
export function chooseCores(
  [server, ...others]: readonly number[],
  siblingsOf: (core: number) => readonly number[],
): Cores | null {
  if (others.length === 0) return null;
  const siblings = siblingsOf(server);
  const load = others.find((core) => !siblings.includes(core)) ?? others[0];
  return { server, load, siblings: siblings.includes(load) };
}

/** The threads of a core, itself among them; none where that is not told. */
function readSiblings(core: number): number[] {
  const path = `/sys/devices/system/cpu/cpu${core}/topology/thread_siblings_list`;
  try {
    return parseCores(readFileSync(path, 'utf8'));
  } catch {
    return [];
  }
}

/** A list of cores such as `0-3,8`. */
export function parseCores(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first, last = first] = part.trim().split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

function adopt(child: ChildProcess): void {
  children.add(child);
  child.on('exit', () => children.delete(child));
  child.on('error', () => children.delete(child));
}

/** Ends every child that still runs; for leaving in a hurry. */
export function endChildren(): void {
  for (const child of children) child.kill('SIGKILL');
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** A server says that it cannot do what a scenario asks for; the message says why. */
export class Declined extends Error {}

/** What a server tells of itself; null where it does not. */
export interface ServerStats {
  /** Messages received so far; null from a server that does not read frames. */
  readonly messages: number | null;
  /** Time spent in garbage collections so far, in milliseconds. */
  readonly gcMs: number | null;
  /** Bytes of its JavaScript objects. */
  readonly heap: number | null;
}

/** A server under test. */
export class Server {
  readonly pid: number;
  readonly port: number;
  /** As the server itself tells it. */
  readonly version: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, ready: string) {
    const { port, version } = JSON.parse(ready) as { port: number; version: string };
    this.#child = child;
    this.#lines = lines;
    this.pid = child.pid as number;
    this.port = port;
    this.version = version;
  }

  /**
   * Starts one that does what `service` says, which is JSON for servers/control.mjs. Rejects with
   * Declined, or with the end of what it wrote to stderr when it does not get ready.
   */
  static async start(launch: Launch, service: string, core: number | null): Promise<Server> {
    const pin = core === null ? [] : ['taskset', '-c', String(core)];
    const [command, ...args] = [...pin, launch.command, ...launch.args, service];
    // Options meant for the benchmark's own process must not reach the servers.
    const env = { ...process.env, NODE_OPTIONS: '', ...launch.env };
    const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    adopt(child);
    let complaint = '';
    child.stdin.on('error', () => {});
    child.stderr.on('data', (piece: Buffer) => {
      complaint = (complaint + piece.toString()).slice(-2000);
    });
    const failed = once(child, 'error').then(([error]) => {
      complaint = (error as Error).message;
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const timer = setTimeout(() => child.kill('SIGKILL'), STARTING_MS);
    const first = await Promise.race([lines.next(), failed]).finally(() => clearTimeout(timer));
    if (first === undefined || first.done === true) {
      await end(child);
      throw new Error(complaint.trim() || 'it did not start');
    }
    const { declined } = JSON.parse(first.value) as { declined?: string };
    if (declined !== undefined) {
      await end(child);
      throw new Declined(declined);
    }
    return new Server(child, lines, first.value);
  }

  async #ask<Answer>(question: string): Promise<Answer> {
    this.#child.stdin?.write(`${question}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the server is gone');
    return JSON.parse(value) as Answer;
  }

  readStats(): Promise<ServerStats> {
    return this.#ask('stats');
  }

  /** Has the server collect its garbage; false if it cannot. */
  async collect(): Promise<boolean> {
    return (await this.#ask<{ collected: boolean }>('gc')).collected;
  }

  /** Lets it end by itself, so that it can write what it has gathered; by force if it takes too long. */
  async finish(): Promise<void> {
    const gone = once(this.#child, 'exit');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STARTING_MS);
    this.#child.stdin?.end();
    await gone;
    clearTimeout(timer);
  }

  end(): Promise<void> {
    return end(this.#child);
  }
}

/** Starts a module of the benchmark as a process of its own, with a channel for messages. */
export function forkModule(
  name: string,
  args: readonly string[],
  core: number | null,
): ChildProcess {
  const node = ['--import', pathToFileURL(require.resolve('tsx')).href];
  const pinned = ['-c', String(core), process.execPath, ...node];
  const child = fork(fileURLToPath(new URL(name, import.meta.url)), [...args], {
    execPath: core === null ? process.execPath : 'taskset',
    execArgv: core === null ? node : pinned,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  adopt(child);
  return child;
}

/** The load generator. Its process is started when needed and again after a failure. */
export class Load {
  readonly #core: number | null;
  #child: ChildProcess | null = null;

  constructor(core: number | null) {
    this.#core = core;
  }

  /** Has one job done; jobs must not overlap. Rejects with what the load complained of. */
  perform(job: Job): Promise<Outcome> {
    const child = this.#child ?? forkModule('load.ts', [], this.#core);
    this.#child = child;
    return new Promise((resolve, reject) => {
      const settle = (result: { outcome?: Outcome; error?: string }): void => {
        child.off('message', settle);
        child.off('exit', onExit);
        if (result.outcome !== undefined) {
          resolve(result.outcome);
          return;
        }
        this.#child = null;
        child.kill('SIGKILL');
        reject(new Error(result.error));
      };
      const onExit = (): void => settle({ error: 'the load generator has ended' });
      child.on('message', settle);
      child.on('exit', onExit);
      child.send(job);
    });
  }

  async end(): Promise<void> {
    if (this.#child !== null) await end(this.#child);
    this.#child = null;
  }
}
