import { createHash } from 'node:crypto';
import { digestFromHash, digestOf, type Digest, type HasherFactory } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** Creates SHA-256 hashers of Node, which are faster than the portable ones of `protocol`. */
export const nodeSha256: HasherFactory = () => createHash('sha256');

/** Returns the SHA-256 digest of bytes in memory. */
export function nodeDigestOf(bytes: Uint8Array): Digest {
  return digestOf(bytes, nodeSha256);
}

/**
 * Checks that bytes have the digest by which they are known.
 *
 * @throws CleanRoomError `digest-mismatch`
 */
export function requireDigest(actual: Digest, expected: Digest): void {
  if (actual === expected) return;
  throw new CleanRoomError('digest-mismatch', `The bytes have the digest ${actual}, not ${expected}.`, {
    remedy: 'Nothing was stored. Try again. If the error persists, the image is damaged at its source.'
  });
}

/**
 * Checks that there are as many bytes as stated.
 *
 * @throws CleanRoomError `digest-mismatch`
 */
export function requireSize(actual: number, expected: number): void {
  if (actual === expected) return;
  throw new CleanRoomError('digest-mismatch', `The size is ${actual} bytes, not ${expected}.`);
}

/**
 * Passes chunks on while it computes their digest. The last chunk is held back until the digest has been verified, so that
 * a reader never mistakes wrong bytes for the complete content.
 *
 * @throws CleanRoomError `digest-mismatch`
 */
export async function* verifiedChunks(
  digest: Digest,
  chunks: AsyncIterable<Uint8Array>
): AsyncGenerator<Uint8Array> {
  const hash = nodeSha256();
  let held: Uint8Array | undefined;
  for await (const chunk of chunks) {
    hash.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  requireDigest(digestFromHash(hash.digest()), digest);
  if (held !== undefined) yield held;
}
