import type { KeyRequestWaiting } from '@clean-room/api/coordinator';
import { toTimestamp, type Envelope } from '@clean-room/protocol/documents';
import { KeyReleaseAnswer, sealFileKey } from '@clean-room/protocol/key-release';
import type { CustodianContext } from '../context.js';
import { readAgeHeader } from '../datasets/age-header.js';
import { signDocument } from '../keys/key-store.js';
import { countAttempt, requireAttemptsLeft } from './attempts.js';
import { readEvidence, type RequestEvidence } from './evidence.js';
import { declareReady, readyCustodians, storedEnvelope, storedReady } from './ready.js';
import { requireAllowedAttempt, verifyAttemptToken } from './verify-attempt.js';

/**
 * Returns the answer that was already given to a request with these exact bytes. Only the attempt that sent the request can
 * open it, so it is safe to send again.
 */
async function storedAnswer({ db }: CustodianContext, request: string): Promise<Envelope | undefined> {
  const row = await db
    .selectFrom('key_release')
    .select('envelope')
    .where('request_digest', '=', request)
    .executeTakeFirst();
  return row === undefined ? undefined : storedEnvelope(row.envelope);
}

/** Seals the file keys of the approved asset versions to the attempt's key, and signs the answer. */
async function signAnswer(
  context: CustodianContext,
  evidence: RequestEvidence,
  attempt: number
): Promise<Envelope> {
  const { keys, rosters, config, objects } = context;
  const { request, assets } = evidence;
  const sealed = await Promise.all(
    assets.map(async asset => {
      const { stream } = await objects.get(asset.version.value.sealed.digest);
      const fileKey = await keys.fileKeyOf(await readAgeHeader(stream));
      const version = asset.version.digest;
      return {
        version,
        fileKey: await sealFileKey(fileKey, request.value.attemptKey, request.digest, version)
      };
    })
  );
  const roster = await rosters.newest(config.party, config.rootKey);
  const { envelope } = await signDocument(keys, KeyReleaseAnswer, {
    format: 'clean-room.key-release/v1',
    custodian: keys.publicKey,
    request: request.digest,
    attemptKey: request.value.attemptKey,
    attempt,
    assets: sealed,
    rosterVersion: roster?.roster.version ?? 0,
    logHead: await context.log.head(),
    releasedAt: toTimestamp(context.now())
  });
  return envelope;
}

/** Counts the attempt, and then releases the keys. A crash between the two uses up the attempt, but releases nothing twice. */
async function release(context: CustodianContext, evidence: RequestEvidence): Promise<Envelope> {
  const { request, record } = evidence;
  const attempt = await countAttempt(context.db, record, request.value.attemptKey, context.now());
  const answer = await signAnswer(context, evidence, attempt);
  await context.db
    .insertInto('key_release')
    .values({
      request_digest: request.digest,
      approval_digest: record.digest,
      envelope: JSON.stringify(answer),
      released_at: context.now()
    })
    .onConflict(conflict => conflict.column('request_digest').doNothing())
    .execute();
  context.logger.info({ approval: record.digest, attempt, request: request.digest }, 'keys released');
  return (await storedAnswer(context, request.digest)) ?? answer;
}

/** A custodian's next step about a key request. */
export type KeyReleaseStep =
  /** Send this answer, which releases the keys. */
  | { readonly answer: Envelope }
  /** Send this statement, and then look again. */
  | { readonly ready: Envelope }
  /** Ask for a token, for the n-th time. */
  | { readonly tokensWanted: number }
  /** Wait for the token or for another custodian. */
  | { readonly wait: true };

/**
 * Decides about a key request. The token is asked for first. When it is verified, this custodian declares itself ready, and when
 * every custodian of the spec is ready, it counts the attempt and releases its keys. While another custodian is missing, nothing
 * is counted, and no further token is taken.
 *
 * @throws CleanRoomError with the reason of a refusal. Nothing is then released, and nothing is counted unless the code is `internal`.
 */
export async function nextStep(
  context: CustodianContext,
  waiting: Pick<KeyRequestWaiting, 'message' | 'token' | 'tokensWanted' | 'ready'>
): Promise<KeyReleaseStep> {
  const evidence = await readEvidence(context, waiting.message);
  const stored = await storedAnswer(context, evidence.request.digest);
  if (stored !== undefined) return { answer: stored };
  await context.log.requireShown(evidence.request.value.logHead, evidence.record.tree_size);
  requireAllowedAttempt(context, evidence);
  await requireAttemptsLeft(context.db, evidence.record, evidence.request.value.attemptKey);
  const own = await storedReady(context, evidence);
  const others = readyCustodians(context, evidence, waiting.ready);
  if (own?.isValid === true) {
    // The coordinator did not receive it, because one of the two was interrupted.
    if (!others.isOwnShown) return { ready: own.envelope };
    return others.missing === 0 ? { answer: await release(context, evidence) } : { wait: true };
  }
  if (
    waiting.token !== undefined &&
    (await verifyAttemptToken(context, evidence, waiting.token)) === 'fresh'
  ) {
    return { ready: await declareReady(context, evidence) };
  }
  const isWanted = waiting.token !== undefined || waiting.tokensWanted === 0;
  const isUseful = own === undefined || others.ready > 0 || others.missing === 0;
  return isWanted && isUseful ? { tokensWanted: waiting.tokensWanted + 1 } : { wait: true };
}
