import type { Kysely } from 'kysely';
import type { Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import {
  TRANSFER_SECONDS,
  type JobResult,
  type TransferAddress,
  type TransferRequest
} from '@clean-room/protocol/jobs';
import { Spec } from '@clean-room/protocol/submissions';
import type { CoordinatorContext } from '../context.js';
import type { CoordinatorTables } from '../database/tables.js';
import type { Job } from './find.js';

/** Maximum number of outputs per attempt: the notebook, and a copy for each reviewing custodian. */
const MAX_UPLOADS = 100;

/** Throws when a job may not download an object, because it is not a sealed asset of its spec. */
async function requireAsset(
  db: Kysely<CoordinatorTables>,
  { revision }: Job,
  { digest }: TransferRequest
): Promise<void> {
  const versions = Spec.read(revision.spec).value.assets.map(asset => asset.version);
  const sealed =
    versions.length === 0
      ? undefined
      : await db
          .selectFrom('asset_version')
          .select('sealed_digest')
          .where('digest', 'in', versions)
          .where('sealed_digest', '=', digest)
          .executeTakeFirst();
  if (sealed === undefined) throw new CleanRoomError('not-found', 'This job does not contain the object.');
}

/** Throws when a job may not upload another object. */
async function requireUploadsLeft(
  context: CoordinatorContext,
  db: Kysely<CoordinatorTables>,
  job: Job,
  { bytes }: TransferRequest
): Promise<void> {
  const limit = context.services.config.limits.outputBytes;
  if (bytes > limit) {
    throw new CleanRoomError('too-large', `The output has ${bytes} bytes, but the limit is ${limit} bytes.`);
  }
  const { count } = await db
    .selectFrom('job_object')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('attempt', '=', job.attempt)
    .executeTakeFirstOrThrow();
  if (count >= MAX_UPLOADS) throw new CleanRoomError('too-large', 'This job has uploaded too many objects.');
}

/**
 * Returns an address at which a job can transfer one object. The store may have to sign it, which takes long: this must not be
 * called in a transaction.
 *
 * @throws CleanRoomError `not-found`, `too-large`
 */
export async function createTransfer(
  context: CoordinatorContext,
  job: Job,
  request: TransferRequest
): Promise<TransferAddress> {
  const { direction, digest, bytes } = request;
  if (direction === 'download') await requireAsset(context.db, job, request);
  else await requireUploadsLeft(context, context.db, job, request);
  const expires = new Date((Math.floor(Date.now() / 1000) + TRANSFER_SECONDS) * 1000);
  return context.services.transfers[direction]({ owner: job.attempt, digest, bytes }, expires);
}

/**
 * Records that a job may upload an object. Its result may name only recorded ones.
 *
 * @throws CleanRoomError `too-large`
 */
export async function recordTransfer(
  context: CoordinatorContext,
  trx: Kysely<CoordinatorTables>,
  job: Job,
  request: TransferRequest
): Promise<void> {
  if (request.direction === 'download') return;
  await requireUploadsLeft(context, trx, job, request);
  const { digest, bytes } = request;
  await trx
    .insertInto('job_object')
    .values({ attempt: job.attempt, digest, bytes, stored: false })
    .onConflict(conflict =>
      conflict.columns(['attempt', 'digest']).doUpdateSet({ bytes }).where('job_object.stored', '=', false)
    )
    .execute();
}

/** Records that an upload of an attempt was verified and is stored. */
export async function recordStored(
  db: Kysely<CoordinatorTables>,
  attempt: string,
  { digest, bytes }: { readonly digest: Digest; readonly bytes: number }
): Promise<void> {
  await db
    .updateTable('job_object')
    .set({ bytes, stored: true })
    .where('attempt', '=', attempt)
    .where('digest', '=', digest)
    .execute();
}

/**
 * Verifies and stores the outputs of a result that were not uploaded through this server. It reads them whole, so it must not be
 * called in a transaction.
 *
 * @throws CleanRoomError `not-found` when one was not uploaded, `digest-mismatch`
 */
export async function acceptUploads(
  context: CoordinatorContext,
  { attempt }: Job,
  { outputs }: JobResult
): Promise<void> {
  const uploads = await context.db
    .selectFrom('job_object')
    .select(['digest', 'bytes'])
    .where('attempt', '=', attempt)
    .where('digest', 'in', outputs)
    .where('stored', '=', false)
    .execute();
  for (const upload of uploads) {
    await context.services.transfers.accept({ owner: attempt, ...upload });
    await recordStored(context.db, attempt, upload);
  }
}
