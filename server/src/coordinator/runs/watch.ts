import { ATTEMPT_SECONDS } from '@clean-room/protocol/jobs';
import { isFinal, RUN_TRANSITIONS, type RunState } from '@clean-room/protocol/runs';
import type { Reason } from '@clean-room/api/coordinator';
import type { TeeStatus } from '../backends/backend.js';
import type { CoordinatorContext } from '../context.js';
import { endAttempt, lockOpenAttempt, type EndedTee } from './attempts.js';
import { endRun } from './end.js';

/** Time for the download, filter, sealing and delivery, in addition to the notebook's own time limit. In seconds. */
export const GRACE_SECONDS = ATTEMPT_SECONDS.download + ATTEMPT_SECONDS.delivery + 600;

/** The columns of an attempt whose TEE was started and has not ended, as far as the database knows. */
interface WatchedAttempt {
  readonly id: string;
  readonly state: RunState;
  readonly run_state_since: Date;
  readonly wall_seconds: number | null;
  readonly unknown_since: Date | null;
}

async function watchedAttempts(context: CoordinatorContext): Promise<WatchedAttempt[]> {
  return context.db
    .selectFrom('attempt')
    .innerJoin('run', 'run.id', 'attempt.run')
    .select([
      'attempt.id',
      'run.state',
      'attempt.run_state_since',
      'attempt.wall_seconds',
      'attempt.unknown_since'
    ])
    .where('attempt.ended_at', 'is', null)
    .where('attempt.started_at', 'is not', null)
    .where('run.ended_at', 'is', null)
    .where('run.state', '!=', 'output-review')
    .execute();
}

/** Returns how long a run may stay in a state, in seconds, or undefined when no limit applies. */
function secondsAllowed(context: CoordinatorContext, attempt: WatchedAttempt): number | undefined {
  const { startSeconds, keySeconds } = context.services.config.limits;
  switch (attempt.state) {
    case 'starting':
      return startSeconds;
    case 'awaiting-keys':
      return keySeconds;
    case 'running':
      return attempt.wall_seconds === null ? undefined : attempt.wall_seconds + GRACE_SECONDS;
    default:
      return undefined;
  }
}

/** The outcome of a check: the TEE has ended, or the run has to end. */
type Verdict = { readonly ended: EndedTee } | { readonly failed: Reason };

/** Returns the outcome for an attempt that has been in its state for too long, or undefined while it has time left. */
function timeoutOf(context: CoordinatorContext, attempt: WatchedAttempt): Verdict | undefined {
  const allowed = secondsAllowed(context, attempt);
  if (allowed === undefined || Date.now() - attempt.run_state_since.getTime() < allowed * 1000)
    return undefined;
  // A machine that hangs while it starts is replaced like one that does not start.
  if (attempt.state === 'starting') {
    const detail = `It had not reported anything after ${allowed} seconds.`;
    return { ended: { state: 'ended', reason: 'boot-failed', detail } };
  }
  return {
    failed: {
      code: attempt.state === 'awaiting-keys' ? 'key-release-refused' : 'run-failed',
      message: `The run was stopped after ${allowed} seconds in the state ${attempt.state}. No output left the clean room.`
    }
  };
}

/** Returns the outcome for a status of the backend, or undefined while the TEE exists or may appear again. */
function verdictOn(
  context: CoordinatorContext,
  attempt: WatchedAttempt,
  status: TeeStatus
): Verdict | undefined {
  if (status.state === 'ended') return { ended: status };
  if (status.state === 'unknown' && attempt.unknown_since !== null) {
    const missing = (Date.now() - attempt.unknown_since.getTime()) / 1000;
    if (missing >= context.services.config.limits.lostSeconds) {
      return { ended: { state: 'ended', reason: 'lost' } };
    }
  }
  return timeoutOf(context, attempt);
}

/** Saves since when the backend does not know these TEEs. */
async function saveUnknown(
  context: CoordinatorContext,
  attempts: readonly WatchedAttempt[],
  statuses: ReadonlyMap<string, TeeStatus>
): Promise<void> {
  const isUnknown = ({ id }: WatchedAttempt): boolean => statuses.get(id)?.state === 'unknown';
  const set = async (ids: readonly string[], unknown_since: Date | null): Promise<void> => {
    if (ids.length === 0) return;
    await context.db.updateTable('attempt').set({ unknown_since }).where('id', 'in', ids).execute();
  };
  const missing = attempts.filter(attempt => isUnknown(attempt) && attempt.unknown_since === null);
  const back = attempts.filter(attempt => !isUnknown(attempt) && attempt.unknown_since !== null);
  await set(
    missing.map(({ id }) => id),
    new Date()
  );
  await set(
    back.map(({ id }) => id),
    null
  );
}

async function apply(context: CoordinatorContext, attempt: WatchedAttempt, verdict: Verdict): Promise<void> {
  await context.transact(async unit => {
    const open = await lockOpenAttempt(unit.trx, attempt.id);
    // The results may have arrived during the status request. The TEE is then expected to end.
    if (open?.run.state !== attempt.state) return;
    if ('ended' in verdict) await endAttempt(unit, attempt.id, verdict.ended);
    else await endRun(unit, open.run, 'failed', verdict.failed);
  });
}

/**
 * Checks all running TEEs with one status request. An attempt whose TEE has ended, is lost or takes too long ends, and its run
 * starts again or fails.
 */
export async function watchAttempts(context: CoordinatorContext): Promise<void> {
  const attempts = await watchedAttempts(context);
  if (attempts.length === 0) return;
  const statuses = await context.services.backend.statuses(attempts.map(({ id }) => id));
  await saveUnknown(context, attempts, statuses);
  for (const attempt of attempts) {
    const verdict = verdictOn(context, attempt, statuses.get(attempt.id) ?? { state: 'unknown' });
    if (verdict !== undefined) await apply(context, attempt, verdict);
  }
}

/**
 * Stops the TEEs that exist although their attempt has ended or is not in the database. Such a TEE is left when a process
 * crashes between starting it and saving that, or when a stop request fails for too long.
 */
export async function sweepTees(context: CoordinatorContext): Promise<void> {
  const { backend, logger } = context.services;
  const existing = await backend.list();
  if (existing.length === 0) return;
  const rows = await context.db
    .selectFrom('attempt')
    .innerJoin('run', 'run.id', 'attempt.run')
    .select(['attempt.id', 'run.state'])
    .where('attempt.id', 'in', existing)
    .where('attempt.ended_at', 'is', null)
    .execute();
  const needed = new Set(
    rows
      .filter(({ state }) => !isFinal(RUN_TRANSITIONS, state) && state !== 'output-review')
      .map(({ id }) => id)
  );
  for (const attempt of existing) {
    if (needed.has(attempt)) continue;
    logger.warn({ attempt }, 'a TEE without an open attempt is stopped');
    // One that cannot be stopped must not keep the others running.
    await backend.stop(attempt).catch((error: unknown) => {
      logger.error({ err: error, attempt }, 'the TEE could not be stopped, which will be repeated');
    });
  }
}
