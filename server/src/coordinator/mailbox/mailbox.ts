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

/** A run asks each custodian once; a supervisor that starts over asks again. More than this is no supervisor of ours. */
const MOST_REQUESTS = 256;
const MOST_WAITING = 100;

/**
 * Leaves a key request for a custodian of the job's spec. Asking again brings a fresh token, until there is an answer.
 * @throws CleanRoomError `malformed`, `forbidden` when it is for another spec or a custodian that the spec does not name
 */
export async function leaveRequest(unit: UnitOfWork, job: Job, message: KeyRequestMessage): Promise<Digest> {
  const request = KeyRequest.read(fromBase64(message.request));
  const { custodian, spec, image } = request.value;
  if (spec !== job.revision.spec_digest || image !== job.revision.image_digest) {
    throw new CleanRoomError('forbidden', 'The key request is for another program than this job’s.');
  }
  if (digestOf(fromBase64(message.spec)) !== job.revision.spec_digest) {
    throw new CleanRoomError('digest-mismatch', 'The spec that came along is not this job’s.');
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
  if (count >= MOST_REQUESTS)
    throw new CleanRoomError('rate-limited', 'This job has asked for too many keys.');
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

/** Looks for the answer, and waits a little for one: @param milliseconds at most */
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
    if (row === undefined) throw new CleanRoomError('not-found', 'This job has left no such request.');
    if (row.reply !== null) return row.reply;
    const left = end - Date.now();
    if (left <= 0) return undefined;
    await context.services.events.next(left);
  }
}

/** Oldest first; those of runs that are over are gone. */
export async function requestsFor(context: CoordinatorContext, party: string): Promise<KeyRequestWaiting[]> {
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
    .where('key_request.provider', '=', party)
    .where('key_request.reply', 'is', null)
    .where('run.ended_at', 'is', null)
    .orderBy('key_request.created_at')
    .limit(MOST_WAITING)
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
 * Takes in a custodian's answer to a request. The first one stands.
 * @throws CleanRoomError `not-found`, `conflict` when another answer was given or the run is over, `signature-invalid`
 */
export async function answerRequest(
  unit: UnitOfWork,
  party: string,
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
    .where('key_request.provider', '=', party)
    .forUpdate('key_request')
    .executeTakeFirst();
  if (row === undefined) throw new CleanRoomError('not-found', 'There is no such key request for you.');
  if (row.reply !== null) {
    if (equalBytes(canonicalJson(row.reply), canonicalJson(reply))) return;
    throw new CleanRoomError('conflict', 'This key request has its answer already.');
  }
  if (isFinal(RUN_TRANSITIONS, row.state)) throw new CleanRoomError('conflict', `The run is ${row.state}.`);
  if ('answer' in reply) {
    const answer = KeyReleaseAnswer.open(reply.answer, row.custodian_key);
    if (answer.value.request !== digest || answer.value.custodian !== row.custodian_key) {
      throw new CleanRoomError('digest-mismatch', 'The key release answers another request.');
    }
    unit.appendLogEntry({
      subject: 'key-release',
      id: `${row.attempt}/${party}`,
      state: 'released',
      evidence: answer.digest
    });
  } else {
    unit.appendLogEntry({ subject: 'key-release', id: `${row.attempt}/${party}`, state: 'refused' });
  }
  await unit.trx
    .updateTable('key_request')
    .set({ reply: JSON.stringify(reply), replied_at: unit.at })
    .where('digest', '=', digest)
    .execute();
  unit.queueEvent([party], { topic: 'mailbox', request: digest, run: row.run });
}
