import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import { strictestTerms } from '@clean-room/protocol/policies';
import { documentsOf } from '../approvals/approve.js';
import type { CoordinatorContext } from '../context.js';
import { storedFiles } from '../images/compose.js';
import { transitionRun, type RevisionRow, type RunRow } from '../state/transitions.js';
import { decisionsOf, lockRevision } from '../submissions/find.js';
import type { UnitOfWork } from '../state/unit-of-work.js';
import { jobAddress } from '../jobs/find.js';
import { endRun, lockRun } from './end.js';
import { GRACE_SECONDS } from './watch.js';

/** Failures that may disappear by themselves. All other failures end the run at once. */
const TRANSIENT_CODES = ['unavailable', 'registry-failed'] as const;

function isTransient(error: unknown): boolean {
  return !(error instanceof CleanRoomError) || TRANSIENT_CODES.some(code => isCleanRoomError(error, code));
}

/** Throws when a provider's approval has expired or was revoked since the run was queued. */
async function requireApprovals(unit: UnitOfWork, revision: RevisionRow): Promise<void> {
  const decisions = await decisionsOf(unit.trx, revision);
  const missing = decisions.find(
    ({ state, expires_at }) => state !== 'approved' || (expires_at !== null && expires_at <= unit.at)
  );
  if (revision.state === 'approved' && missing === undefined) return;
  throw new CleanRoomError(
    'approval-missing',
    `The approval of ${missing?.provider ?? 'a provider'} is no longer valid, so the run was not started.`,
    { remedy: 'Submit again to ask for a new approval.' }
  );
}

/** Changes the run from `queued` to `starting`. Returns undefined when the run has ended or has already started. */
async function beginStart(
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
      await requireApprovals(unit, revision);
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

/**
 * Returns the time limit of a TEE in seconds. The supervisor enforces the notebook's own limit; the backend's longer limit is
 * for a supervisor that fails to.
 */
function teeWallSeconds(context: CoordinatorContext, wallSeconds: number): number {
  const { startSeconds, keySeconds } = context.services.config.limits;
  return startSeconds + keySeconds + wallSeconds + GRACE_SECONDS;
}

async function launch(context: CoordinatorContext, attempt: string, revision: RevisionRow): Promise<void> {
  const { backend } = context.services;
  const { spec, policies } = await documentsOf(context.db, revision);
  await backend.start({
    attempt,
    image: revision.image_digest,
    tee: backend.capabilities.tees[0] ?? 'SIMULATED',
    diskBytes: 20 * 1024 ** 3,
    labels: {},
    job: jobAddress(context, attempt),
    processors: spec.value.compute.processors,
    memoryBytes: spec.value.compute.memoryBytes,
    deadlineSeconds: teeWallSeconds(
      context,
      strictestTerms(policies.map(policy => policy.value)).run.wallSeconds
    )
  });
}

async function fail(context: CoordinatorContext, run: string, error: unknown): Promise<void> {
  const known = error instanceof CleanRoomError ? error : undefined;
  await context.transact(async unit => {
    await endRun(unit, await lockRun(unit.trx, run), 'failed', {
      code: known?.code ?? 'backend-unavailable',
      message: known?.message ?? 'The TEE could not be started. It has received no data.'
    });
  });
}

/**
 * Publishes the image of an attempt and starts its TEE. It can be repeated at any point, and continues where it stopped.
 *
 * @throws the error of a failure that may disappear by itself, while there is time for another attempt to start
 */
export async function handleStartAttempt(context: CoordinatorContext, attempt: string): Promise<void> {
  const begun = await beginStart(context, attempt);
  if (begun === undefined) return;
  const { run, revision } = begun;
  try {
    await publish(context, revision);
    await launch(context, attempt, revision);
  } catch (error) {
    const waited = (Date.now() - run.created_at.getTime()) / 1000;
    if (isTransient(error) && waited < context.services.config.limits.startSeconds) throw error;
    context.services.logger.error({ err: error, run: run.id }, 'the attempt could not be started');
    await fail(context, run.id, error);
    return;
  }
  const ended = await context.transact(async unit => {
    const current = await lockRun(unit.trx, run.id);
    await unit.trx
      .updateTable('attempt')
      .set({ started_at: unit.at })
      .where('id', '=', attempt)
      .where('started_at', 'is', null)
      .execute();
    await unit.send('watch-attempt', { attempt }, context.services.config.limits.watchSeconds);
    return current.ended_at !== null;
  });
  // The run was cancelled while its TEE was being started.
  if (ended) await context.services.backend.stop(attempt);
}
