import { describe, expect, it } from 'vitest';
import { type Seen, Window } from '../../bench/window.ts';

/** No process has this number: nothing is known of its CPU. */
const NOBODY = 2 ** 30;

function runWindow(step: number): Promise<{ seen: Seen; total: number; inside: number }> {
  return new Promise((resolve) => {
    let inside = 0;
    const window: Window = new Window(NOBODY, 0.01, 0.03, (seen) => {
      clearInterval(timer);
      resolve({ seen, total: window.count, inside });
    });
    const timer = setInterval(() => {
      // What the first tick of the window brings came before it.
      if (window.isOpen) inside += step;
      window.tick(step);
    }, 1);
  });
}

describe('Window', () => {
  it('counts what comes between its marks, whole ticks only', async () => {
    const { seen, total, inside } = await runWindow(7);
    expect(seen.count).toBe(inside);
    expect(seen.count % 7).toBe(0);
    expect(total).toBeGreaterThan(seen.count);
    expect(seen.serverCpu).toBeNull();
    expect(seen.loadShare).toBeGreaterThan(0);
  });

  it('says nothing once it is cancelled', async () => {
    let ended = false;
    const window = new Window(NOBODY, 0.001, 0.001, () => {
      ended = true;
    });
    window.cancel();
    await new Promise((resolve) => setTimeout(resolve, 20));
    window.tick(1);
    window.tick(1);
    expect(ended).toBe(false);
    expect(window.isOpen).toBe(false);
  });
});
