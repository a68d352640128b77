import { sql, type Kysely, type Transaction } from 'kysely';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { AttemptKey } from '@clean-room/protocol/documents';
import type { ApprovalRow, CustodianTables } from '../database/tables.js';

async function countIn(
  trx: Transaction<CustodianTables>,
  approval: ApprovalRow,
  key: AttemptKey,
  now: Date
): Promise<number> {
  // One at a time for each approval, on every replica of this custodian.
  await sql`select 1 from approval where digest = ${approval.digest} for update`.execute(trx);
  const rows = await trx.selectFrom('attempt').selectAll().where('approval', '=', approval.digest).execute();
  const known = rows.find(row => row.attempt_key === key);
  if (known !== undefined) return known.number;
  if (rows.length >= approval.attempts) {
    throw new CleanRoomError(
      'attempts-spent',
      `The approval allowed ${approval.attempts} attempts, and they are spent.`,
      {
        remedy: 'Ask the provider to approve again.'
      }
    );
  }
  const number = rows.length + 1;
  await trx
    .insertInto('attempt')
    .values({ approval: approval.digest, attempt_key: key, number, at: now })
    .execute();
  return number;
}

/**
 * Counts an attempt before its keys leave: a crash behind this point has spent it. The same attempt asking again counts
 * once.
 * @returns which of the approval's attempts it is, from 1
 * @throws CleanRoomError `attempts-spent`
 */
export async function countAttempt(
  db: Kysely<CustodianTables>,
  approval: ApprovalRow,
  key: AttemptKey,
  now: Date
): Promise<number> {
  return db.transaction().execute(trx => countIn(trx, approval, key, now));
}
