import { ApprovalBundle } from '@clean-room/protocol/approvals';
import { utf8, type Digest } from '@clean-room/protocol/bytes';
import { checkSchema, parseStrictJson } from '@clean-room/protocol/documents';
import { isCleanRoomError } from '@clean-room/protocol/errors';
import { routes } from '@clean-room/api/coordinator';
import type { CustodianContext } from '../context.js';

export function readBundle(text: string): ApprovalBundle {
  return checkSchema(ApprovalBundle, parseStrictJson(utf8(text)), 'kept approval');
}

/** Gives an approval to the coordinator. Giving it twice is harmless: the key makes it count once. */
export async function deliverApproval(
  { db, coordinator, now }: CustodianContext,
  digest: Digest | string
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

/** Delivers what a crash or a lost connection had left behind. What the coordinator has no use for any more is let go. */
export async function deliverLeftBehind(context: CustodianContext): Promise<void> {
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
        'the coordinator does not take the approval'
      );
      await context.db
        .updateTable('approval')
        .set({ delivered_at: context.now() })
        .where('digest', '=', digest)
        .execute();
    }
  }
}
