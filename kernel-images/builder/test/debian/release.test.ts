import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { readRelease } from '../../src/debian/release.js';
import { keyring, mirror, PACKAGES, useArchiveKeys, type Archive } from '../support/archive.js';
import { scratch } from '../support/scratch.js';

useArchiveKeys();

async function read(archive: Archive = {}, withoutSignature = false): Promise<unknown> {
  return readRelease(await mirror(archive), 'bookworm', await scratch(), {
    keyring: keyring(),
    withoutSignature
  });
}

describe('the index of a release', () => {
  test('is read if Debian has signed it', async () => {
    expect(await read()).toEqual({
      indexed: '2026-07-11T10:16:37Z',
      signatureChecked: true,
      packages: PACKAGES
    });
  });

  test('is refused if another key has signed it', async () => {
    await expect(read({ signer: 'other' })).rejects.toMatchObject({ code: 'signature-invalid' });
  });

  test('is refused if it was changed after it was signed', async () => {
    const tamper = (signed: string): string => signed.replace('10:16:37', '10:16:38');
    await expect(read({ tamper })).rejects.toMatchObject({ code: 'signature-invalid' });
  });

  test('is read only from the signed text', async () => {
    const tamper = (signed: string): string => `Codename: sid\n\n${signed}`;
    const found = await read({ tamper }).catch((error: unknown) => error);
    expect(found).toMatchObject(
      found instanceof Error ? { code: 'signature-invalid' } : { packages: PACKAGES }
    );
  });

  test('is refused if it is of another release', async () => {
    await expect(read({ codename: 'sid' })).rejects.toMatchObject({ code: 'malformed' });
  });

  test('is refused if the list of packages does not have the signed hash', async () => {
    await expect(read({ packages: gzipSync('Package: evil\n') })).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
  });

  test('is refused if there are no keys to check its signature', async () => {
    await expect(
      readRelease(await mirror(), 'bookworm', await scratch(), { keyring: `${keyring()}.absent` })
    ).rejects.toMatchObject({
      code: 'signature-invalid',
      remedy: expect.stringContaining('--without-signature')
    });
  });

  test('is read without a check only on request, and records that', async () => {
    expect(await read({ signer: 'other' }, true)).toMatchObject({
      signatureChecked: false,
      packages: PACKAGES
    });
  });
});
