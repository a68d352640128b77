import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { readDefinition } from '../../src/definition/definition.js';
import { readLock, writeLock } from '../../src/definition/lock.js';
import { InputCache } from '../../src/inputs/input-cache.js';
import { relock, type RelockOptions } from '../../src/relock/relock.js';
import { keyring, mirror, useArchiveKeys, type Archive } from '../support/archive.js';
import { pythonHere } from '../support/python.js';
import { scratch } from '../support/scratch.js';
import { makeWheel } from '../support/wheels.js';

useArchiveKeys();

const FILES = Object.fromEntries(
  ['libc6', 'bash', 'dpkg'].map(name => [`pool/main/x/${name}_1_amd64.deb`, utf8(name)])
);

function paragraph(name: string, depends: string): string {
  const digest = digestOf(utf8(name)).slice('sha256:'.length);
  const location = `Filename: pool/main/x/${name}_1_amd64.deb\nSize: ${name.length}\nSHA256: ${digest}\n`;
  return `Package: ${name}\nVersion: 1\nDepends: ${depends}\n${location}\n`;
}

const INDEX = paragraph('libc6', '') + paragraph('bash', 'libc6, dpkg') + paragraph('dpkg', 'libc6');
let folder: string;
let wheels: string;
let cache: InputCache;

async function options(archive: Archive = {}): Promise<RelockOptions> {
  const address = await mirror({ index: INDEX, files: FILES, ...archive });
  const environment = {
    PATH: process.env['PATH'],
    CLEAN_ROOM_DEBIAN_MIRROR: address.href,
    PIP_NO_INDEX: '1',
    PIP_FIND_LINKS: wheels,
    PIP_CONFIG_FILE: '/dev/null'
  };
  return { environment, keyring: keyring() };
}

beforeEach(async () => {
  [folder, wheels, cache] = [await scratch(), await scratch(), new InputCache(await scratch())];
  const definition = {
    format: 'clean-room.kernel-image-definition/v1',
    name: 'sample',
    debian: {
      release: 'bookworm',
      outer: ['libc6'],
      jail: ['bash'],
      without: { dpkg: 'Nothing is installed inside.' }
    },
    python: {
      version: await pythonHere(),
      outer: [],
      jail: ['top'],
      build: ['tool'],
      without: { psutil: 'It needs /proc, which is empty.' }
    },
    strip: { outer: [], jail: [] }
  };
  await writeFile(join(folder, 'image.json'), JSON.stringify(definition));
  await makeWheel(wheels, { name: 'top', requires: ['psutil', 'below'] });
  for (const name of ['psutil', 'below', 'tool']) await makeWheel(wheels, { name });
});

describe('relock', () => {
  test('locks and downloads everything in the definition with its dependencies', async () => {
    const read = await readDefinition(folder);
    await writeLock(folder, await relock(read, cache, await options()));
    const lock = await readLock(read);
    expect(lock.debian).toMatchObject({ indexed: '2026-07-11T10:16:37Z', signatureChecked: true });
    expect(lock.debian.packages.map(({ name, parts }) => [name, parts])).toEqual([
      ['bash', ['jail']],
      ['libc6', ['outer', 'jail']]
    ]);
    expect(lock.python.wheels.map(({ name, parts }) => [name, parts])).toEqual([
      ['below', ['jail']],
      ['tool', ['build']],
      ['top', ['jail']]
    ]);
    for (const { digest } of [...lock.debian.packages, ...lock.python.wheels])
      expect(await cache.has(digest)).toBe(true);
  });

  test('returns the same lock twice', async () => {
    const read = await readDefinition(folder);
    const first = await relock(read, cache, await options());
    expect(await relock(read, cache, await options())).toEqual(first);
  });

  test('fails if another key has signed the archive', async () => {
    const read = await readDefinition(folder);
    const refused = relock(read, cache, await options({ signer: 'other' }));
    await expect(refused).rejects.toMatchObject({ code: 'signature-invalid' });
  });

  test('fails if the mirror lacks a package', async () => {
    const read = await readDefinition(folder);
    const refused = relock(read, cache, await options({ files: {} }));
    await expect(refused).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(/^(?:bash|libc6) 1 /)
    });
  });
});
