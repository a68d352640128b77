import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll } from '@jest/globals';
import { scratch } from './scratch.js';
import { serve } from './web.js';

const run = promisify(execFile);
/** The default list of packages. */
export const PACKAGES = 'Package: a\nVersion: 1\n';
let keys: string;

async function gpg(home: string, ...arguments_: string[]): Promise<void> {
  await run('gpg', ['--homedir', home, '--batch', '--quiet', '--pinentry-mode', 'loopback', ...arguments_]);
}

async function makeKey(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  await gpg(folder, '--passphrase', '', '--quick-generate-key', 'archive@example.org', 'ed25519', 'sign');
  await gpg(folder, '--output', join(folder, 'keyring.gpg'), '--export');
}

/** Creates the keys of two archives before the tests of a file. */
export function useArchiveKeys(): void {
  beforeAll(async () => {
    keys = await mkdtemp(join(tmpdir(), 'builder-keys-'));
    await makeKey(join(keys, 'archive'));
    await makeKey(join(keys, 'other'));
  });
  afterAll(() => rm(keys, { recursive: true, force: true }));
}

/** Returns the keyring with the key of `archive`, but not of `other`. */
export function keyring(): string {
  return join(keys, 'archive/keyring.gpg');
}

/** The content of a mirror. */
export interface Archive {
  readonly codename?: string;
  /** `archive` or `other`. */
  readonly signer?: string;
  /** The list of packages whose hash is signed. */
  readonly index?: string;
  /** The bytes that are served instead of it. */
  readonly packages?: Buffer;
  /** Changes the index after it was signed. */
  readonly tamper?: (signed: string) => string;
  /** Files below the mirror's root, by their path. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

/** Starts a mirror whose index is signed by a key of this test, and returns its address. */
export async function mirror(archive: Archive = {}): Promise<URL> {
  const { codename = 'bookworm', signer = 'archive', index = PACKAGES, packages, files = {} } = archive;
  const packed = gzipSync(index);
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
  const signed = await readFile(join(folder, 'InRelease'), 'utf8');
  const served: Record<string, Uint8Array | string> = {
    ...files,
    'dists/bookworm/InRelease': archive.tamper?.(signed) ?? signed,
    [`dists/bookworm/main/binary-amd64/by-hash/SHA256/${hash}`]: packages ?? packed
  };
  return serve((request, response) => {
    const found = served[request.url?.slice(1) ?? ''];
    if (found === undefined) response.writeHead(404).end();
    else response.end(found);
  });
}
