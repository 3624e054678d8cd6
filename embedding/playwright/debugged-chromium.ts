// A Chromium with an open debugging port, started without Playwright, as people connect to over CDP.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

export class DebuggedChromium {
  readonly #process: ChildProcess;
  readonly #profile: string;
  /** The WebSocket address of the browser. */
  readonly endpoint: string;

  private constructor(process: ChildProcess, profile: string, endpoint: string) {
    this.#process = process;
    this.#profile = profile;
    this.endpoint = endpoint;
  }

  static async start(executable: string): Promise<DebuggedChromium> {
    const profile = mkdtempSync(join(tmpdir(), 'handfast-chromium-'));
    const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic'];
    args.push('--no-first-run', '--disable-dev-shm-usage', '--remote-debugging-port=0');
    const child = spawn(executable, [...args, `--user-data-dir=${profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    for await (const line of createInterface({ input: child.stderr })) {
      const endpoint = /^DevTools listening on (ws:.*)$/.exec(line)?.[1];
      if (endpoint === undefined) continue;
      child.stderr.resume();
      return new DebuggedChromium(child, profile, endpoint);
    }
    throw new Error('Chromium ended before it listened');
  }

  /** The HTTP address, by which the other can be found. */
  get httpUrl(): string {
    return `http://${new URL(this.endpoint).host}`;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGKILL');
      await once(this.#process, 'exit');
    }
    // Its children may be writing still, and `maxRetries` does not look for files that are new.
    for (let left = 50; ; left--) {
      try {
        rmSync(this.#profile, { recursive: true, force: true });
        return;
      } catch (error) {
        if (left === 0) throw error;
        await delay(100);
      }
    }
  }
}
