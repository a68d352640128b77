import type { Kysely, Transaction } from 'kysely';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Caller } from '../access/caller.js';
import type { CoordinatorTables } from '../database/tables.js';
import { partiesOf, type DecisionRow, type RevisionRow } from '../state/transitions.js';

export function noSubmission(): CleanRoomError {
  return new CleanRoomError('not-found', 'There is no such submission, or it does not concern your party.');
}

/**
 * A submission is there for the submitter's party and for the providers it asks.
 * @returns the submitter's party
 * @throws CleanRoomError `not-found`
 */
export async function requireConcerned(
  db: Kysely<CoordinatorTables>,
  caller: Caller,
  submission: string
): Promise<string> {
  const row = await db
    .selectFrom('submission')
    .select('party')
    .where('id', '=', submission)
    .executeTakeFirst();
  if (row === undefined || !(await partiesOf(db, submission)).includes(caller.party)) throw noSubmission();
  return row.party;
}

/** Like {@link requireConcerned}, for what only the submitter's party may do. */
export async function requireOwn(
  db: Kysely<CoordinatorTables>,
  caller: Caller,
  submission: string
): Promise<void> {
  const party = await requireConcerned(db, caller, submission);
  if (party !== caller.party) {
    throw new CleanRoomError('forbidden', `Only ${party}, which submitted it, can do this.`);
  }
}

/** The newest revision, locked until the transaction ends: two who decide at once decide one after the other. */
export async function newestRevision(
  trx: Transaction<CoordinatorTables>,
  submission: string
): Promise<RevisionRow> {
  // The submission's row stands for all its revisions: a newer one can't come in between.
  await trx.selectFrom('submission').select('id').where('id', '=', submission).forUpdate().execute();
  const row = await trx
    .selectFrom('revision')
    .selectAll()
    .where('submission', '=', submission)
    .orderBy('number', 'desc')
    .limit(1)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) throw noSubmission();
  return row;
}

export async function lockRevision(
  trx: Transaction<CoordinatorTables>,
  submission: string,
  number: number
): Promise<RevisionRow> {
  await trx.selectFrom('submission').select('id').where('id', '=', submission).forUpdate().execute();
  return revisionAt(trx, submission, number);
}

export async function revisionAt(
  db: Kysely<CoordinatorTables>,
  submission: string,
  number: number
): Promise<RevisionRow> {
  const row = await db
    .selectFrom('revision')
    .selectAll()
    .where('submission', '=', submission)
    .where('number', '=', number)
    .executeTakeFirst();
  if (row === undefined) throw noSubmission();
  return row;
}

export async function decisionsOf(
  db: Kysely<CoordinatorTables>,
  revision: RevisionRow
): Promise<DecisionRow[]> {
  return db
    .selectFrom('decision')
    .selectAll()
    .where('submission', '=', revision.submission)
    .where('revision', '=', revision.number)
    .orderBy('provider')
    .execute();
}

/** The decision of one provider. @throws CleanRoomError `forbidden` when the revision asks nothing of it */
export async function decisionOf(
  db: Kysely<CoordinatorTables>,
  revision: RevisionRow,
  provider: string
): Promise<DecisionRow> {
  const decision = (await decisionsOf(db, revision)).find(row => row.provider === provider);
  if (decision === undefined) {
    throw new CleanRoomError('forbidden', `The submission asks for nothing of ${provider}.`);
  }
  return decision;
}
