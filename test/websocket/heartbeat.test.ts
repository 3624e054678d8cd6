import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startBeating, stopBeating } from '../../src/websocket/heartbeat.ts';

class Member {
  beats = 0;
  beat(): void {
    this.beats++;
  }
}

describe('heartbeats', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('beat every interval until they are stopped', () => {
    const member = new Member();
    startBeating(member, 1000);
    vi.advanceTimersByTime(999);
    expect(member.beats).toBe(0);
    vi.advanceTimersByTime(2001);
    expect(member.beats).toBe(3);
    stopBeating(member, 1000);
    vi.advanceTimersByTime(5000);
    expect(member.beats).toBe(3);
  });

  it('share one timer for each interval, which goes with its last member', () => {
    const members = Array.from({ length: 100 }, () => new Member());
    for (const member of members) startBeating(member, 1000);
    const slow = new Member();
    startBeating(slow, 3000);
    expect(vi.getTimerCount()).toBe(2);
    vi.advanceTimersByTime(3000);
    expect([members[7]?.beats, slow.beats]).toEqual([3, 1]);
    for (const member of members) stopBeating(member, 1000);
    expect(vi.getTimerCount()).toBe(1);
    stopBeating(slow, 3000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('go on when a member leaves during a beat, and take leaving twice', () => {
    const last = new Member();
    const leaver = { beat: () => stopBeating(leaver, 10) };
    startBeating(leaver, 10);
    startBeating(last, 10);
    vi.advanceTimersByTime(30);
    expect(last.beats).toBe(3);
    stopBeating(leaver, 10);
    stopBeating(last, 10);
    stopBeating(last, 10);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('do not keep a process alive', () => {
    vi.useRealTimers();
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const member = new Member();
    startBeating(member, 60_000);
    const after = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    stopBeating(member, 60_000);
    expect(after).toBe(before);
  });
});
