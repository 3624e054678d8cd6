import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Clients } from '../../src/server/clients.ts';

describe('Clients', () => {
  it('gives out one Set, which stays up to date', () => {
    const clients = new Clients<string>();
    clients.add('a');
    const { set } = clients;
    expect([...set]).toEqual(['a']);
    clients.add('b');
    expect([...set]).toEqual(['a', 'b']);
    clients.delete('a');
    expect([...set]).toEqual(['b']);
    expect(clients.set).toBe(set);
    expect(clients.size).toBe(1);
  });

  it('goes on with a Set that was made elsewhere', () => {
    const set = new Set(['a']);
    const clients = new Clients(set);
    clients.add('b');
    expect(clients.set).toBe(set);
    expect([...set]).toEqual(['a', 'b']);
    expect(clients.size).toBe(2);
  });

  it('holds what a Set would hold, in its order, whenever that is asked for', () => {
    const steps = fc.array(fc.nat(199), { maxLength: 600 });
    fc.assert(
      fc.property(steps, fc.nat(600), (numbers, asked) => {
        const clients = new Clients<number>();
        const model = new Set<number>();
        for (const [index, number] of numbers.entries()) {
          if (index === asked) expect([...clients.set]).toEqual([...model]);
          // Each opens once and closes once, as connections do.
          if (model.has(number)) {
            clients.delete(number);
            model.delete(number);
          } else {
            clients.add(number);
            model.add(number);
          }
          expect(clients.size).toBe(model.size);
        }
        expect([...clients.set]).toEqual([...model]);
      }),
    );
  });

  it('forgets one that it does not know without harm', () => {
    const clients = new Clients<string>();
    clients.add('a');
    clients.delete('b');
    expect([...clients.set]).toEqual(['a']);
  });
});
