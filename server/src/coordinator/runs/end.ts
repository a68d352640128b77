import type { Transaction } from 'kysely';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { isFinal, RUN_TRANSITIONS, type RunState } from '@clean-room/protocol/runs';
import type { Reason } from '@clean-room/api/coordinator';
import type { CoordinatorTables } from '../database/tables.js';
import { transitionRun, type RevisionRow, type RunRow } from '../state/transitions.js';
import type { UnitOfWork } from '../state/unit-of-work.js';
import { addAttemptCost } from './cost.js';

/** Returns the error for a run that does not exist or that the caller may not see. */
export function noRun(): CleanRoomError {
  return new CleanRoomError('not-found', 'The run does not exist, or does not concern your party.');
}

/**
 * Returns a run, and locks it until the transaction ends.
 *
 * @throws CleanRoomError `not-found`
 */
export async function lockRun(trx: Transaction<CoordinatorTables>, id: string): Promise<RunRow> {
  const row = await trx.selectFrom('run').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
  if (row === undefined) throw noRun();
  return row;
}

/** Ends a run without outputs, and stops its TEE. A run that has already ended stays unchanged. */
export async function endRun(
  unit: UnitOfWork,
  run: RunRow,
  state: 'failed' | 'cancelled',
  reason: Reason
): Promise<RunRow> {
  if (isFinal(RUN_TRANSITIONS, run.state)) return run;
  const ended = await transitionRun(unit, run, state, { reason });
  const open = await unit.trx
    .updateTable('attempt')
    .set({ ended_at: unit.at })
    .where('run', '=', run.id)
    .where('ended_at', 'is', null)
    .returning('id')
    .execute();
  for (const { id: attempt } of open) {
    await addAttemptCost(unit, attempt);
    await unit.send('stop-attempt', { attempt });
  }
  return ended;
}

/**
 * Cancels the runs of a revision that have not ended.
 *
 * @param only - the states of the runs to cancel, all states by default
 */
export async function cancelRunsOf(
  unit: UnitOfWork,
  revision: Pick<RevisionRow, 'submission' | 'number'>,
  reason: Reason,
  only?: readonly RunState[]
): Promise<void> {
  const rows = await unit.trx
    .selectFrom('run')
    .selectAll()
    .where('submission', '=', revision.submission)
    .where('revision', '=', revision.number)
    .orderBy('id')
    .forUpdate()
    .execute();
  for (const run of rows) {
    if (only === undefined || only.includes(run.state)) await endRun(unit, run, 'cancelled', reason);
  }
}
