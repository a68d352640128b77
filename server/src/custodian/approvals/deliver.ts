import { ApprovalBundle } from '@clean-room/protocol/approvals';
import { utf8 } from '@clean-room/protocol/bytes';
import { checkSchema, parseStrictJson } from '@clean-room/protocol/documents';
import { isCleanRoomError } from '@clean-room/protocol/errors';
import { routes } from '@clean-room/api/coordinator';
import type { CustodianContext } from '../context.js';

/** Parses an approval bundle from the database. */
export function readBundle(text: string): ApprovalBundle {
  return checkSchema(ApprovalBundle, parseStrictJson(utf8(text)), 'stored approval');
}

/**
 * Sends an approval to the coordinator, unless that was done before. Sending it twice is safe: because of the idempotency
 * key, it takes effect once.
 *
 * @throws CleanRoomError `unavailable`, or the coordinator's own error
 */
export async function deliverApproval(
  { db, coordinator, now }: CustodianContext,
  digest: string
): Promise<void> {
  const row = await db
    .selectFrom('approval')
    .selectAll()
    .where('digest', '=', digest)
    .executeTakeFirstOrThrow();
  if (row.delivered_at !== null) return;
  await coordinator.call(routes.approve, {
    params: { id: row.submission },
    body: readBundle(row.bundle),
    idempotencyKey: digest
  });
  await db.updateTable('approval').set({ delivered_at: now() }).where('digest', '=', digest).execute();
}

/**
 * Delivers approvals that were signed but not delivered because of a crash or a lost connection. An approval that the
 * coordinator rejects is not tried again.
 */
export async function deliverPendingApprovals(context: CustodianContext): Promise<void> {
  const rows = await context.db
    .selectFrom('approval')
    .select('digest')
    .where('delivered_at', 'is', null)
    .execute();
  for (const { digest } of rows) {
    try {
      await deliverApproval(context, digest);
    } catch (error) {
      if (!isCleanRoomError(error) || error.code === 'unavailable') throw error;
      context.logger.warn(
        { approval: digest, code: error.code },
        'the coordinator did not accept the approval'
      );
      await context.db
        .updateTable('approval')
        .set({ delivered_at: context.now() })
        .where('digest', '=', digest)
        .execute();
    }
  }
}
