// The load generator's process: takes jobs over IPC, one at a time, and answers each with what it saw.
// After a failure it ends, since connections of the failed job may still be open.

import { exchange } from './jobs/exchange.ts';
import { fanOut } from './jobs/fan-out.ts';
import { drop, hold } from './jobs/hold.ts';
import type { Job, Outcome } from './jobs/job.ts';
import { lives } from './jobs/lives.ts';

/** Seconds that a job may last beyond its warm-up and window. */
const GRACE = 20;

function start(job: Job, fail: (error: Error) => void): Promise<Outcome> {
  switch (job.kind) {
    case 'exchange':
      return exchange(job, fail);
    case 'fan-out':
      return fanOut(job, fail);
    case 'lives':
      return lives(job, fail);
    case 'hold':
      return hold(job, fail);
    case 'drop':
      return Promise.resolve(drop());
  }
}

/** Does one job; rejects when the server misbehaves or the job does not end in time. */
async function perform(job: Job): Promise<Outcome> {
  const seconds = GRACE + ('seconds' in job ? job.warmup + job.seconds : 0);
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Outcome>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no end after ${seconds} s`)), seconds * 1000);
      start(job, reject).then(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
  }
}

// Ctrl+C is for the benchmark, which ends this process itself.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(0));
process.on('message', (job: Job) => {
  perform(job).then(
    (outcome) => process.send?.({ outcome }),
    (error: Error) => process.send?.({ error: error.message }, () => process.exit(1)),
  );
});
