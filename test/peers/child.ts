// Child: one process that a suite started. It is ended by its own pid, its exit is awaited, and
// none is left behind when the test process itself goes.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';

const running = new Set<Child>();
process.once('exit', () => {
  // Not SIGKILL: nginx has workers of its own to end.
  for (const child of running) child.kill('SIGTERM');
});

/** A running process; `stop()` in a hook that also runs after a failure. */
export class Child {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #exited: Promise<unknown>;
  #complaint = '';

  constructor(command: string, args: readonly string[], env: Record<string, string> = {}) {
    this.#process = spawn(command, args, { env: { ...process.env, ...env } });
    running.add(this);
    // A command that cannot be started emits 'error' and never 'exit'.
    this.#exited = Promise.race([once(this.#process, 'exit'), once(this.#process, 'error')])
      .catch((error: unknown) => {
        this.#complaint += String(error);
      })
      .finally(() => running.delete(this));
    this.#process.stderr.setEncoding('utf8');
    this.#process.stderr.on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-4096);
    });
    // Writing to a child that has gone is reported by whoever waits for its answer.
    this.#process.stdin.on('error', () => {});
  }

  get stdin(): NodeJS.WritableStream {
    return this.#process.stdin;
  }

  get stdout(): NodeJS.ReadableStream {
    return this.#process.stdout;
  }

  /** The end of what it wrote to stderr. */
  get complaint(): string {
    return this.#complaint;
  }

  /** Settles when the process has ended, for whatever reason. */
  get exited(): Promise<unknown> {
    return this.#exited;
  }

  get running(): boolean {
    return running.has(this);
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Asks it to end, insists after two seconds, returns when it has gone. */
  async stop(): Promise<void> {
    this.kill('SIGTERM');
    const insist = setTimeout(() => this.kill('SIGKILL'), 2_000);
    await this.#exited;
    clearTimeout(insist);
  }
}
