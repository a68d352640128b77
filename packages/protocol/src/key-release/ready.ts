import { Type, type Static } from 'typebox';
import { defineDocument, type ReadDocument } from '../documents/document.js';
import type { Envelope } from '../documents/dsse.js';
import { Closed, DigestField, fromTimestamp, Timestamp } from '../documents/fields.js';
import { AttemptKey, PublicKey } from '../documents/keys.js';
import type { Digest } from '../bytes/digest.js';
import { CleanRoomError } from '../errors/index.js';

/** The longest time for which a custodian declares itself ready, in seconds. */
export const READY_SECONDS = 600;

/**
 * A custodian's signed statement that it has verified an attempt and would release its keys. Every custodian of a spec releases
 * only when all of them are ready, so that one provider's start is not used up by another provider's refusal.
 */
export const KeyReleaseReady = defineDocument(
  'key-release-ready',
  1,
  Closed({
    format: Type.Literal('clean-room.key-release-ready/v1'),
    custodian: PublicKey,
    spec: DigestField,
    attemptKey: AttemptKey,
    /** Digest of the signed bytes of the approval that permits the release. */
    approval: DigestField,
    expires: Timestamp
  })
);
export type KeyReleaseReady = Static<typeof KeyReleaseReady.schema>;

/** The attempt that a custodian must be ready for. */
export interface ReadyFacts {
  readonly spec: Digest;
  readonly attemptKey: AttemptKey;
  readonly at: Date;
}

/**
 * Verifies that a custodian is ready for an attempt.
 *
 * @param custodian - the custodian's signing key, as the spec names it
 * @throws CleanRoomError `signature-invalid`, `malformed`, `digest-mismatch` when it is about another attempt, `expired`
 */
export function verifyReady(
  envelope: Envelope,
  custodian: PublicKey,
  { spec, attemptKey, at }: ReadyFacts
): ReadDocument<KeyReleaseReady> {
  const ready = KeyReleaseReady.open(envelope, custodian);
  const { value } = ready;
  if (value.custodian !== custodian || value.spec !== spec || value.attemptKey !== attemptKey) {
    throw new CleanRoomError('digest-mismatch', 'The custodian is ready for another attempt.');
  }
  const left = (fromTimestamp(value.expires).getTime() - at.getTime()) / 1000;
  if (left <= 0) throw new CleanRoomError('expired', 'The custodian is no longer ready for the attempt.');
  // A clock that is 60 s ahead is accepted, as for tokens. A longer validity would outlive a revoked approval.
  if (left > READY_SECONDS + 60) {
    throw new CleanRoomError('malformed', 'The custodian declares itself ready for too long.');
  }
  return ready;
}
