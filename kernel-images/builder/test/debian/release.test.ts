import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { tmpdir } from 'node:os';
import { readRelease } from '../../src/debian/index.js';
import { scratch } from '../support/scratch.js';
import { serve } from '../support/web.js';

const run = promisify(execFile);
const PACKAGES = 'Package: a\nVersion: 1\n';
let keys: string;

async function gpg(home: string, ...arguments_: string[]): Promise<void> {
  await run('gpg', ['--homedir', home, '--batch', '--quiet', '--pinentry-mode', 'loopback', ...arguments_]);
}

async function makeKey(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  await gpg(folder, '--passphrase', '', '--quick-generate-key', 'archive@example.org', 'ed25519', 'sign');
  await gpg(folder, '--output', join(folder, 'keyring.gpg'), '--export');
}

beforeAll(async () => {
  keys = await mkdtemp(join(tmpdir(), 'builder-keys-'));
  await makeKey(join(keys, 'archive'));
  await makeKey(join(keys, 'other'));
});

afterAll(() => rm(keys, { recursive: true, force: true }));

interface Archive {
  readonly codename?: string;
  readonly signer?: string;
  readonly packages?: Buffer;
  readonly tamper?: (signed: string) => string;
}

/** A mirror whose index is signed by a key of this test. */
async function mirror({
  codename = 'bookworm',
  signer = 'archive',
  packages,
  tamper = t => t
}: Archive = {}): Promise<URL> {
  const packed = gzipSync(PACKAGES);
  const hash = createHash('sha256').update(packed).digest('hex');
  const release = [
    'Origin: Debian',
    `Codename: ${codename}`,
    'Date: Sat, 11 Jul 2026 10:16:37 UTC',
    'Acquire-By-Hash: yes',
    'SHA256:',
    ` ${hash} ${packed.length} main/binary-amd64/Packages.gz`,
    ''
  ].join('\n');
  const folder = await scratch();
  await writeFile(join(folder, 'Release'), release);
  await gpg(
    join(keys, signer),
    '--output',
    join(folder, 'InRelease'),
    '--clearsign',
    join(folder, 'Release')
  );
  const signed = tamper(await readFile(join(folder, 'InRelease'), 'utf8'));
  return serve((request, response) => {
    if (request.url === '/dists/bookworm/InRelease') response.end(signed);
    else if (request.url === `/dists/bookworm/main/binary-amd64/by-hash/SHA256/${hash}`)
      response.end(packages ?? packed);
    else response.writeHead(404).end();
  });
}

async function read(archive: Archive = {}, withoutSignature = false): Promise<unknown> {
  const keyring = join(keys, 'archive/keyring.gpg');
  return readRelease(await mirror(archive), 'bookworm', await scratch(), { keyring, withoutSignature });
}

describe("a release's index", () => {
  test('is read when Debian has signed it', async () => {
    expect(await read()).toEqual({
      indexed: '2026-07-11T10:16:37Z',
      signatureChecked: true,
      packages: PACKAGES
    });
  });

  test('is refused when another key has signed it', async () => {
    await expect(read({ signer: 'other' })).rejects.toMatchObject({ code: 'signature-invalid' });
  });

  test('is refused when it was changed after it was signed', async () => {
    const tamper = (signed: string): string => signed.replace('10:16:37', '10:16:38');
    await expect(read({ tamper })).rejects.toMatchObject({ code: 'signature-invalid' });
  });

  test('says nothing beside what was signed', async () => {
    const tamper = (signed: string): string => `Codename: sid\n\n${signed}`;
    const found = await read({ tamper }).catch((error: unknown) => error);
    expect(found).toMatchObject(
      found instanceof Error ? { code: 'signature-invalid' } : { packages: PACKAGES }
    );
  });

  test('is refused when it is of another release', async () => {
    await expect(read({ codename: 'sid' })).rejects.toMatchObject({ code: 'malformed' });
  });

  test('is refused when the list of packages is not the one that was signed', async () => {
    await expect(read({ packages: gzipSync('Package: evil\n') })).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
  });

  test('is refused where there are no keys to check it with', async () => {
    const keyring = join(keys, 'absent.gpg');
    await expect(readRelease(await mirror(), 'bookworm', await scratch(), { keyring })).rejects.toMatchObject(
      {
        code: 'signature-invalid',
        remedy: expect.stringContaining('--without-signature')
      }
    );
  });

  test('is read unchecked only when told to, and says so', async () => {
    expect(await read({ signer: 'other' }, true)).toMatchObject({
      signatureChecked: false,
      packages: PACKAGES
    });
  });
});
