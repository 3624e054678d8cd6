// Runs what `npm start` runs, as a child on a free port, and reads the URL it prints. Knows no page.

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A running or ended child. */
export interface Child {
  readonly process: ChildProcess;
  /** Everything it wrote to standard output so far. */
  output(): string;
  /** Everything it wrote to standard error so far. */
  errors(): string;
  /** Fulfils with the exit code, or with the signal's name when a signal ended it. */
  readonly ended: Promise<number | string>;
  /** Ends it, whatever state it is in, and waits until it is gone. */
  end(): Promise<void>;
}

/**
 * Starts a script of the project with these variables added to the environment. Not by tsx's command, which
 * runs the script in a child of its own and kills it when a signal is not seen there within 60 ms.
 */
export function run(script: string, env: Record<string, string> = {}, args: string[] = []): Child {
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const ended = new Promise<number | string>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  void ended.then(() => process.off('exit', kill));
  const end = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(kill, 3000);
    await ended;
    clearTimeout(late);
  };
  return { process: child, output: () => output, errors: () => errors, ended, end };
}

/** Waits until the child has written something that matches; fails when it ends first or after 10 s. */
export async function printed(child: Child, pattern: RegExp): Promise<RegExpExecArray> {
  const until = Date.now() + 10_000;
  let over = false;
  void child.ended.then(() => {
    over = true;
  });
  for (;;) {
    const match = pattern.exec(child.output());
    if (match !== null) return match;
    if (over || Date.now() > until) {
      throw new Error(`${pattern} was not printed:\n${child.output()}${child.errors()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts the demo on a free port; `url` has no slash at its end. */
export async function startDemo(): Promise<Child & { url: string }> {
  const child = run('demo/main.ts', { HOST: '127.0.0.1', PORT: '0' });
  const [, url] = await printed(child, /(http:\/\/127\.0\.0\.1:\d+)\//);
  return { ...child, url };
}
