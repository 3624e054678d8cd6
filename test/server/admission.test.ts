import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { findOriginFault, verify } from '../../src/server/admission.ts';
import type { VerifyClient } from '../../src/server/options.ts';

const own = { origin: 'http://a.example', host: 'a.example' };
const foreign = { origin: 'http://evil.example', host: 'a.example' };

describe('the Origin policy', () => {
  it('[6455-4.2.1-j] [6455-10.2-a] lets in who has no Origin, and pages of the host itself', () => {
    expect(findOriginFault({ origin: undefined, host: 'a.example' }, {})).toBeNull();
    expect(findOriginFault(own, {})).toBeNull();
  });

  it('[6455-10.2-a] says how to let a foreign page in, by a text that then works', () => {
    const fault = findOriginFault(foreign, {});
    expect(fault).toContain("new WebSocketServer({ origins: ['http://evil.example'] })");
    expect(findOriginFault(foreign, { origins: ['http://evil.example'] })).toBeNull();
    expect(findOriginFault(foreign, { origins: 'http://evil.example' })).toBeNull();
    expect(findOriginFault(foreign, { origins: /http:\/\/evil\.example/ })).toBeNull();
  });

  it('[6455-10.2-a] holds to the list alone where there is one, whatever else decides', () => {
    const verifyClient = (): boolean => true;
    expect(findOriginFault(own, { origins: [] })).not.toBeNull();
    expect(findOriginFault(foreign, { origins: [], verifyClient })).not.toBeNull();
    expect(findOriginFault(foreign, { origins: [], noServer: true })).not.toBeNull();
  });

  it('leaves it to the application where that decides by itself', () => {
    expect(findOriginFault(foreign, { verifyClient: () => true })).toBeNull();
    expect(findOriginFault(foreign, { noServer: true })).toBeNull();
  });
});

describe('verifyClient', () => {
  const request = { socket: { encrypted: true } } as unknown as IncomingMessage;

  /** What comes of asking, as a promise: the verdict's arguments or the error. */
  function ask(verifyClient: VerifyClient | null, req = request): Promise<unknown> {
    return new Promise((resolve) => {
      const onVerdict = (...verdict: unknown[]): void => resolve(verdict);
      verify(req, 'http://a.example', { verifyClient }, onVerdict, (error) => resolve({ error }));
    });
  }

  it('lets everyone in where there is none', async () => {
    expect(await ask(null)).toEqual([true]);
  });

  it('is told the origin, whether TLS was spoken, and the request', async () => {
    const infos: unknown[] = [];
    await ask((info) => infos.push(info) > 0);
    await ask((info) => infos.push(info) > 0, {} as IncomingMessage);
    expect(infos).toEqual([
      { origin: 'http://a.example', secure: true, req: request },
      { origin: 'http://a.example', secure: false, req: {} },
    ]);
  });

  it('decides by what it returns', async () => {
    expect(await ask(() => true)).toEqual([true]);
    expect(await ask(() => false)).toEqual([false]);
    expect(await ask((() => undefined) as never)).toEqual([false]);
  });

  it('decides by what its promise gives: a promise alone is no approval', async () => {
    expect(await ask(async () => true)).toEqual([true]);
    expect(await ask(async () => false)).toEqual([false]);
    const error = new Error('no database');
    expect(await ask(() => Promise.reject(error))).toEqual({ error });
  });

  it('decides by the callback where it takes one, and says how to refuse', async () => {
    const verdict = await ask((_info, callback) => callback(false, 429, 'slow down', { a: '1' }));
    expect(verdict).toEqual([false, 429, 'slow down', { a: '1' }]);
  });

  it('may throw, which is for the caller to deal with', () => {
    const verifyClient = (): boolean => {
      throw new Error('broken');
    };
    const ignore = (): void => {};
    expect(() => verify(request, undefined, { verifyClient }, ignore, ignore)).toThrow('broken');
  });
});
