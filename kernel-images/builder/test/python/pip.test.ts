import { beforeEach, describe, expect, test } from '@jest/globals';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { InputCache } from '../../src/inputs/input-cache.js';
import { Pip } from '../../src/python/pip.js';
import { pythonHere } from '../support/python.js';
import { scratch } from '../support/scratch.js';
import { makeWheel } from '../support/wheels.js';

const ONCE = { attempts: 1, firstDelayMs: 1, longestDelayMs: 1 };
let python: string;
let wheels: string;
let cache: InputCache;
let pip: Pip;

/** Configures pip with environment variables, as users do: for a folder of wheels and without an index. */
beforeEach(async () => {
  python = await pythonHere();
  wheels = await scratch();
  cache = new InputCache(await scratch());
  const environment = {
    PATH: process.env['PATH'],
    PIP_NO_INDEX: '1',
    PIP_FIND_LINKS: wheels,
    PIP_CONFIG_FILE: '/dev/null'
  };
  pip = new Pip({ environment, retryPolicy: ONCE });
});

describe('pip', () => {
  test('chooses wheels with all dependencies, by their hashes', async () => {
    const plain = await makeWheel(wheels, { name: 'plain', version: '2.0' });
    await makeWheel(wheels, { name: 'plain', version: '3.0' });
    const top = await makeWheel(wheels, {
      name: 'Top_Most',
      requires: ['plain<3', 'absent; python_version<"3.0"']
    });
    const chosen = await pip.resolve(['top-most'], python);
    expect([...chosen].sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: 'plain', version: '2.0', file: plain.file, digest: plain.digest },
      { name: 'top-most', version: '1.0', file: top.file, digest: top.digest }
    ]);
  });

  test('downloads locked wheels into the cache', async () => {
    const { digest, size, path } = await makeWheel(wheels, { name: 'plain' });
    await pip.fetch([{ name: 'plain', version: '1.0', digest, size }], python, cache);
    expect(await cache.has(digest)).toBe(true);
    expect(path).toContain(wheels);
  });

  test('names the wheel that no source has any more', async () => {
    await makeWheel(wheels, { name: 'other' });
    const gone = { name: 'gone', version: '4.2', digest: digestOf(utf8('x')) };
    await expect(pip.fetch([gone], python, cache)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(/^gone 4\.2 is locked/),
      remedy: expect.stringContaining('relock')
    });
  });

  test('does not use a wheel other than the locked one', async () => {
    const { digest } = await makeWheel(wheels, { name: 'plain', files: { 'evil.py': 'x' } });
    const locked = { name: 'plain', version: '1.0', digest: digestOf(utf8('the locked one')) };
    await expect(pip.fetch([locked], python, cache)).rejects.toMatchObject({
      code: 'digest-mismatch',
      message: expect.stringContaining('plain 1.0')
    });
    expect(await cache.has(digest)).toBe(false);
  });

  test('does not choose wheels for a version of Python that it does not run on', async () => {
    await makeWheel(wheels, { name: 'plain' });
    await expect(pip.resolve(['plain'], '3.99')).rejects.toMatchObject({
      code: 'conflict',
      remedy: expect.stringContaining('CLEAN_ROOM_PYTHON')
    });
  });

  test('fails with a remedy if pip is not installed', async () => {
    const none = new Pip({ command: '/nonexistent/python', retryPolicy: ONCE });
    await expect(none.resolve(['plain'], python)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
