import { describe, expect, it } from '@jest/globals';
import { digestOf } from '../../src/bytes/digest.js';
import { utf8 } from '../../src/bytes/encoding.js';
import { generateSigningKey } from '../../src/documents/keys.js';
import {
  KernelImageRevocations,
  openRevocations,
  requireLaterRevocations,
  requireNotRevoked,
  revocationOf,
  type RevokedKernelImage
} from '../../src/kernel-images/revocations.js';

const [release, other] = [generateSigningKey(), generateSigningKey()];

function entry(name: string, revokedAt = '2026-11-02T00:00:00Z'): RevokedKernelImage {
  return { digest: digestOf(utf8(name)), revokedAt, reason: 'The sandbox let a notebook open a socket' };
}

function list(version: number, entries: RevokedKernelImage[], key = release): KernelImageRevocations {
  return { format: 'clean-room.kernel-image-revocations/v1', signer: key.publicKey, version, entries };
}

const opened = (version: number, entries: RevokedKernelImage[], key = release) =>
  openRevocations(KernelImageRevocations.sign(list(version, entries, key), key));

const [a, b] = [entry('a'), entry('b')];
const conflict = expect.objectContaining({ code: 'conflict' });

describe('a list of revoked kernel images', () => {
  it('is read if the key that it names has signed it', () => {
    expect(opened(1, [a]).value.entries).toEqual([a]);
    const forged = KernelImageRevocations.sign(list(1, [a]), other);
    expect(() => openRevocations(forged)).toThrow(expect.objectContaining({ code: 'signature-invalid' }));
  });

  it.each([
    ['an image twice', [a, { ...a, reason: 'Another reason' }]],
    ['a date that does not exist', [entry('a', '2026-02-31T00:00:00Z')]]
  ])('with %s is malformed', (_name, entries) => {
    expect(() => opened(1, entries)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  it('may replace an earlier one of the same key that has no other entries', () => {
    expect(() => requireLaterRevocations(opened(1, [a]), opened(2, [b, a]))).not.toThrow();
    expect(() => requireLaterRevocations(opened(1, [a]), opened(5, [a]))).not.toThrow();
    expect(() => requireLaterRevocations(opened(1, [a]), opened(1, [a]))).not.toThrow();
  });

  it.each([
    ['an older version', opened(1, [a, b])],
    ['another list with the same version', opened(2, [a, b])],
    ['a newer version without a known entry', opened(3, [b])],
    [
      'a newer version in which an entry has a later date',
      opened(3, [entry('a', '2026-12-24T00:00:00Z'), b])
    ],
    ['the list of another key', opened(3, [a, b], other)]
  ])('may not be replaced by %s', (_name, next) => {
    expect(() => requireLaterRevocations(opened(2, [a]), next)).toThrow(conflict);
  });
});

describe('a revocation', () => {
  const lists = [list(1, [a]), list(1, [entry('a', '2026-10-01T00:00:00Z'), b], other)];

  it('counts for the policies that name the key which signed the list', () => {
    expect(revocationOf(lists, a.digest, [release.publicKey])).toEqual(a);
    expect(revocationOf(lists, b.digest, [release.publicKey])).toBeUndefined();
    expect(revocationOf(lists, a.digest, [])).toBeUndefined();
    expect(() => requireNotRevoked(lists, b.digest, [release.publicKey])).not.toThrow();
  });

  it('by two keys counts from the earlier date', () => {
    expect(revocationOf(lists, a.digest, [release.publicKey, other.publicKey])?.revokedAt).toBe(
      '2026-10-01T00:00:00Z'
    );
  });

  it('refuses the image with its date and reason', () => {
    expect(() => requireNotRevoked(lists, a.digest, [release.publicKey])).toThrow(
      expect.objectContaining({
        code: 'policy-refused',
        message: 'The kernel image was revoked on 2026-11-02: The sandbox let a notebook open a socket.',
        remedy: 'Submit the notebook again on a newer kernel image.'
      })
    );
  });
});
