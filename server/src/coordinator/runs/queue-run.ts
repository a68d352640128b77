import type { Actor } from '@clean-room/api/coordinator';
import { newId } from '../../platform/ids.js';
import type { RevisionRow, RunRow } from '../state/transitions.js';
import { recordRun } from '../state/transitions.js';
import type { UnitOfWork } from '../state/unit-of-work.js';

/** Writes a run with its one attempt, and the job that starts it. An attempt is never made unasked. */
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
