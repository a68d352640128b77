import { checkSchema, Envelope, parseStrictJson, toTimestamp } from '@clean-room/protocol/documents';
import { digestOf, fromBase64, utf8 } from '@clean-room/protocol/bytes';
import { KeyReleaseAnswer, sealFileKey, type KeyRequestMessage } from '@clean-room/protocol/key-release';
import type { CustodianContext } from '../context.js';
import { signDocument } from '../keys/key-store.js';
import { countAttempt } from './attempts.js';
import { readEvidence, type RequestEvidence } from './evidence.js';
import { requireAcceptedAttempt } from './verify-attempt.js';

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
  if (row === undefined) return undefined;
  return checkSchema(Envelope, parseStrictJson(utf8(row.envelope)), 'stored key release');
}

/** Seals the file keys of the approved asset versions to the attempt's key, and signs the answer. */
async function signAnswer(
  context: CustodianContext,
  evidence: RequestEvidence,
  attempt: number
): Promise<Envelope> {
  const { keys, rosters, config } = context;
  const { request, assets } = evidence;
  const sealed = await Promise.all(
    assets.map(async asset => {
      const fileKey = await keys.fileKeyOf(await asset.header());
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

/**
 * Answers a key request: verifies everything, counts the attempt, and then releases the file keys of the approved asset
 * versions, sealed to the attempt's own key.
 *
 * @throws CleanRoomError with the reason. Nothing is then released, and nothing is counted unless the code is `internal`.
 */
export async function releaseKeys(context: CustodianContext, message: KeyRequestMessage): Promise<Envelope> {
  const stored = await storedAnswer(context, digestOf(fromBase64(message.request)));
  if (stored !== undefined) return stored;
  const evidence = await readEvidence(context, message);
  await context.log.requireShown(evidence.request.value.logHead, evidence.record.tree_size);
  await requireAcceptedAttempt(context, evidence);
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
