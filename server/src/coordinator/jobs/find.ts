import type { Kysely } from 'kysely';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { isFinal, RUN_TRANSITIONS } from '@clean-room/protocol/runs';
import type { CoordinatorTables } from '../database/tables.js';
import type { RevisionRow, RunRow } from '../state/transitions.js';
import { revisionAt } from '../submissions/find.js';
import { JobTokens } from './tokens.js';

/** An attempt with its run and revision, found by the supervisor's job token. */
export interface Job {
  readonly attempt: string;
  readonly run: RunRow;
  readonly revision: RevisionRow;
}

function noJob(): CleanRoomError {
  return new CleanRoomError('not-found', 'The job does not exist.');
}

/**
 * Returns the job that a token belongs to.
 *
 * @throws CleanRoomError `not-found`, `conflict` when its TEE ended and can no longer act for the run
 */
export async function findJob(db: Kysely<CoordinatorTables>, token: string): Promise<Job> {
  const row = await db
    .selectFrom('attempt')
    .innerJoin('run', 'run.id', 'attempt.run')
    .selectAll('run')
    .select(['attempt.id as attempt', 'attempt.end_reason'])
    .where('attempt.job_token_hash', '=', JobTokens.hash(token))
    .executeTakeFirst();
  if (row === undefined) throw noJob();
  const { attempt, end_reason, ...run } = row;
  if (end_reason !== null) {
    throw new CleanRoomError('conflict', 'This attempt has ended, and another one may have started.');
  }
  return { attempt, run, revision: await revisionAt(db, run.submission, run.revision) };
}

/**
 * Returns the job that a token belongs to, if its run has not ended.
 *
 * @throws CleanRoomError `not-found`, `conflict`
 */
export async function findOpenJob(db: Kysely<CoordinatorTables>, token: string): Promise<Job> {
  const job = await findJob(db, token);
  if (isFinal(RUN_TRANSITIONS, job.run.state)) {
    throw new CleanRoomError('conflict', `The run has already ended (${job.run.state}).`, {
      details: { state: job.run.state }
    });
  }
  return job;
}
