import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import { routes } from '@clean-room/api/coordinator';
import type { CustodianContext } from '../context.js';

/**
 * Revokes the approvals of a submission, so that no further key is released under them.
 *
 * @param revision - the revision whose approvals are revoked, all revisions by default
 * @returns the number of approvals that were revoked
 */
export async function revokeApprovals(
  { db, now }: CustodianContext,
  submission: string,
  revision?: number
): Promise<number> {
  let query = db
    .updateTable('approval')
    .set({ revoked_at: now() })
    .where('submission', '=', submission)
    .where('revoked_at', 'is', null);
  if (revision !== undefined) query = query.where('revision', '=', revision);
  const { numUpdatedRows } = await query.executeTakeFirst();
  return Number(numUpdatedRows);
}

/**
 * Rejects a submission. Earlier approvals are revoked here first, because this custodian is what releases keys; then the
 * rejection is sent to the coordinator.
 *
 * @param reason - the comment to the researcher
 * @returns whether the coordinator accepted the rejection
 * @throws CleanRoomError `malformed` for a reason that is empty or too long
 */
export async function rejectSubmission(
  context: CustodianContext,
  submission: string,
  reason: string
): Promise<boolean> {
  if (reason.trim() === '' || reason.length > 4000) {
    throw new CleanRoomError('malformed', 'A rejection needs a comment of at most 4,000 characters.', {
      remedy: 'Write in a sentence what the researcher should know.'
    });
  }
  await revokeApprovals(context, submission);
  try {
    await context.coordinator.call(routes.reject, { params: { id: submission }, body: { reason } });
    return true;
  } catch (error) {
    if (!isCleanRoomError(error, 'forbidden')) throw error;
    return false;
  }
}
