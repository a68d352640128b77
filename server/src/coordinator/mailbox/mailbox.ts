import { digestOf, equalBytes, fromBase64, type Digest } from '@clean-room/protocol/bytes';
import { canonicalJson } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import {
  KeyReleaseAnswer,
  KeyRequest,
  type KeyRequestMessage,
  type MailboxReply
} from '@clean-room/protocol/key-release';
import { isFinal, RUN_TRANSITIONS } from '@clean-room/protocol/runs';
import type { KeyRequestWaiting } from '@clean-room/api/coordinator';
import type { CoordinatorContext } from '../context.js';
import type { Job } from '../jobs/find.js';
import { decisionsOf } from '../submissions/find.js';
import type { UnitOfWork } from '../state/unit-of-work.js';

/** Maximum number of key requests per attempt. A supervisor sends one per custodian, and one more after each restart. */
const MAX_REQUESTS = 256;
/** Maximum number of waiting requests that a custodian is given at once. */
const MAX_WAITING = 100;

/**
 * Saves a key request for a custodian that the job's spec names. The supervisor may send the request again with a fresh
 * attestation token until it is answered.
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
  const { custodian, spec, image } = request.value;
  if (spec !== job.revision.spec_digest || image !== job.revision.image_digest) {
    throw new CleanRoomError('forbidden', 'The key request is for another program than this job.');
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
  const text = JSON.stringify(message);
  await unit.trx
    .insertInto('key_request')
    .values({
      digest: request.digest,
      attempt: job.attempt,
      provider: decision.provider,
      custodian_key: custodian,
      message: text,
      created_at: unit.at
    })
    .onConflict(conflict =>
      conflict
        .column('digest')
        .doUpdateSet({ message: text })
        .where('key_request.attempt', '=', job.attempt)
        .where('key_request.reply', 'is', null)
    )
    .execute();
  unit.queueEvent([decision.provider], { topic: 'mailbox', request: request.digest, run: job.run.id });
  return request.digest;
}

/**
 * Returns the answer to a key request, or undefined when there is none after the waiting time.
 *
 * @param milliseconds - longest time to wait
 * @throws CleanRoomError `not-found` when the attempt has not sent this request
 */
export async function awaitReply(
  context: CoordinatorContext,
  attempt: string,
  request: Digest,
  milliseconds: number
): Promise<MailboxReply | undefined> {
  const end = Date.now() + milliseconds;
  for (;;) {
    const row = await context.db
      .selectFrom('key_request')
      .select('reply')
      .where('digest', '=', request)
      .where('attempt', '=', attempt)
      .executeTakeFirst();
    if (row === undefined) throw new CleanRoomError('not-found', 'This job has not sent this key request.');
    if (row.reply !== null) return row.reply;
    const left = end - Date.now();
    if (left <= 0) return undefined;
    await context.services.events.next(left);
  }
}

/** Returns the unanswered key requests for a provider, oldest first, without those of ended runs and attempts. */
export async function listKeyRequests(
  context: CoordinatorContext,
  provider: string
): Promise<KeyRequestWaiting[]> {
  const rows = await context.db
    .selectFrom('key_request')
    .innerJoin('attempt', 'attempt.id', 'key_request.attempt')
    .innerJoin('run', 'run.id', 'attempt.run')
    .select([
      'key_request.digest',
      'key_request.message',
      'key_request.created_at',
      'run.id as run',
      'run.submission',
      'run.state'
    ])
    .where('key_request.provider', '=', provider)
    .where('key_request.reply', 'is', null)
    .where('run.ended_at', 'is', null)
    .where('attempt.ended_at', 'is', null)
    .orderBy('key_request.created_at')
    .limit(MAX_WAITING)
    .execute();
  return rows.map(row => ({
    request: row.digest,
    run: row.run,
    submission: row.submission,
    message: row.message,
    createdAt: row.created_at.toISOString()
  }));
}

/**
 * Saves a custodian's answer to a key request. The first answer is final; sending it again changes nothing.
 *
 * @throws CleanRoomError `not-found`, `conflict` when there is another answer or the run has ended, `signature-invalid`,
 * `digest-mismatch` when the answer belongs to another request
 */
export async function answerKeyRequest(
  unit: UnitOfWork,
  provider: string,
  digest: Digest,
  reply: MailboxReply
): Promise<void> {
  const row = await unit.trx
    .selectFrom('key_request')
    .innerJoin('attempt', 'attempt.id', 'key_request.attempt')
    .innerJoin('run', 'run.id', 'attempt.run')
    .select([
      'key_request.custodian_key',
      'key_request.reply',
      'attempt.id as attempt',
      'run.id as run',
      'run.state'
    ])
    .where('key_request.digest', '=', digest)
    .where('key_request.provider', '=', provider)
    // The run is locked so that its next attempt takes this answer into account.
    .forUpdate(['key_request', 'run'])
    .executeTakeFirst();
  if (row === undefined)
    throw new CleanRoomError('not-found', 'There is no such key request for your party.');
  if (row.reply !== null) {
    if (equalBytes(canonicalJson(row.reply), canonicalJson(reply))) return;
    throw new CleanRoomError('conflict', 'This key request already has another answer, which stays valid.');
  }
  if (isFinal(RUN_TRANSITIONS, row.state)) {
    throw new CleanRoomError(
      'conflict',
      `The run has already ended (${row.state}), so no key was passed on.`
    );
  }
  if ('answer' in reply) {
    const answer = KeyReleaseAnswer.open(reply.answer, row.custodian_key);
    if (answer.value.request !== digest || answer.value.custodian !== row.custodian_key) {
      throw new CleanRoomError('digest-mismatch', 'The key release belongs to another key request.');
    }
    unit.appendLogEntry({
      subject: 'key-release',
      id: `${row.attempt}/${provider}`,
      state: 'released',
      evidence: answer.digest
    });
  } else {
    unit.appendLogEntry({ subject: 'key-release', id: `${row.attempt}/${provider}`, state: 'refused' });
  }
  await unit.trx
    .updateTable('key_request')
    .set({ reply: JSON.stringify(reply), replied_at: unit.at })
    .where('digest', '=', digest)
    .execute();
  unit.queueEvent([provider], { topic: 'mailbox', request: digest, run: row.run });
}
