import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import { routes } from '@clean-room/api/coordinator';
import type { CustodianContext } from '../context.js';

/** Takes back what was approved of a revision: no key leaves under it from now on. @returns how many approvals */
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
 * The reviewer's no. What was approved before is taken back here first, where it counts; then the coordinator is told.
 * @returns whether the coordinator has taken the no
 */
export async function refuseSubmission(
  context: CustodianContext,
  submission: string,
  reason: string
): Promise<boolean> {
  if (reason.trim() === '' || reason.length > 4000) {
    throw new CleanRoomError('malformed', 'A no needs a reason, in at most 4,000 characters.', {
      remedy: 'Say in a sentence what is wrong.'
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
