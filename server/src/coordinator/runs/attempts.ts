import type { Transaction } from 'kysely';
import { isFinal, RUN_TRANSITIONS } from '@clean-room/protocol/runs';
import type { TeeEnd, TeeStatus } from '../backends/backend.js';
import { newId } from '../../platform/ids.js';
import type { CoordinatorTables } from '../database/tables.js';
import { transitionRun, type RevisionRow, type RunRow } from '../state/transitions.js';
import { lockRevision } from '../submissions/find.js';
import type { UnitOfWork } from '../state/unit-of-work.js';
import { addAttemptCost } from './cost.js';
import { endRun, lockRun } from './end.js';
import { nextStart } from './starts.js';

/**
 * How often the attempts of one run may end for each reason before the run fails. Attempts that somebody stopped, or whose
 * program ended by itself, are not repeated.
 */
const MOST_ENDS: Readonly<Record<TeeEnd, number>> = {
  preempted: 10,
  'out-of-capacity': 10,
  quota: 10,
  lost: 3,
  'boot-failed': 2,
  'launcher-failed': 2,
  stopped: 1,
  finished: 1
};

/** The ends after which another attempt at once would probably end the same way. */
const DELAYED: readonly TeeEnd[] = ['out-of-capacity', 'quota', 'boot-failed', 'launcher-failed'];
const FIRST_DELAY_SECONDS = 15;
const LONGEST_DELAY_SECONDS = 300;

const SENTENCES: Readonly<Record<TeeEnd, string>> = {
  preempted: 'The cloud provider took the machine back',
  'out-of-capacity': 'No machine of this size was free',
  quota: 'The operator’s quota did not allow another machine',
  'boot-failed': 'The machine did not start',
  'launcher-failed': 'The machine did not run the program',
  lost: 'The machine disappeared',
  stopped: 'The machine was stopped before it delivered results',
  finished: 'The program ended before it delivered results'
};

/** An attempt's TEE that has ended. */
export type EndedTee = Extract<TeeStatus, { state: 'ended' }>;

/** Creates an attempt of a run, and the background job that starts it. Only this function creates attempts. */
export async function createAttempt(unit: UnitOfWork, run: string, delaySeconds = 0): Promise<void> {
  const attempt = newId(unit.at.getTime());
  await unit.trx
    .insertInto('attempt')
    .values({
      id: attempt,
      run,
      created_at: unit.at,
      run_state_since: unit.at
    })
    .execute();
  await unit.send('start-attempt', { attempt }, delaySeconds);
}

/** An attempt that has not ended, with its run and revision, all locked until the transaction ends. */
export interface OpenAttempt {
  readonly run: RunRow;
  readonly revision: RevisionRow;
}

/** Locks an attempt's revision and run. Returns undefined when the attempt or its run has ended. */
export async function lockOpenAttempt(
  trx: Transaction<CoordinatorTables>,
  attempt: string
): Promise<OpenAttempt | undefined> {
  const found = await trx
    .selectFrom('attempt')
    .innerJoin('run', 'run.id', 'attempt.run')
    .select(['run.id', 'run.submission', 'run.revision'])
    .where('attempt.id', '=', attempt)
    .executeTakeFirst();
  if (found === undefined) return undefined;
  const revision = await lockRevision(trx, found.submission, found.revision);
  const run = await lockRun(trx, found.id);
  const open = await trx
    .selectFrom('attempt')
    .select('id')
    .where('id', '=', attempt)
    .where('ended_at', 'is', null)
    .executeTakeFirst();
  return open === undefined || isFinal(RUN_TRANSITIONS, run.state) ? undefined : { run, revision };
}

async function countEnds(unit: UnitOfWork, run: string, reason: TeeEnd): Promise<number> {
  const { ends } = await unit.trx
    .selectFrom('attempt')
    .select(({ fn }) => fn.countAll<number>().as('ends'))
    .where('run', '=', run)
    .where('end_reason', '=', reason)
    .executeTakeFirstOrThrow();
  return ends;
}

/**
 * Ends an attempt whose TEE has ended or could not be started. Another attempt starts by itself while no key has been released
 * for the run, and after that within the spare starts of the approvals. Otherwise the run fails. An attempt that has delivered
 * its results, or has already ended, stays unchanged.
 */
export async function endAttempt(unit: UnitOfWork, attempt: string, end: EndedTee): Promise<void> {
  const open = await lockOpenAttempt(unit.trx, attempt);
  if (open === undefined || open.run.state === 'output-review') return;
  const { run, revision } = open;
  const { reason, detail } = end;
  await unit.trx
    .updateTable('attempt')
    .set({ ended_at: unit.at, end_reason: reason })
    .where('id', '=', attempt)
    .execute();
  await addAttemptCost(unit, attempt);
  await unit.send('stop-attempt', { attempt });
  const sentence = [`${SENTENCES[reason]}.`, detail].filter(part => part !== undefined).join(' ');
  const ends = await countEnds(unit, run.id, reason);
  const { afterKeys, spentBy } = await nextStart(unit.trx, revision, run.id);
  if (ends >= MOST_ENDS[reason] || spentBy !== undefined) {
    const spent =
      spentBy === undefined || MOST_ENDS[reason] === 1
        ? ''
        : ` It was not started again, because it had already received keys, and ${spentBy} has approved no further spare start.`;
    const message = `${sentence} No output left the clean room.${spent}`;
    await endRun(unit, run, 'failed', { code: reason, message });
    return;
  }
  const again = afterKeys ? 'The run starts again and uses a spare start.' : 'The run starts again.';
  await transitionRun(unit, run, 'queued', { reason: { code: reason, message: `${sentence} ${again}` } });
  const delay = Math.min(FIRST_DELAY_SECONDS * 2 ** (ends - 1), LONGEST_DELAY_SECONDS);
  await createAttempt(unit, run.id, DELAYED.includes(reason) ? delay : 0);
}
