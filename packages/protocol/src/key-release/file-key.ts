import { hashFromDigest, type Digest } from '../bytes/digest.js';
import { concat, utf8 } from '../bytes/encoding.js';
import type { AttemptKey } from '../documents/keys.js';
import { openForAttempt, sealToAttempt, type AttemptKeyPair } from './attempt-key.js';
import type { HpkeCiphertext } from './hpke-ciphertext.js';

/** Returns the HPKE info, which binds a released key to the request that it answers and the asset version that it opens. */
function info(request: Digest, assetVersion: Digest): Uint8Array {
  return concat(utf8('clean-room:file-key:v1'), hashFromDigest(request), hashFromDigest(assetVersion));
}

/**
 * Seals a file key to the attempt that asked for it.
 *
 * @param fileKey - the 16 bytes that open one age file
 * @param request - digest of the key request's bytes
 * @param assetVersion - digest of the asset version's signed bytes
 */
export function sealFileKey(
  fileKey: Uint8Array,
  to: AttemptKey,
  request: Digest,
  assetVersion: Digest
): Promise<HpkeCiphertext> {
  return sealToAttempt(fileKey, to, info(request, assetVersion));
}

/**
 * Opens a file key that a custodian sealed with {@link sealFileKey}.
 *
 * @returns the file key, 16 bytes
 * @throws CleanRoomError `key-release-refused` when it was sealed for another attempt, request or asset version
 */
export function openFileKey(
  sealed: HpkeCiphertext,
  key: AttemptKeyPair,
  request: Digest,
  assetVersion: Digest
): Promise<Uint8Array> {
  return openForAttempt(sealed, key, info(request, assetVersion));
}
