import { sql, type Kysely } from 'kysely';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { isFinal, RUN_TRANSITIONS } from '@clean-room/protocol/runs';
import type { Actor } from '@clean-room/api/coordinator';
import { newId } from '../../platform/ids.js';
import type { PersonCaller } from '../access/caller.js';
import type { CoordinatorTables } from '../database/tables.js';
import { recordRun, type RevisionRow, type RunRow } from '../state/transitions.js';
import { decisionsOf, newestRevision, requireOwn } from '../submissions/find.js';
import type { UnitOfWork } from '../state/unit-of-work.js';
import { endRun, lockRun, noRun } from './end.js';

/**
 * Creates a run with its one attempt, and the background job that starts it. Only this function creates attempts, so nothing
 * runs twice unless that is requested.
 *
 * @param by - the person who asked for the run, or null when the last approval started it
 */
export async function queueRun(unit: UnitOfWork, revision: RevisionRow, by: Actor | null): Promise<RunRow> {
  const row: RunRow = {
    id: newId(unit.at.getTime()),
    submission: revision.submission,
    revision: revision.number,
    state: 'queued',
    reason: null,
    failure: null,
    simulated: revision.simulated,
    requested_by: by,
    cell: null,
    cells: null,
    created_at: unit.at,
    started_at: null,
    ended_at: null,
    history: [{ state: 'queued', at: unit.at.toISOString() }]
  };
  await unit.trx
    .insertInto('run')
    .values({
      ...row,
      reason: null,
      failure: null,
      requested_by: by === null ? null : JSON.stringify(by),
      history: JSON.stringify(row.history)
    })
    .execute();
  const attempt = newId(unit.at.getTime());
  await unit.trx
    .insertInto('attempt')
    .values({
      id: attempt,
      run: row.id,
      job_token_hash: unit.jobHash(attempt),
      created_at: unit.at,
      run_state_since: unit.at
    })
    .execute();
  await recordRun(unit, row);
  await unit.send('start-attempt', { attempt });
  return row;
}

/** Returns the number of attempts of a revision for which a provider's custodian has released keys. */
async function countUsedAttempts(
  db: Kysely<CoordinatorTables>,
  revision: RevisionRow,
  provider: string
): Promise<number> {
  const { used } = await db
    .selectFrom('key_request')
    .innerJoin('attempt', 'attempt.id', 'key_request.attempt')
    .innerJoin('run', 'run.id', 'attempt.run')
    .select(sql<number>`count(distinct attempt.id)`.as('used'))
    .where('run.submission', '=', revision.submission)
    .where('run.revision', '=', revision.number)
    .where('key_request.provider', '=', provider)
    .where(sql<boolean>`key_request.reply -> 'answer' is not null`)
    .executeTakeFirstOrThrow();
  return used;
}

/**
 * Queues another run of the newest revision.
 *
 * @throws CleanRoomError `conflict` when the revision is not approved or has a run that has not ended, `attempts-spent`
 */
export async function requestRun(
  unit: UnitOfWork,
  caller: PersonCaller,
  submission: string
): Promise<RunRow> {
  await requireOwn(unit.trx, caller, submission);
  const revision = await newestRevision(unit.trx, submission);
  if (revision.state !== 'approved') {
    throw new CleanRoomError(
      'conflict',
      `The revision is ${revision.state}. Only an approved revision can run.`,
      {
        details: { state: revision.state }
      }
    );
  }
  const earlier = await unit.trx
    .selectFrom('run')
    .select(['id', 'state'])
    .where('submission', '=', submission)
    .where('revision', '=', revision.number)
    .execute();
  if (earlier.some(run => !isFinal(RUN_TRANSITIONS, run.state))) {
    throw new CleanRoomError('conflict', 'Another run of this revision has not ended yet.', {
      remedy: 'Wait until it ends, or cancel it.'
    });
  }
  for (const { provider, attempts } of await decisionsOf(unit.trx, revision)) {
    if (attempts === null || (await countUsedAttempts(unit.trx, revision, provider)) < attempts) continue;
    throw new CleanRoomError(
      'attempts-spent',
      `All attempts that ${provider} approved have been used (${attempts}).`,
      {
        remedy: `Submit again, and ask ${provider} to approve as many attempts as you need.`
      }
    );
  }
  return queueRun(unit, revision, { party: caller.party, person: caller.person });
}

/**
 * Cancels a run. Cancelling a cancelled run changes nothing.
 *
 * @throws CleanRoomError `not-found`, `forbidden`, `conflict` when the run has ended otherwise
 */
export async function cancelRun(unit: UnitOfWork, caller: PersonCaller, id: string): Promise<RunRow> {
  const found = await unit.trx.selectFrom('run').select('submission').where('id', '=', id).executeTakeFirst();
  if (found === undefined) throw noRun();
  await requireOwn(unit.trx, caller, found.submission);
  const run = await lockRun(unit.trx, id);
  if (run.state === 'cancelled') return run;
  if (isFinal(RUN_TRANSITIONS, run.state)) {
    throw new CleanRoomError('conflict', `The run has already ended (${run.state}).`, {
      details: { state: run.state }
    });
  }
  const message = `${caller.person} cancelled the run. No output left the clean room.`;
  return endRun(unit, run, 'cancelled', { code: 'cancelled', message });
}
