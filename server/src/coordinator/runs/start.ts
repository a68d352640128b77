import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import { strictestTerms } from '@clean-room/protocol/policies';
import { documentsOf } from '../approvals/approve.js';
import { Spec } from '@clean-room/protocol/submissions';
import type { AttemptPlan, TeeStatus } from '../backends/backend.js';
import { chooseShape } from '../backends/choose-shape.js';
import type { CoordinatorContext } from '../context.js';
import { storedFiles } from '../images/compose.js';
import { transitionRun, type RevisionRow } from '../state/transitions.js';
import { decisionsOf } from '../submissions/find.js';
import type { UnitOfWork } from '../state/unit-of-work.js';
import { jobAddress } from '../jobs/find.js';
import { endAttempt, lockOpenAttempt, type OpenAttempt } from './attempts.js';
import { endRun } from './end.js';
import { chooseTeeKind } from './tee-kind.js';
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

/** Changes the run from `queued` to `starting`. Returns undefined when the attempt or its run has ended or is running. */
async function beginStart(context: CoordinatorContext, attempt: string): Promise<OpenAttempt | undefined> {
  return context.transact(async unit => {
    const open = await lockOpenAttempt(unit.trx, attempt);
    if (open === undefined || open.run.state === 'starting') return open;
    const { run, revision } = open;
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

/** Publishes the image of a revision, and returns its reference by digest. */
async function publish(context: CoordinatorContext, revision: RevisionRow): Promise<string> {
  const { images, kernelImages, objects } = context.services;
  const spec = Spec.read(revision.spec);
  const { image: kernelImage } = kernelImages.get(spec.value.kernelImage);
  return images.publish(revision.image_digest, {
    kernelImage,
    spec,
    files: storedFiles(objects, spec.value)
  });
}

/** Space on the disk besides the assets: the unpacked image, and the files that the notebook writes. In bytes. */
const DISK_BYTES = 12 * 1024 ** 3;

/** Returns the settings of an attempt's TEE, and saves the notebook's time limit for the watcher, and the machine for the cost. */
async function planOf(
  context: CoordinatorContext,
  attempt: string,
  { run, revision }: OpenAttempt,
  imageReference: string
): Promise<AttemptPlan> {
  const { backend, config } = context.services;
  const { spec, assets, policies } = await documentsOf(context.db, revision);
  const terms = policies.map(policy => policy.value);
  const { wallSeconds } = strictestTerms(terms).run;
  const { processors, memoryBytes } = spec.value.compute;
  const { tees, shapes } = backend.capabilities;
  const tee = chooseTeeKind(tees, terms, revision.image_digest) ?? throwNoTee();
  const { name, dollarsPerHour } = chooseShape(shapes, { tee, processors, memoryBytes });
  await context.db
    .updateTable('attempt')
    .set({
      wall_seconds: wallSeconds,
      machine: JSON.stringify({ name, ...(dollarsPerHour === undefined ? {} : { dollarsPerHour }) })
    })
    .where('id', '=', attempt)
    .execute();
  const { startSeconds, keySeconds } = config.limits;
  return {
    attempt,
    image: revision.image_digest,
    imageReference,
    tee,
    processors,
    memoryBytes,
    // The sealed and the opened files of each asset.
    diskBytes: assets.reduce((sum, { value }) => sum + 2 * value.sealed.bytes, DISK_BYTES),
    // The supervisor enforces the notebook's own limit. This longer limit is for a supervisor that fails to.
    deadlineSeconds: startSeconds + keySeconds + wallSeconds + GRACE_SECONDS,
    job: jobAddress(context, attempt),
    labels: { run: run.id }
  };
}

function throwNoTee(): never {
  throw new CleanRoomError('backend-unavailable', 'This server’s backend offers no TEE.');
}

async function failRun(context: CoordinatorContext, attempt: string, error: unknown): Promise<void> {
  const known = error instanceof CleanRoomError ? error : undefined;
  await context.transact(async unit => {
    const open = await lockOpenAttempt(unit.trx, attempt);
    if (open === undefined) return;
    await endRun(unit, open.run, 'failed', {
      code: known?.code ?? 'backend-unavailable',
      message: known?.message ?? 'The TEE could not be started. It has received no data.'
    });
  });
}

/** Publishes the image and starts the TEE. Returns its status, or undefined when the run has failed. */
async function launch(
  context: CoordinatorContext,
  attempt: string,
  open: OpenAttempt
): Promise<TeeStatus | undefined> {
  try {
    const imageReference = await publish(context, open.revision);
    return await context.services.backend.start(await planOf(context, attempt, open, imageReference));
  } catch (error) {
    const began = await context.db
      .selectFrom('attempt')
      .select('run_state_since')
      .where('id', '=', attempt)
      .executeTakeFirstOrThrow();
    const waited = (Date.now() - began.run_state_since.getTime()) / 1000;
    if (isTransient(error) && waited < context.services.config.limits.startSeconds) throw error;
    context.services.logger.error({ err: error, run: open.run.id }, 'the attempt could not be started');
    await failRun(context, attempt, error);
    return undefined;
  }
}

/**
 * Publishes the image of an attempt and starts its TEE. It can be repeated at any point, and continues where it stopped.
 *
 * @throws the error of a failure that may disappear by itself, while there is time for a repetition
 */
export async function handleStartAttempt(context: CoordinatorContext, attempt: string): Promise<void> {
  const begun = await beginStart(context, attempt);
  if (begun === undefined) return;
  const status = await launch(context, attempt, begun);
  if (status === undefined) return;
  if (status.state === 'ended') {
    await context.transact(unit => endAttempt(unit, attempt, status));
    await context.services.backend.stop(attempt);
    return;
  }
  const { numUpdatedRows } = await context.db
    .updateTable('attempt')
    .set(eb => ({ started_at: eb.fn.coalesce('started_at', eb.val(new Date())) }))
    .where('id', '=', attempt)
    .where('ended_at', 'is', null)
    .executeTakeFirst();
  // The run was cancelled, or the attempt ended, while its TEE was being started.
  if (numUpdatedRows === 0n) await context.services.backend.stop(attempt);
}

/** Stops the TEE of an attempt, and deletes the uploads that are not part of a result. */
export async function handleStopAttempt(context: CoordinatorContext, attempt: string): Promise<void> {
  const { backend, transfers } = context.services;
  await backend.stop(attempt);
  await transfers.discard(attempt);
}
