import { isFinal, RUN_TRANSITIONS } from '@clean-room/protocol/runs';
import { expire } from '../approvals/end-revision.js';
import type { CoordinatorContext } from '../context.js';
import { IDEMPOTENCY_HOURS } from '../idempotency/once.js';
import { handleStartAttempt } from '../runs/start.js';
import { handleStopAttempt, handleWatchAttempt } from '../runs/watch.js';
import { QUEUE_PLANS, type CoordinatorJobs } from './jobs.js';

const HOUR_MS = 3_600_000;
/** The time for which events are kept. A client that was disconnected for longer reloads everything. */
const EVENT_DAYS = 7;

/** Deletes old responses to idempotency keys, and events that are too old for a client to resume from. */
async function deleteOldRows(context: CoordinatorContext): Promise<void> {
  const before = (hours: number): Date => new Date(Date.now() - hours * HOUR_MS);
  await context.db.deleteFrom('idempotency').where('created_at', '<', before(IDEMPOTENCY_HOURS)).execute();
  await context.db
    .deleteFrom('event')
    .where('created_at', '<', before(EVENT_DAYS * 24))
    .execute();
}

/** Returns the open revisions that have expired, or that have an expired approval. */
async function expiredRevisions(context: CoordinatorContext): Promise<CoordinatorJobs['expire-revision'][]> {
  const now = new Date();
  return context.db
    .selectFrom('revision')
    .select(['revision.submission', 'revision.number as revision'])
    .where('revision.state', 'in', ['submitted', 'approved'])
    .where(eb =>
      eb.or([
        eb('revision.expires_at', '<=', now),
        eb.exists(
          eb
            .selectFrom('decision')
            .select('decision.provider')
            .whereRef('decision.submission', '=', 'revision.submission')
            .whereRef('decision.revision', '=', 'revision.number')
            .where('decision.state', '=', 'approved')
            .where('decision.expires_at', '<=', now)
        )
      ])
    )
    .execute();
}

/** Continues the work of an earlier process, without waiting until the jobs that it held expire. */
async function resume(context: CoordinatorContext): Promise<void> {
  const rows = await context.db
    .selectFrom('attempt')
    .innerJoin('run', 'run.id', 'attempt.run')
    .select(['attempt.id', 'run.state'])
    .where('run.ended_at', 'is', null)
    .execute();
  const expired = await expiredRevisions(context);
  await context.transact(async unit => {
    for (const { id: attempt, state } of rows) {
      if (isFinal(RUN_TRANSITIONS, state)) continue;
      const starting = state === 'queued' || state === 'starting';
      await unit.send(starting ? 'start-attempt' : 'watch-attempt', { attempt });
    }
    for (const revision of expired) await unit.send('expire-revision', revision);
  });
}

/**
 * Starts to handle background jobs, and to delete old rows every hour.
 *
 * @returns a function that stops the work, and waits for running jobs
 */
export async function startWork(context: CoordinatorContext): Promise<() => Promise<void>> {
  const { queue, logger } = context.services;
  await queue.start(QUEUE_PLANS);
  await queue.work('start-attempt', 4, ({ attempt }) => handleStartAttempt(context, attempt));
  await queue.work('watch-attempt', 4, ({ attempt }) => handleWatchAttempt(context, attempt));
  await queue.work('stop-attempt', 2, ({ attempt }) => handleStopAttempt(context, attempt));
  await queue.work('expire-revision', 1, ({ submission, revision }) =>
    context.transact(unit => expire(unit, submission, revision))
  );
  await resume(context);
  const cleanup = setInterval(() => {
    deleteOldRows(context).catch((error: unknown) => {
      logger.error({ err: error }, 'old rows could not be deleted');
    });
  }, HOUR_MS);
  return async () => {
    clearInterval(cleanup);
    await queue.stop();
  };
}
