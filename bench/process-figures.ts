// What Linux tells of another process: CPU time and memory, read the same way for every rival.
// Where there is no /proc the figures are null and are left out of the report.

import { readdirSync, readFileSync } from 'node:fs';

// USER_HZ, which is 100 on every Linux that Node runs on.
const TICKS_PER_SECOND = 100;

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/**
 * CPU time that all threads of the process have used, in µs. To the nanosecond where the kernel tells
 * of its scheduler; otherwise, or if threads have ended meanwhile, in steps of 10 000 µs.
 */
export function readCpu(pid: number): number | null {
  const stat = read(`/proc/${pid}/stat`);
  return stat === null ? null : Math.max(parseStat(stat), readThreads(pid));
}

/** CPU time of the main thread alone, in µs; null where the scheduler does not tell. */
export function readMainCpu(pid: number): number | null {
  const text = read(`/proc/${pid}/task/${pid}/sched`);
  return text === null ? null : parseSched(text);
}

/** How long the main thread could have run and had to wait for a core, in µs. */
export function readMainQueued(pid: number): number | null {
  const text = read(`/proc/${pid}/task/${pid}/schedstat`);
  return text === null ? null : Number(text.split(' ')[1]) / 1000;
}

/** CPU time spent in the kernel, all threads, in µs, in steps of 10 000. */
export function readSystemCpu(pid: number): number | null {
  const stat = read(`/proc/${pid}/stat`);
  return stat === null ? null : parseSystem(stat);
}

/** Pages of memory that the process had to be given so far, without reading them from a disk. */
export function readFaults(pid: number): number | null {
  const stat = read(`/proc/${pid}/stat`);
  return stat === null ? null : Number(splitStat(stat)[7]);
}

/** The threads of a process that bear this name. */
export function findThreads(pid: number, name: string): number[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads
      .filter((thread) => read(`/proc/${pid}/task/${thread}/comm`)?.trim() === name)
      .map(Number);
  } catch {
    return [];
  }
}

/** The sum over the threads that live; 0 where it is not told. */
function readThreads(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const times = threads.map((thread) => read(`/proc/${pid}/task/${thread}/sched`));
    return times.reduce((sum, text) => sum + parseSched(text ?? ''), 0);
  } catch {
    return 0;
  }
}

/** The time that a thread has run, in µs, from /proc/<pid>/task/<tid>/sched; 0 if it is not there. */
export function parseSched(text: string): number {
  const found = /^se\.sum_exec_runtime\s*:\s*([\d.]+)/m.exec(text);
  return found === null ? 0 : Number(found[1]) * 1000;
}

/** The fields of a line of /proc/<pid>/stat behind the second one, which may hold anything. */
function splitStat(line: string): string[] {
  return line.slice(line.lastIndexOf(')') + 2).split(' ');
}

/** utime + stime in µs from a line of /proc/<pid>/stat. */
export function parseStat(line: string): number {
  const fields = splitStat(line);
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS_PER_SECOND;
}

/** stime in µs from a line of /proc/<pid>/stat. */
export function parseSystem(line: string): number {
  return (Number(splitStat(line)[12]) * 1e6) / TICKS_PER_SECOND;
}

/** Resident memory now and at its highest, in KiB. */
export function readMemory(pid: number): { rss: number; peak: number } | null {
  const status = read(`/proc/${pid}/status`);
  const rss = status?.match(/^VmRSS:\s+(\d+) kB/m)?.[1];
  const peak = status?.match(/^VmHWM:\s+(\d+) kB/m)?.[1] ?? rss;
  return rss === undefined ? null : { rss: Number(rss), peak: Number(peak) };
}
