import { equalBytes, fromBase64, type Digest } from '@clean-room/protocol/bytes';
import { canonicalJson, type Envelope } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import {
  KeyReleaseAnswer,
  KeyRequest,
  verifyReady,
  type KeyRequestMessage,
  type MailboxReply
} from '@clean-room/protocol/key-release';
import { isFinal, RUN_TRANSITIONS, type RunState } from '@clean-room/protocol/runs';
import type { KeyRequestWaiting } from '@clean-room/api/coordinator';
import type { CoordinatorContext } from '../context.js';
import type { UnitOfWork } from '../state/unit-of-work.js';
import { advanceMailbox } from './version.js';

/** Maximum number of tokens that a custodian may ask of one attempt, so that it cannot use up the quota of the region. */
const MAX_TOKENS = 100;
/** Maximum number of waiting requests that a custodian is given at once. */
const MAX_WAITING = 100;

/** Returns the newest statements of custodians that they are ready, by attempt. */
async function readyStatements(
  { db }: CoordinatorContext,
  attempts: readonly string[]
): Promise<Map<string, Envelope[]>> {
  const found = new Map<string, Envelope[]>();
  if (attempts.length === 0) return found;
  const rows = await db
    .selectFrom('key_request')
    .select(['attempt', 'ready'])
    .where('attempt', 'in', attempts)
    .where('ready', 'is not', null)
    .execute();
  for (const { attempt, ready } of rows) {
    if (ready !== null) found.set(attempt, [...(found.get(attempt) ?? []), ready]);
  }
  return found;
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
      'key_request.attempt',
      'key_request.message',
      'key_request.tokens_wanted',
      'key_request.token',
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
  const ready = await readyStatements(context, [...new Set(rows.map(row => row.attempt))]);
  return rows.map(row => ({
    request: row.digest,
    run: row.run,
    submission: row.submission,
    message: row.message,
    tokensWanted: row.tokens_wanted,
    ...(row.token === null ? {} : { token: row.token }),
    ready: ready.get(row.attempt) ?? [],
    createdAt: row.created_at.toISOString()
  }));
}

/** A key request with its attempt and run, locked until the transaction ends. */
interface LockedRequest {
  readonly custodian_key: string;
  readonly message: KeyRequestMessage;
  readonly tokens_wanted: number;
  readonly reply: MailboxReply | null;
  readonly attempt: string;
  readonly run: string;
  readonly state: RunState;
}

async function lockRequest(unit: UnitOfWork, provider: string, digest: Digest): Promise<LockedRequest> {
  const row = await unit.trx
    .selectFrom('key_request')
    .innerJoin('attempt', 'attempt.id', 'key_request.attempt')
    .innerJoin('run', 'run.id', 'attempt.run')
    .select([
      'key_request.custodian_key',
      'key_request.message',
      'key_request.tokens_wanted',
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
  return row;
}

/** Throws when a key request is already answered, or its run has ended. */
function requireUnanswered({ reply, state }: LockedRequest): void {
  if (reply !== null) throw new CleanRoomError('conflict', 'This key request is already answered.');
  if (isFinal(RUN_TRANSITIONS, state)) {
    throw new CleanRoomError('conflict', `The run has already ended (${state}).`);
  }
}

/**
 * Asks the supervisor of a key request for a fresh token. Asking again with the same number changes nothing.
 *
 * @param tokensWanted - how often this custodian has asked for a token, with this time
 * @throws CleanRoomError `not-found`, `conflict` when the request is answered or its run has ended, `rate-limited`
 */
export async function askForToken(
  unit: UnitOfWork,
  provider: string,
  digest: Digest,
  tokensWanted: number
): Promise<void> {
  const row = await lockRequest(unit, provider, digest);
  requireUnanswered(row);
  if (tokensWanted <= row.tokens_wanted) return;
  if (tokensWanted > Math.min(row.tokens_wanted + 1, MAX_TOKENS)) {
    throw new CleanRoomError('rate-limited', 'This custodian asks for too many tokens of one attempt.');
  }
  await unit.trx
    .updateTable('key_request')
    .set({ tokens_wanted: tokensWanted, token: null })
    .where('digest', '=', digest)
    .execute();
  await advanceMailbox(unit, row.attempt);
}

/**
 * Saves a custodian's statement that it is ready to release keys, and informs the other custodians of the attempt.
 *
 * @throws CleanRoomError `not-found`, `conflict`, `signature-invalid`, `digest-mismatch`, `expired`
 */
export async function saveReady(
  unit: UnitOfWork,
  provider: string,
  digest: Digest,
  ready: Envelope
): Promise<void> {
  const row = await lockRequest(unit, provider, digest);
  requireUnanswered(row);
  const { spec, attemptKey } = KeyRequest.read(fromBase64(row.message.request)).value;
  verifyReady(ready, row.custodian_key, { spec, attemptKey, at: unit.at });
  await unit.trx
    .updateTable('key_request')
    .set({ ready: JSON.stringify(ready) })
    .where('digest', '=', digest)
    .execute();
  const others = await unit.trx
    .selectFrom('key_request')
    .select(['provider', 'digest'])
    .where('attempt', '=', row.attempt)
    .where('reply', 'is', null)
    .execute();
  for (const other of others) {
    unit.queueEvent([other.provider], { topic: 'mailbox', request: other.digest, run: row.run });
  }
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
  const row = await lockRequest(unit, provider, digest);
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
  await advanceMailbox(unit, row.attempt);
  unit.queueEvent([provider], { topic: 'mailbox', request: digest, run: row.run });
}
