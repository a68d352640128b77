import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import { strictestTerms } from '@clean-room/protocol/policies';
import { documentsOf } from '../approvals/approve.js';
import type { CoordinatorContext } from '../context.js';
import { storedFiles } from '../images/compose.js';
import { transitionRun, type RevisionRow, type RunRow } from '../state/transitions.js';
import { decisionsOf, lockRevision } from '../submissions/find.js';
import type { UnitOfWork } from '../state/unit-of-work.js';
import { endRun, lockRun } from './end.js';
import { GRACE_SECONDS } from './watch.js';

/** Failures that a later try may mend. All others end the run at once. */
const PASSING = ['unavailable', 'registry-failed'] as const;

function mayPass(error: unknown): boolean {
  return !(error instanceof CleanRoomError) || PASSING.some(code => isCleanRoomError(error, code));
}

async function requireConsent(unit: UnitOfWork, revision: RevisionRow): Promise<void> {
  const decisions = await decisionsOf(unit.trx, revision);
  const lacking = decisions.find(
    ({ state, expires_at }) => state !== 'approved' || (expires_at !== null && expires_at <= unit.at)
  );
  if (revision.state === 'approved' && lacking === undefined) return;
  throw new CleanRoomError(
    'approval-missing',
    `The approval of ${lacking?.provider ?? 'a provider'} does not hold any more.`
  );
}

/** Takes the run from `queued` to `starting`; nothing when it is over, or is farther already. */
async function claim(
  context: CoordinatorContext,
  attempt: string
): Promise<{ run: RunRow; revision: RevisionRow } | undefined> {
  return context.transact(async unit => {
    const row = await unit.trx
      .selectFrom('attempt')
      .select('run')
      .where('id', '=', attempt)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const found = await unit.trx
      .selectFrom('run')
      .select(['submission', 'revision'])
      .where('id', '=', row.run)
      .executeTakeFirstOrThrow();
    const revision = await lockRevision(unit.trx, found.submission, found.revision);
    const run = await lockRun(unit.trx, row.run);
    if (run.state === 'starting') return { run, revision };
    if (run.state !== 'queued') return undefined;
    try {
      await requireConsent(unit, revision);
    } catch (error) {
      if (!isCleanRoomError(error)) throw error;
      await endRun(unit, run, 'failed', { code: error.code, message: error.message });
      return undefined;
    }
    return { run: await transitionRun(unit, run, 'starting'), revision };
  });
}

async function publish(context: CoordinatorContext, revision: RevisionRow): Promise<void> {
  const { images, kernelImages, objects } = context.services;
  const { spec } = await documentsOf(context.db, revision);
  const { image: kernelImage } = kernelImages.get(spec.value.kernelImage);
  await images.publish(revision.image_digest, { kernelImage, spec, files: storedFiles(objects, spec.value) });
}

/** The supervisor keeps the notebook's limit; the backend's is for a supervisor that does not. */
function limit(context: CoordinatorContext, wallSeconds: number): number {
  const { startSeconds, keySeconds } = context.services.config.limits;
  return startSeconds + keySeconds + wallSeconds + GRACE_SECONDS;
}

async function launch(context: CoordinatorContext, attempt: string, revision: RevisionRow): Promise<void> {
  const { backend, jobTokens } = context.services;
  const { spec, policies } = await documentsOf(context.db, revision);
  await backend.start({
    attempt,
    image: revision.image_digest,
    job: `${context.services.supervisorBase()}/v1/jobs/${jobTokens.of(attempt)}`,
    processors: spec.value.compute.processors,
    memoryBytes: spec.value.compute.memoryBytes,
    wallSeconds: limit(context, strictestTerms(policies.map(policy => policy.value)).run.wallSeconds)
  });
}

async function fail(context: CoordinatorContext, run: string, error: unknown): Promise<void> {
  const known = error instanceof CleanRoomError ? error : undefined;
  await context.transact(async unit => {
    await endRun(unit, await lockRun(unit.trx, run), 'failed', {
      code: known?.code ?? 'backend-unavailable',
      message: known?.message ?? 'The TEE could not be started. No data was given to it.'
    });
  });
}

/**
 * Publishes the image of an attempt and starts its TEE. May be called again at any point: the second time goes on where
 * the first one stopped.
 * @throws what a later try may mend, while there is time for one
 */
export async function handleStartAttempt(context: CoordinatorContext, attempt: string): Promise<void> {
  const claimed = await claim(context, attempt);
  if (claimed === undefined) return;
  const { run, revision } = claimed;
  try {
    await publish(context, revision);
    await launch(context, attempt, revision);
  } catch (error) {
    const waited = (Date.now() - run.created_at.getTime()) / 1000;
    if (mayPass(error) && waited < context.services.config.limits.startSeconds) throw error;
    context.services.logger.error({ err: error, run: run.id }, 'the attempt could not be started');
    await fail(context, run.id, error);
    return;
  }
  const over = await context.transact(async unit => {
    const now = await lockRun(unit.trx, run.id);
    await unit.trx
      .updateTable('attempt')
      .set({ started_at: unit.at })
      .where('id', '=', attempt)
      .where('started_at', 'is', null)
      .execute();
    await unit.send('watch-attempt', { attempt }, context.services.config.limits.watchSeconds);
    return now.ended_at !== null;
  });
  // Cancelled while it was being started.
  if (over) await context.services.backend.stop(attempt);
}
