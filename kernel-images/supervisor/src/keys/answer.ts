import type { Digest } from '@clean-room/protocol/bytes';
import type { Envelope, ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import {
  KeyReleaseAnswer,
  openFileKey,
  type AttemptKeyPair,
  type KeyRequest
} from '@clean-room/protocol/key-release';
import type { TrustedProvider } from '../trust/providers.js';

const FILE_KEY_BYTES = 16;

/** What one custodian released. */
export interface ReleasedKeys {
  readonly envelope: Envelope;
  readonly answer: ReadDocument<KeyReleaseAnswer>;
  /** The key of each asset version's age file, by the version's digest. */
  readonly fileKeys: ReadonlyMap<Digest, Uint8Array>;
}

function refuse(reason: string): never {
  throw new CleanRoomError('key-release-refused', `The custodian’s answer does not hold: ${reason}.`);
}

/**
 * Checks a custodian's answer and opens the file keys in it.
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
  if (value.custodian !== provider.custodian) refuse('it names another custodian');
  if (value.request !== request.digest) refuse('it answers another request');
  if (value.attemptKey !== key.publicKey) refuse('it is for another attempt');
  if (value.attempt > provider.approval.value.attempts) refuse('it counts more attempts than were approved');
  const wanted = provider.assets.map(asset => asset.version.digest);
  if (value.assets.length !== wanted.length) refuse('it opens other assets than were asked for');
  const fileKeys = new Map<Digest, Uint8Array>();
  for (const version of wanted) {
    const sealed = value.assets.find(asset => asset.version === version);
    if (sealed === undefined) refuse('it lacks an asset that was asked for');
    const fileKey = await openFileKey(sealed.fileKey, key, request.digest, version);
    if (fileKey.length !== FILE_KEY_BYTES) refuse('a key in it does not have the length of one');
    fileKeys.set(version, fileKey);
  }
  return { envelope, answer, fileKeys };
}
