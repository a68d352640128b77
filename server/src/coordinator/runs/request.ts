import { sql, type Kysely } from 'kysely';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { isFinal, RUN_TRANSITIONS } from '@clean-room/protocol/runs';
import type { PersonCaller } from '../access/caller.js';
import type { CoordinatorTables } from '../database/tables.js';
import type { RevisionRow, RunRow } from '../state/transitions.js';
import { decisionsOf, newestRevision, requireOwn } from '../submissions/find.js';
import type { UnitOfWork } from '../state/unit-of-work.js';
import { endRun, lockRun, noRun } from './end.js';
import { queueRun } from './queue-run.js';

/** Attempts of a revision that a provider's custodian has given keys to. */
async function attemptsSpent(
  db: Kysely<CoordinatorTables>,
  revision: RevisionRow,
  provider: string
): Promise<number> {
  const { spent } = await db
    .selectFrom('key_request')
    .innerJoin('attempt', 'attempt.id', 'key_request.attempt')
    .innerJoin('run', 'run.id', 'attempt.run')
    .select(sql<number>`count(distinct attempt.id)`.as('spent'))
    .where('run.submission', '=', revision.submission)
    .where('run.revision', '=', revision.number)
    .where('key_request.provider', '=', provider)
    .where(sql<boolean>`key_request.reply -> 'answer' is not null`)
    .executeTakeFirstOrThrow();
  return spent;
}

/**
 * One more run of the newest revision.
 * @throws CleanRoomError `conflict` when it is not approved or another run is at work, `attempts-spent`
 */
export async function askForRun(unit: UnitOfWork, caller: PersonCaller, submission: string): Promise<RunRow> {
  await requireOwn(unit.trx, caller, submission);
  const revision = await newestRevision(unit.trx, submission);
  if (revision.state !== 'approved') {
    throw new CleanRoomError('conflict', `The revision is ${revision.state}; only an approved one can run.`, {
      details: { state: revision.state }
    });
  }
  const earlier = await unit.trx
    .selectFrom('run')
    .select(['id', 'state'])
    .where('submission', '=', submission)
    .where('revision', '=', revision.number)
    .execute();
  if (earlier.some(run => !isFinal(RUN_TRANSITIONS, run.state))) {
    throw new CleanRoomError('conflict', 'A run of this revision is at work already.', {
      remedy: 'Wait for it, or cancel it.'
    });
  }
  for (const { provider, attempts } of await decisionsOf(unit.trx, revision)) {
    if (attempts === null || (await attemptsSpent(unit.trx, revision, provider)) < attempts) continue;
    throw new CleanRoomError('attempts-spent', `${provider} has approved ${attempts}, and all are spent.`, {
      remedy: `Submit again, and ask ${provider} for as many attempts as you need.`
    });
  }
  return queueRun(unit, revision, { party: caller.party, person: caller.person });
}

/** @throws CleanRoomError `not-found`, `forbidden`, `conflict` when it is over */
export async function cancelRun(unit: UnitOfWork, caller: PersonCaller, id: string): Promise<RunRow> {
  const found = await unit.trx.selectFrom('run').select('submission').where('id', '=', id).executeTakeFirst();
  if (found === undefined) throw noRun();
  await requireOwn(unit.trx, caller, found.submission);
  const run = await lockRun(unit.trx, id);
  if (run.state === 'cancelled') return run;
  if (isFinal(RUN_TRANSITIONS, run.state)) {
    throw new CleanRoomError('conflict', `The run is ${run.state} already.`, {
      details: { state: run.state }
    });
  }
  const message = `${caller.person} cancelled it. Nothing of it left the TEE.`;
  return endRun(unit, run, 'cancelled', { code: 'cancelled', message });
}
