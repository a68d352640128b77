import type { Kysely, Transaction } from 'kysely';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Caller } from '../access/caller.js';
import type { CoordinatorTables } from '../database/tables.js';
import { partiesOf, type DecisionRow, type RevisionRow } from '../state/transitions.js';

/** Returns the error for a submission that does not exist or that the caller may not see. */
export function noSubmission(): CleanRoomError {
  return new CleanRoomError('not-found', 'The submission does not exist, or does not concern your party.');
}

/**
 * Returns the party that a submission belongs to.
 *
 * @throws CleanRoomError `not-found`
 */
export async function submitterParty(db: Kysely<CoordinatorTables>, submission: string): Promise<string> {
  const row = await db
    .selectFrom('submission')
    .select('party')
    .where('id', '=', submission)
    .executeTakeFirst();
  if (row === undefined) throw noSubmission();
  return row.party;
}

/**
 * Checks that a submission concerns the caller: it belongs to their party, or asks their party for data.
 *
 * @returns the party that the submission belongs to
 * @throws CleanRoomError `not-found`
 */
export async function requireConcerned(
  db: Kysely<CoordinatorTables>,
  caller: Caller,
  submission: string
): Promise<string> {
  const { submitter, providers } = await partiesOf(db, submission);
  if (submitter === undefined || ![submitter, ...providers].includes(caller.party)) throw noSubmission();
  return submitter;
}

/**
 * Checks that a submission belongs to the caller's party.
 *
 * @throws CleanRoomError `not-found`, `forbidden`
 */
export async function requireOwn(
  db: Kysely<CoordinatorTables>,
  caller: Caller,
  submission: string
): Promise<void> {
  const party = await requireConcerned(db, caller, submission);
  if (party !== caller.party) {
    throw new CleanRoomError('forbidden', `Only ${party}, the party that submitted it, can do this.`);
  }
}

/**
 * Returns the newest revision, and locks it until the transaction ends, so that two decisions are made one after the other.
 *
 * @throws CleanRoomError `not-found`
 */
export async function newestRevision(
  trx: Transaction<CoordinatorTables>,
  submission: string
): Promise<RevisionRow> {
  // The lock on the submission's row keeps other transactions from adding a newer revision in between.
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

/**
 * Returns a revision, and locks its submission until the transaction ends.
 *
 * @throws CleanRoomError `not-found`
 */
export async function lockRevision(
  trx: Transaction<CoordinatorTables>,
  submission: string,
  number: number
): Promise<RevisionRow> {
  await trx.selectFrom('submission').select('id').where('id', '=', submission).forUpdate().execute();
  return revisionAt(trx, submission, number);
}

/**
 * Returns a revision by its number.
 *
 * @throws CleanRoomError `not-found`
 */
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

/** Returns the decisions of all providers about a revision, ordered by provider. */
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

/**
 * Returns the decision of one provider.
 *
 * @param decisions - the decisions of all providers about a revision
 * @throws CleanRoomError `forbidden` when the revision uses none of its data
 */
export function decisionOf(decisions: readonly DecisionRow[], provider: string): DecisionRow {
  const decision = decisions.find(row => row.provider === provider);
  if (decision === undefined) {
    throw new CleanRoomError(
      'forbidden',
      `The submission does not use data of ${provider}, so ${provider} has nothing to decide.`
    );
  }
  return decision;
}
