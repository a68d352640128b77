import { sql, type Kysely, type Transaction } from 'kysely';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { startsOf } from '@clean-room/protocol/policies';
import type { AttemptKey } from '@clean-room/protocol/documents';
import type { ApprovalRow, CustodianTables } from '../database/tables.js';

/**
 * Returns the number that an attempt has or would have under an approval.
 *
 * @throws CleanRoomError `attempts-spent`
 */
async function numberOf(
  db: Kysely<CustodianTables>,
  approval: ApprovalRow,
  key: AttemptKey
): Promise<{ readonly number: number; readonly isCounted: boolean }> {
  const rows = await db
    .selectFrom('attempt')
    .selectAll()
    .where('approval_digest', '=', approval.digest)
    .execute();
  const counted = rows.find(row => row.attempt_key === key);
  if (counted !== undefined) return { number: counted.number, isCounted: true };
  const { runs, spare_starts: spareStarts } = approval;
  if (rows.length < startsOf({ runs, spareStarts })) return { number: rows.length + 1, isCounted: false };
  throw new CleanRoomError(
    'attempts-spent',
    `The approval allowed ${runs} runs and ${spareStarts} spare starts, and all of them have been used.`,
    { remedy: 'Ask the provider for another approval.' }
  );
}

/**
 * Checks that an approval still permits an attempt. A custodian checks it before it declares itself ready, so that other
 * custodians do not count an attempt that this one would refuse.
 *
 * @throws CleanRoomError `attempts-spent`
 */
export async function requireAttemptsLeft(
  db: Kysely<CustodianTables>,
  approval: ApprovalRow,
  key: AttemptKey
): Promise<void> {
  await numberOf(db, approval, key);
}

async function countInTransaction(
  trx: Transaction<CustodianTables>,
  approval: ApprovalRow,
  key: AttemptKey,
  now: Date
): Promise<number> {
  // The row lock makes attempts of one approval count one after the other, also across replicas of this custodian.
  await sql`select 1 from approval where digest = ${approval.digest} for update`.execute(trx);
  const { number, isCounted } = await numberOf(trx, approval, key);
  if (!isCounted) {
    await trx
      .insertInto('attempt')
      .values({ approval_digest: approval.digest, attempt_key: key, number, counted_at: now })
      .execute();
  }
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
