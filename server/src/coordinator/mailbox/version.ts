import { sql } from 'kysely';
import type { UnitOfWork } from '../state/unit-of-work.js';

/** Records a change of an attempt's mailbox, for which its supervisor waits. */
export async function advanceMailbox(unit: UnitOfWork, attempt: string): Promise<void> {
  await unit.trx
    .updateTable('attempt')
    .set({ mailbox_version: sql`mailbox_version + 1` })
    .where('id', '=', attempt)
    .execute();
}
