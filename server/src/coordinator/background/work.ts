import { expire } from '../approvals/end-revision.js';
import type { CoordinatorContext } from '../context.js';
import { IDEMPOTENCY_HOURS } from '../idempotency/once.js';
import { randomUUID } from 'node:crypto';
import { handleStartAttempt, handleStopAttempt } from '../runs/start.js';
import { sweepTees, watchAttempts } from '../runs/watch.js';
import { QUEUE_PLANS, type CoordinatorJobs } from './jobs.js';
import { holdLease, returnLease } from './lease.js';
import { repeat, type Periodic } from './periodic.js';

const HOUR_SECONDS = 3600;
/** The time for which events are kept. A client that was disconnected for longer reloads everything. */
const EVENT_DAYS = 7;

/** Deletes old responses to idempotency keys, and events that are too old for a client to resume from. */
async function deleteOldRows(context: CoordinatorContext): Promise<void> {
  const before = (hours: number): Date => new Date(Date.now() - hours * HOUR_SECONDS * 1000);
  await context.db.deleteFrom('idempotency').where('created_at', '<', before(IDEMPOTENCY_HOURS)).execute();
  await context.db
    .deleteFrom('event')
    .where('created_at', '<', before(EVENT_DAYS * 24))
    .execute();
}

/** Deletes what is no longer needed, and schedules the next round. */
async function cleanUp(context: CoordinatorContext): Promise<void> {
  const { images, logger } = context.services;
  await deleteOldRows(context);
  await images.removeEnded(logger);
  await context.transact(unit => unit.send('clean-up', {}, HOUR_SECONDS));
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
  const starting = await context.db
    .selectFrom('attempt')
    .innerJoin('run', 'run.id', 'attempt.run')
    .select('attempt.id')
    .where('attempt.ended_at', 'is', null)
    .where('run.state', 'in', ['queued', 'starting'])
    .execute();
  const expired = await expiredRevisions(context);
  await context.transact(async unit => {
    for (const { id: attempt } of starting) await unit.send('start-attempt', { attempt });
    for (const revision of expired) await unit.send('expire-revision', revision);
    await unit.send('clean-up', {});
  });
}

/** Time between two searches for log entries that a killed process left without numbers, in seconds. */
const SEQUENCE_SECONDS = 1;
/** Time between two searches for TEEs that should not exist, in seconds. */
const SWEEP_SECONDS = 60;

/**
 * Repeats work about all TEEs in one of the processes that use the database: the process that holds the lease does it, and
 * another one takes over when it has not extended the lease for some time.
 */
function repeatInOneProcess(context: CoordinatorContext, lease: string, work: () => Promise<void>): Periodic {
  const { logger, config } = context.services;
  const { watchSeconds } = config.limits;
  const holder = randomUUID();
  const repeated = repeat(
    watchSeconds,
    async () => {
      if (await holdLease(context.db, lease, holder, 2 * watchSeconds + 4)) await work();
    },
    error => {
      logger.error({ err: error, lease }, 'the TEEs could not be watched, which will be repeated');
    }
  );
  return {
    stop: async () => {
      await repeated.stop();
      await returnLease(context.db, lease, holder);
    }
  };
}

/** Watches all TEEs, and searches for those that should not exist. Stopping these takes long, so nothing waits for it. */
function watchTees(context: CoordinatorContext): readonly Periodic[] {
  let sweptAt = -Infinity;
  return [
    repeatInOneProcess(context, 'tees', () => watchAttempts(context)),
    repeatInOneProcess(context, 'sweep', async () => {
      if (performance.now() - sweptAt < SWEEP_SECONDS * 1000) return;
      sweptAt = performance.now();
      await sweepTees(context);
    })
  ];
}

/**
 * Starts to handle background jobs, and to watch TEEs.
 *
 * @returns a function that stops the work, and waits for what is running
 */
export async function startWork(context: CoordinatorContext): Promise<() => Promise<void>> {
  const { queue, sequencer, logger } = context.services;
  try {
    await sequencer.sequenceRest();
    await queue.start(QUEUE_PLANS);
    await handleJobs(context);
    await resume(context);
  } catch (error) {
    await queue.stop();
    throw error;
  }
  const watching = watchTees(context);
  const sequencing = repeat(
    SEQUENCE_SECONDS,
    () => sequencer.sequenceRest(),
    error => {
      logger.error({ err: error }, 'the outbox could not be read, which will be repeated');
    }
  );
  return async () => {
    await sequencing.stop();
    await Promise.all(watching.map(watch => watch.stop()));
    await queue.stop();
  };
}

async function handleJobs(context: CoordinatorContext): Promise<void> {
  const { queue } = context.services;
  await queue.work('start-attempt', 4, ({ attempt }) => handleStartAttempt(context, attempt));
  await queue.work('stop-attempt', 2, ({ attempt }) => handleStopAttempt(context, attempt));
  await queue.work('expire-revision', 1, ({ submission, revision }) =>
    context.transact(unit => expire(unit, submission, revision))
  );
  await queue.work('clean-up', 1, () => cleanUp(context));
}
