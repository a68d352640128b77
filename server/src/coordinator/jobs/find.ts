import type { Kysely, Transaction } from 'kysely';
import type { AttemptKey } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { isFinal, RUN_TRANSITIONS } from '@clean-room/protocol/runs';
import type { CoordinatorContext } from '../context.js';
import type { CoordinatorTables } from '../database/tables.js';
import type { RevisionRow, RunRow } from '../state/transitions.js';
import { revisionAt } from '../submissions/find.js';

/** An attempt with its run and revision. */
export interface Job {
  readonly attempt: string;
  /** The key that the supervisor registered. */
  readonly attemptKey: AttemptKey | null;
  readonly run: RunRow;
  readonly revision: RevisionRow;
}

/** Returns the address of an attempt's job, the value of `CLEAN_ROOM_JOB`. It names the attempt and is not a credential. */
export function jobAddress(context: CoordinatorContext, attempt: string): string {
  return `${context.services.supervisorBase()}/v1/jobs/${attempt}`;
}

/**
 * Returns the job of an attempt.
 *
 * @throws CleanRoomError `not-found`, `conflict` when its TEE ended and can no longer act for the run
 */
export async function findJob(
  db: Kysely<CoordinatorTables> | Transaction<CoordinatorTables>,
  attempt: string
): Promise<Job> {
  const row = await db
    .selectFrom('attempt')
    .innerJoin('run', 'run.id', 'attempt.run')
    .selectAll('run')
    .select(['attempt.attempt_key', 'attempt.end_reason'])
    .where('attempt.id', '=', attempt)
    .executeTakeFirst();
  if (row === undefined) throw new CleanRoomError('not-found', 'The job does not exist.');
  const { attempt_key: attemptKey, end_reason, ...run } = row;
  if (end_reason !== null) {
    throw new CleanRoomError('conflict', 'This attempt has ended, and another one may have started.');
  }
  return { attempt, attemptKey, run, revision: await revisionAt(db, run.submission, run.revision) };
}

/**
 * Checks that the run of a job has not ended.
 *
 * @throws CleanRoomError `conflict`
 */
export function requireOpen({ run }: Job): void {
  if (!isFinal(RUN_TRANSITIONS, run.state)) return;
  throw new CleanRoomError('conflict', `The run has already ended (${run.state}).`, {
    details: { state: run.state }
  });
}
