import { createHash } from 'node:crypto';
import { digestFromHash, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';

/**
 * Passes chunks on and checks them. The last one is held back until the digest is known to be right, so that a reader
 * never takes wrong bytes for whole.
 */
export async function* verified(
  digest: Digest,
  chunks: AsyncIterable<Uint8Array>
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let held: Uint8Array | undefined;
  for await (const chunk of chunks) {
    hash.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  const actual = digestFromHash(hash.digest());
  if (actual !== digest) {
    throw new CleanRoomError('digest-mismatch', `The bytes have the digest ${actual}, not ${digest}.`);
  }
  if (held !== undefined) yield held;
}
