import type { Transaction } from 'kysely';
import { Type, type Static } from 'typebox';
import { equalBytes, fromBase64Url, fromUtf8, toBase64Url, utf8 } from '@clean-room/protocol/bytes';
import { ByteCount, checkSchema, Closed, DigestField, toTimestamp } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { TRANSFER_SECONDS, type TransferAddress, type TransferRequest } from '@clean-room/protocol/jobs';
import { Spec } from '@clean-room/protocol/submissions';
import type { CoordinatorContext } from '../context.js';
import type { CoordinatorTables } from '../database/tables.js';
import type { Job } from './find.js';
import type { AttemptSecrets } from './secrets.js';

/** Maximum number of outputs per attempt: the notebook, and a copy for each reviewing custodian. */
const MAX_UPLOADS = 100;

/** One permitted transfer. It travels in the address, with an HMAC of the deployment. */
const TransferGrant = Closed({
  attempt: Type.String(),
  direction: Type.Union([Type.Literal('download'), Type.Literal('upload')]),
  digest: DigestField,
  bytes: ByteCount,
  /** Seconds since 1970. */
  expires: Type.Integer()
});
export type TransferGrant = Static<typeof TransferGrant>;

/** Throws when a job may not download an object, because it is not a sealed asset of its spec. */
async function requireAsset(
  trx: Transaction<CoordinatorTables>,
  { revision }: Job,
  { digest }: TransferRequest
): Promise<void> {
  const versions = Spec.read(revision.spec).value.assets.map(asset => asset.version);
  const sealed =
    versions.length === 0
      ? undefined
      : await trx
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
  trx: Transaction<CoordinatorTables>,
  job: Job,
  { bytes }: TransferRequest
): Promise<void> {
  const limit = context.services.config.limits.outputBytes;
  if (bytes > limit) {
    throw new CleanRoomError('too-large', `The output has ${bytes} bytes, but the limit is ${limit} bytes.`);
  }
  const { count } = await trx
    .selectFrom('job_object')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('attempt', '=', job.attempt)
    .executeTakeFirstOrThrow();
  if (count >= MAX_UPLOADS) throw new CleanRoomError('too-large', 'This job has uploaded too many objects.');
}

function encodeGrant(secrets: AttemptSecrets, grant: TransferGrant): string {
  const text = toBase64Url(utf8(JSON.stringify(grant)));
  return `${text}.${toBase64Url(secrets.macOfGrant(text))}`;
}

/**
 * Returns the grant in a transfer address.
 *
 * @throws CleanRoomError `forbidden` when this deployment did not issue it for this direction, `expired`
 */
export function readGrant(
  secrets: AttemptSecrets,
  text: string,
  direction: TransferGrant['direction']
): TransferGrant {
  const [payload = '', mac = ''] = text.split('.');
  const invalid = (cause?: unknown): CleanRoomError =>
    new CleanRoomError('forbidden', 'This is not a valid transfer address.', { cause });
  let grant: TransferGrant;
  try {
    if (!equalBytes(fromBase64Url(mac), secrets.macOfGrant(payload))) throw invalid();
    grant = checkSchema(TransferGrant, JSON.parse(fromUtf8(fromBase64Url(payload))), 'transfer grant');
  } catch (cause) {
    throw invalid(cause);
  }
  if (grant.direction !== direction) throw invalid();
  if (grant.expires * 1000 <= Date.now()) {
    throw new CleanRoomError('expired', 'The transfer address has expired.', {
      remedy: 'Ask for another address.'
    });
  }
  return grant;
}

/**
 * Returns an address at which a job can transfer one object.
 *
 * @throws CleanRoomError `not-found`, `too-large`
 */
export async function createTransfer(
  context: CoordinatorContext,
  trx: Transaction<CoordinatorTables>,
  job: Job,
  request: TransferRequest
): Promise<TransferAddress> {
  if (request.direction === 'download') await requireAsset(trx, job, request);
  else await requireUploadsLeft(context, trx, job, request);
  const expires = new Date((Math.floor(Date.now() / 1000) + TRANSFER_SECONDS) * 1000);
  const grant = encodeGrant(context.services.secrets, {
    ...request,
    attempt: job.attempt,
    expires: expires.getTime() / 1000
  });
  return {
    method: request.direction === 'download' ? 'GET' : 'PUT',
    url: `${context.services.supervisorBase()}/v1/transfers/${grant}`,
    headers: request.direction === 'download' ? {} : { 'content-type': 'application/octet-stream' },
    expires: toTimestamp(expires)
  };
}
