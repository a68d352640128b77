import type { Digest } from '@clean-room/protocol/bytes';
import type { Envelope, ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import {
  KeyReleaseAnswer,
  openFileKey,
  type AttemptKeyPair,
  type KeyRequest
} from '@clean-room/protocol/key-release';
import { startsOf } from '@clean-room/protocol/policies';
import type { TrustedProvider } from '../trust/providers.js';

const FILE_KEY_BYTES = 16;

/** A custodian's verified answer, and the keys that it released. */
export interface ReleasedKeys {
  readonly envelope: Envelope;
  readonly answer: ReadDocument<KeyReleaseAnswer>;
  /** The key of each asset version's age file, by the version's digest. */
  readonly fileKeys: ReadonlyMap<Digest, Uint8Array>;
}

function throwInvalidAnswer(reason: string): never {
  throw new CleanRoomError('key-release-refused', `The custodian’s answer is not valid: ${reason}.`);
}

/**
 * Verifies a custodian's answer and opens the file keys in it.
 *
 * @param key - the attempt key that the file keys are sealed to
 * @throws CleanRoomError `signature-invalid`, `key-release-refused`
 */
export async function openKeyReleaseAnswer(
  envelope: Envelope,
  provider: TrustedProvider,
  request: ReadDocument<KeyRequest>,
  key: AttemptKeyPair
): Promise<ReleasedKeys> {
  const answer = KeyReleaseAnswer.open(envelope, provider.custodian);
  const { value } = answer;
  if (value.custodian !== provider.custodian) throwInvalidAnswer('it names another custodian');
  if (value.request !== request.digest) throwInvalidAnswer('it answers another request');
  if (value.attemptKey !== key.publicKey) throwInvalidAnswer('it is for another attempt');
  if (value.attempt > startsOf(provider.approval.value))
    throwInvalidAnswer('it counts more starts than were approved');
  const requested = provider.assets.map(asset => asset.version.digest);
  if (value.assets.length !== requested.length) throwInvalidAnswer('it opens other assets than requested');
  const fileKeys = new Map<Digest, Uint8Array>();
  for (const version of requested) {
    const sealed = value.assets.find(asset => asset.version === version);
    if (sealed === undefined) throwInvalidAnswer('a requested asset is missing from it');
    const fileKey = await openFileKey(sealed.fileKey, key, request.digest, version);
    if (fileKey.length !== FILE_KEY_BYTES) throwInvalidAnswer('a key in it has the wrong length');
    fileKeys.set(version, fileKey);
  }
  return { envelope, answer, fileKeys };
}
