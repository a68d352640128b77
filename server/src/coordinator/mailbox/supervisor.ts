import { digestOf, fromBase64, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { KeyRequest, type KeyRequestMessage, type Mailbox } from '@clean-room/protocol/key-release';
import type { CoordinatorContext } from '../context.js';
import type { Job } from '../jobs/find.js';
import { decisionsOf } from '../submissions/find.js';
import type { UnitOfWork } from '../state/unit-of-work.js';
import { advanceMailbox } from './version.js';

/** Maximum number of key requests per attempt. A supervisor sends one per custodian. */
const MAX_REQUESTS = 64;

/**
 * Saves a key request for a custodian that the job's spec names. Sending it again changes
 * nothing.
 *
 * @returns the digest of the request
 * @throws CleanRoomError `malformed`, `forbidden` when the request is for another spec, image or custodian, `rate-limited`
 */
export async function saveKeyRequest(
  unit: UnitOfWork,
  job: Job,
  message: KeyRequestMessage
): Promise<Digest> {
  const request = KeyRequest.read(fromBase64(message.request));
  const { custodian, spec, image, attemptKey } = request.value;
  if (
    spec !== job.revision.spec_digest ||
    image !== job.revision.image_digest ||
    attemptKey !== job.attemptKey
  ) {
    throw new CleanRoomError('forbidden', 'The key request is for another program or attempt than this job.');
  }
  if (digestOf(fromBase64(message.spec)) !== job.revision.spec_digest) {
    throw new CleanRoomError('digest-mismatch', 'The spec in the key request is not the spec of this job.');
  }
  const decision = (await decisionsOf(unit.trx, job.revision)).find(row => row.custodian_key === custodian);
  if (decision === undefined) {
    throw new CleanRoomError('forbidden', 'The spec does not name this custodian.');
  }
  const { count } = await unit.trx
    .selectFrom('key_request')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('attempt', '=', job.attempt)
    .executeTakeFirstOrThrow();
  if (count >= MAX_REQUESTS) {
    throw new CleanRoomError('rate-limited', 'This job has sent too many key requests.');
  }
  await unit.trx
    .insertInto('key_request')
    .values({
      digest: request.digest,
      attempt: job.attempt,
      provider: decision.provider,
      custodian_key: custodian,
      message: JSON.stringify(message),
      created_at: unit.at
    })
    .onConflict(conflict => conflict.doNothing())
    .execute();
  await advanceMailbox(unit, job.attempt);
  unit.queueEvent([decision.provider], { topic: 'mailbox', request: request.digest, run: job.run.id });
  return request.digest;
}

/**
 * Saves the token that a custodian asked for.
 *
 * @throws CleanRoomError `not-found` when the attempt has not sent this request, or it is answered
 */
export async function saveKeyRequestToken(
  unit: UnitOfWork,
  job: Job,
  request: Digest,
  token: string
): Promise<void> {
  const row = await unit.trx
    .updateTable('key_request')
    .set({ token })
    .where('digest', '=', request)
    .where('attempt', '=', job.attempt)
    .where('reply', 'is', null)
    .returning('provider')
    .executeTakeFirst();
  if (row === undefined)
    throw new CleanRoomError('not-found', 'This job has no such key request that is unanswered.');
  unit.queueEvent([row.provider], { topic: 'mailbox', request, run: job.run.id });
}

async function readMailbox({ db }: CoordinatorContext, attempt: string): Promise<Mailbox> {
  // The version is read first: a change in between is then seen again, and never missed.
  const { mailbox_version: version } = await db
    .selectFrom('attempt')
    .select('mailbox_version')
    .where('id', '=', attempt)
    .executeTakeFirstOrThrow();
  const rows = await db
    .selectFrom('key_request')
    .select(['digest', 'tokens_wanted', 'reply'])
    .where('attempt', '=', attempt)
    .orderBy('digest')
    .execute();
  return {
    version,
    requests: rows.map(row => ({
      request: row.digest,
      tokensWanted: row.tokens_wanted,
      ...(row.reply === null ? {} : { reply: row.reply })
    }))
  };
}

/**
 * Returns the mailbox of an attempt, as soon as it has a newer version than `after` or the waiting time has passed.
 *
 * @param milliseconds - longest time to wait
 */
export async function awaitMailbox(
  context: CoordinatorContext,
  attempt: string,
  after: number,
  milliseconds: number
): Promise<Mailbox> {
  const end = Date.now() + milliseconds;
  for (;;) {
    const mailbox = await readMailbox(context, attempt);
    const left = end - Date.now();
    if (mailbox.version > after || left <= 0) return mailbox;
    await context.services.events.next(left);
  }
}
