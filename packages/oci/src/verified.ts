import { createHash } from 'node:crypto';
import { digestFromHash, digestOf, type Digest, type HasherFactory } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';

export const nodeSha256: HasherFactory = () => createHash('sha256');

export function nodeDigestOf(bytes: Uint8Array): Digest {
  return digestOf(bytes, nodeSha256);
}

/** @throws CleanRoomError `digest-mismatch` */
export function requireDigest(actual: Digest, wanted: Digest): void {
  if (actual === wanted) return;
  throw new CleanRoomError('digest-mismatch', `The bytes have the digest ${actual}, not ${wanted}.`, {
    remedy: 'Nothing of them was kept. Try again; if it stays so, the image is damaged where it comes from.'
  });
}

/** @throws CleanRoomError `digest-mismatch` */
export function requireSize(actual: number, wanted: number): void {
  if (actual === wanted) return;
  throw new CleanRoomError('digest-mismatch', `There are ${actual} bytes, not ${wanted}.`);
}

/**
 * Passes chunks on and checks them. The last one is held back until the digest is known to be right, so that a reader
 * never takes wrong bytes for whole.
 */
export async function* verified(
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
