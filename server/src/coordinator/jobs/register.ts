import { CleanRoomError } from '@clean-room/protocol/errors';
import {
  ATTEMPT_AUDIENCE,
  REGISTRATION_TOKEN_SECONDS,
  registrationNonce,
  sealAttemptSecret,
  type AttemptRegistration,
  type RegisteredAttempt
} from '@clean-room/protocol/jobs';
import type { CoordinatorContext } from '../context.js';
import { verifyJobToken } from './attestation.js';
import { findJob, jobAddress, requireOpen } from './find.js';

/**
 * Registers the key of an attempt. An attempt has one key: registering it again returns the same secret, and another key is
 * refused.
 *
 * @throws CleanRoomError `not-found`, `attestation-refused`, `conflict` when another key is registered or the run has ended
 */
export async function registerAttempt(
  context: CoordinatorContext,
  attempt: string,
  { attemptKey, token }: AttemptRegistration
): Promise<RegisteredAttempt> {
  const job = await findJob(context.db, attempt);
  requireOpen(job);
  const address = jobAddress(context, attempt);
  await verifyJobToken(context, job, token, {
    audience: ATTEMPT_AUDIENCE,
    nonce: registrationNonce(attemptKey, address),
    maxAgeSeconds: REGISTRATION_TOKEN_SECONDS
  });
  await context.db
    .updateTable('attempt')
    .set({ attempt_key: attemptKey })
    .where('id', '=', attempt)
    .where('attempt_key', 'is', null)
    .execute();
  const registered = await findJob(context.db, attempt);
  if (registered.attemptKey !== attemptKey) {
    throw new CleanRoomError('conflict', 'Another key is already registered for this attempt.');
  }
  return sealAttemptSecret(context.services.secrets.of(attempt, attemptKey), attemptKey, address);
}
