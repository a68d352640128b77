import { CleanRoomError } from '@clean-room/protocol/errors';
import { isFinal, RUN_TRANSITIONS } from '@clean-room/protocol/runs';
import type { Actor } from '@clean-room/api/coordinator';
import { newId } from '../../platform/ids.js';
import type { PersonCaller } from '../access/caller.js';
import { recordRun, type RevisionRow, type RunRow } from '../state/transitions.js';
import { newestRevision, requireOwn } from '../submissions/find.js';
import type { UnitOfWork } from '../state/unit-of-work.js';
import { createAttempt } from './attempts.js';
import { endRun, lockRun, noRun } from './end.js';
import { requireAnotherRun } from './starts.js';

/**
 * Creates a run with its first attempt.
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
    history: [{ state: 'queued', at: unit.at.toISOString() }],
    cost: null
  };
  await unit.trx
    .insertInto('run')
    .values({
      ...row,
      reason: null,
      failure: null,
      requested_by: by === null ? null : JSON.stringify(by),
      history: JSON.stringify(row.history),
      cost: null
    })
    .execute();
  await recordRun(unit, row);
  await createAttempt(unit, row.id);
  return row;
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
  await requireAnotherRun(unit.trx, revision);
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
