// What the other tests rest on: the proofs fail where they should, and waiting ends.

import { EventEmitter } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { patternedBytes, thousandInOrder } from './messages.ts';
import { expectOnlyHandfast } from './only-handfast.ts';
import { nextCall, waitFor } from './wait-for.ts';

describe('expectOnlyHandfast', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'handfast-support-'));
    put('node_modules/ws', { name: 'handfast', main: 'index.js' });
    put('node_modules/library', { name: 'library', dependencies: { ws: '^8' } });
    put('node_modules/@types/ws', { name: '@types/ws' });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function put(path: string, manifest: object): void {
    mkdirSync(join(folder, path), { recursive: true });
    writeFileSync(join(folder, path, 'package.json'), JSON.stringify(manifest));
    writeFileSync(join(folder, path, 'index.js'), '');
  }

  it('names the packages that depend on ws', () => {
    put('node_modules/@scope/other', { name: '@scope/other', peerDependencies: { ws: '*' } });
    put('node_modules/library/test/project', { name: 'fixture', dependencies: { ws: '1' } });
    expect(expectOnlyHandfast(folder)).toEqual(['@scope/other', 'library']);
  });

  it('fails where a real ws lies below a library', () => {
    put('node_modules/library/node_modules/ws', { name: 'ws', main: 'index.js' });
    expect(() => expectOnlyHandfast(folder)).toThrow();
  });

  it('fails where a real ws has another name on disk', () => {
    put('node_modules/ws-old', { name: 'ws', main: 'index.js' });
    expect(() => expectOnlyHandfast(folder)).toThrow();
  });

  it('fails where there is no handfast', () => {
    rmSync(join(folder, 'node_modules', 'ws'), { recursive: true });
    expect(() => expectOnlyHandfast(folder)).toThrow();
  });

  it('is not put off by a manifest that is no JSON', () => {
    put('node_modules/library/fixture', {});
    writeFileSync(join(folder, 'node_modules', 'library', 'fixture', 'package.json'), '{ broken');
    expect(expectOnlyHandfast(folder)).toEqual(['library']);
  });
});

describe('thousandInOrder', () => {
  const through = async (change: (texts: string[]) => string[]) => {
    const sent: string[] = [];
    let receive: (text: string) => void = () => {};
    const done = thousandInOrder(
      (text) => sent.push(text),
      (listener) => {
        receive = listener;
      },
      100,
    );
    for (const text of change(sent)) receive(text);
    await done;
  };

  it('takes what is right', () => through((texts) => texts));

  it('refuses what is swapped, missing, doubled or damaged', async () => {
    await expect(
      through(([a, b, ...rest]) => [b as string, a as string, ...rest]),
    ).rejects.toThrow();
    await expect(through((texts) => texts.slice(1))).rejects.toThrow('not within 100 ms');
    await expect(through((texts) => [texts[0] as string, ...texts])).rejects.toThrow();
    await expect(through((texts) => texts.map((text) => `${text} `))).rejects.toThrow();
  });
});

describe('waiting', () => {
  it('ends with the answer or at its deadline', async () => {
    let count = 0;
    expect(await waitFor('three', () => ++count === 3 && 'three')).toBe('three');
    await expect(waitFor('never', () => false, 20)).rejects.toThrow('never: not within 20 ms');
    const emitter = new EventEmitter();
    const heard = nextCall('an event', (call) => emitter.once('event', call));
    emitter.emit('event', 1, 2);
    expect(await heard).toEqual([1, 2]);
    await expect(nextCall('nothing', () => {}, 20)).rejects.toThrow('nothing: not within 20 ms');
  });
});

it('patternedBytes are the same each time, and differ from themselves shifted', () => {
  const bytes = patternedBytes(1000);
  expect(bytes.equals(patternedBytes(1000))).toBe(true);
  for (let shift = 1; shift < 500; shift++) {
    expect(bytes.subarray(shift, shift + 100).equals(bytes.subarray(0, 100))).toBe(false);
  }
});
