import { isFinal, RUN_TRANSITIONS } from '@clean-room/protocol/runs';
import type { QueuePlan } from '../platform/database/queue.js';
import { expire } from './approvals/refuse.js';
import type { CoordinatorContext, CoordinatorJobs } from './context.js';
import { IDEMPOTENCY_HOURS } from './idempotency/once.js';
import { handleStartAttempt } from './runs/start.js';
import { handleStopAttempt, handleWatchAttempt } from './runs/watch.js';

/** A worker that died holds its job until it expires; then another one goes on. */
export const QUEUE_PLANS: { readonly [N in keyof CoordinatorJobs]: QueuePlan } = {
  'start-attempt': { expireInSeconds: 900, retryLimit: 100, onceWaiting: true },
  'watch-attempt': { expireInSeconds: 60, retryLimit: 1000, onceWaiting: true },
  'stop-attempt': { expireInSeconds: 60, retryLimit: 100, onceWaiting: true },
  'expire-revision': { expireInSeconds: 60, retryLimit: 100 }
};

const HOUR = 3_600_000;
const EVENT_DAYS = 7;

/** Deletes what has served its time: answers to idempotency keys, and events nobody will resume from. */
async function sweep(context: CoordinatorContext): Promise<void> {
  const before = (hours: number): Date => new Date(Date.now() - hours * HOUR);
  await context.db.deleteFrom('idempotency').where('created_at', '<', before(IDEMPOTENCY_HOURS)).execute();
  await context.db
    .deleteFrom('event')
    .where('created_at', '<', before(EVENT_DAYS * 24))
    .execute();
}

/** Open revisions whose own end, or that of an approval of theirs, has come. */
async function overdue(context: CoordinatorContext): Promise<CoordinatorJobs['expire-revision'][]> {
  const now = new Date();
  return context.db
    .selectFrom('revision')
    .select(['revision.submission', 'revision.number as revision'])
    .where('revision.state', 'in', ['submitted', 'approved'])
    .where(({ or, eb, exists, selectFrom }) =>
      or([
        eb('revision.expires_at', '<=', now),
        exists(
          selectFrom('decision')
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

/** Takes up what an earlier process left unfinished, without waiting for the jobs it held to expire. */
async function resume(context: CoordinatorContext): Promise<void> {
  const rows = await context.db
    .selectFrom('attempt')
    .innerJoin('run', 'run.id', 'attempt.run')
    .select(['attempt.id', 'run.state'])
    .where('run.ended_at', 'is', null)
    .execute();
  const ended = await overdue(context);
  await context.transact(async unit => {
    for (const { id: attempt, state } of rows) {
      if (isFinal(RUN_TRANSITIONS, state)) continue;
      const starting = state === 'queued' || state === 'starting';
      await unit.send(starting ? 'start-attempt' : 'watch-attempt', { attempt });
    }
    for (const revision of ended) await unit.send('expire-revision', revision);
  });
}

/** Sets to work on the queue. @returns what ends it */
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
  const sweeping = setInterval(() => {
    sweep(context).catch((error: unknown) => logger.error({ err: error }, 'sweeping failed'));
  }, HOUR);
  return async () => {
    clearInterval(sweeping);
    await queue.stop();
  };
}
