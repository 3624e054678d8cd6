import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { DualEmitter } from '../../src/websocket/dual-emitter.ts';
import { CloseEvent, MessageEvent } from '../../src/websocket/event.ts';

class Probe extends DualEmitter {
  override get origin(): string {
    return 'ws://example.org';
  }
  override get wasClean(): boolean {
    return true;
  }
}

describe('DualEmitter', () => {
  it('calls listeners of both kinds in the order in which they were added', () => {
    const probe = new Probe();
    const seen: string[] = [];
    probe.on('message', () => seen.push('on'));
    probe.addEventListener('message', () => seen.push('addEventListener'));
    probe.onmessage = () => seen.push('attribute');
    probe.once('message', () => seen.push('once'));
    probe.emit('message', Buffer.from('x'), false);
    expect(seen).toEqual(['on', 'addEventListener', 'attribute', 'once']);
  });

  it('[wh-4-d] [wh-4-g] gives handlers event objects made of what the emitter was told', () => {
    const probe = new Probe();
    const events: unknown[] = [];
    probe.onmessage = (event) => events.push([event.data, event.origin, event.target === probe]);
    probe.onclose = (event) => events.push([event.code, event.reason, event.wasClean]);
    probe.onerror = (event) => events.push([event.message, event.error instanceof RangeError]);
    probe.onopen = (event) => events.push(event.type);
    probe.emit('open');
    probe.emit('message', Buffer.from('text'), false);
    probe.emit('error', new RangeError('why'));
    probe.emit('close', 4000, Buffer.from('\ufeffbye'));
    expect(events).toEqual([
      'open',
      ['text', 'ws://example.org', true],
      ['why', true],
      [4000, '\ufeffbye', true],
    ]);
  });

  it('[wh-3.1-m] keeps one handler in an attribute and takes it out again', () => {
    const probe = new Probe();
    const seen: number[] = [];
    const first = (): void => void seen.push(1);
    expect(probe.onopen).toBeNull();
    probe.onopen = first;
    expect(probe.onopen).toBe(first);
    probe.onopen = () => seen.push(2);
    probe.emit('open');
    probe.onopen = 'no function' as never;
    expect(probe.onopen).toBeNull();
    probe.emit('open');
    expect(seen).toEqual([2]);
    expect([probe.onmessage, probe.onclose, probe.onerror]).toEqual([null, null, null]);
  });

  it('removes by type and handler, and only what it added', () => {
    const probe = new Probe();
    const seen: string[] = [];
    const handler = (event: MessageEvent): void => void seen.push(String(event.data));
    probe.addEventListener('message', handler as never);
    probe.onmessage = handler as never;
    probe.removeEventListener('message', handler as never);
    probe.emit('message', Buffer.from('attribute only'), false);
    expect(seen).toEqual(['attribute only']);
  });

  it('dispatches an event of the application to handlers, not to plain listeners', () => {
    const probe = new Probe();
    const seen: unknown[] = [];
    probe.on('message', () => seen.push('emitter'));
    probe.addEventListener('message', (event) => seen.push(event.data));
    expect(probe.dispatchEvent(new MessageEvent('message', { data: 'own' }))).toBe(true);
    probe.onclose = (event) => seen.push(event.code);
    probe.dispatchEvent(new CloseEvent('close', { code: 1000 }));
    expect(seen).toEqual(['own', 1000]);
  });
});
