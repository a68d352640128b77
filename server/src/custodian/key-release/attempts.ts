import { sql, type Kysely, type Transaction } from 'kysely';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { AttemptKey } from '@clean-room/protocol/documents';
import type { ApprovalRow, CustodianTables } from '../database/tables.js';

async function countInTransaction(
  trx: Transaction<CustodianTables>,
  approval: ApprovalRow,
  key: AttemptKey,
  now: Date
): Promise<number> {
  // Because of the row lock, attempts of one approval are counted one after the other, even by replicas of this custodian.
  await sql`select 1 from approval where digest = ${approval.digest} for update`.execute(trx);
  const rows = await trx
    .selectFrom('attempt')
    .selectAll()
    .where('approval_digest', '=', approval.digest)
    .execute();
  const counted = rows.find(row => row.attempt_key === key);
  if (counted !== undefined) return counted.number;
  if (rows.length >= approval.attempts) {
    throw new CleanRoomError(
      'attempts-spent',
      `The approval allowed ${approval.attempts} attempts, and all of them have been used.`,
      {
        remedy: 'Ask the provider for another approval.'
      }
    );
  }
  const number = rows.length + 1;
  await trx
    .insertInto('attempt')
    .values({ approval_digest: approval.digest, attempt_key: key, number, counted_at: now })
    .execute();
  return number;
}

/**
 * Counts an attempt before its keys are released, so that a crash between the two uses up the attempt. An attempt that asks
 * again is counted once.
 *
 * @param key - the attempt's public key
 * @returns the number of the attempt under this approval, from 1
 * @throws CleanRoomError `attempts-spent`
 */
export async function countAttempt(
  db: Kysely<CustodianTables>,
  approval: ApprovalRow,
  key: AttemptKey,
  now: Date
): Promise<number> {
  return db.transaction().execute(trx => countInTransaction(trx, approval, key, now));
}
