import { toTimestamp, type Envelope } from '@clean-room/protocol/documents';
import { checkSchema, parseStrictJson, Envelope as EnvelopeSchema } from '@clean-room/protocol/documents';
import { digestOf, fromBase64, utf8 } from '@clean-room/protocol/bytes';
import { KeyReleaseAnswer, sealFileKey, type KeyRequestMessage } from '@clean-room/protocol/key-release';
import type { CustodianContext } from '../context.js';
import { signDocument } from '../keys/key-store.js';
import { countAttempt } from './attempts.js';
import { readEvidence, type RequestEvidence } from './evidence.js';
import { requireTrustworthyAttempt } from './verify-attempt.js';

/** The answer that was already given to these very bytes. It opens to the attempt that asked, and to nobody else. */
async function storedAnswer({ db }: CustodianContext, request: string): Promise<Envelope | undefined> {
  const row = await db
    .selectFrom('answer')
    .select('answer')
    .where('request', '=', request)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return checkSchema(EnvelopeSchema, parseStrictJson(utf8(row.answer)), 'kept answer');
}

async function writeAnswer(
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
 * Answers a key request: checks everything, counts the attempt, then releases the file keys of the approved asset versions to
 * the attempt's own key.
 * @throws CleanRoomError with the reason; nothing is released and nothing counted then, unless it says `internal`
 */
export async function releaseKeys(context: CustodianContext, message: KeyRequestMessage): Promise<Envelope> {
  const stored = await storedAnswer(context, digestOf(fromBase64(message.request)));
  if (stored !== undefined) return stored;
  const evidence = await readEvidence(context, message);
  await context.log.requireShown(evidence.request.value.logHead, evidence.record.log_size);
  await requireTrustworthyAttempt(context, evidence);
  const { request, record } = evidence;
  const attempt = await countAttempt(context.db, record, request.value.attemptKey, context.now());
  const answer = await writeAnswer(context, evidence, attempt);
  await context.db
    .insertInto('answer')
    .values({
      request: request.digest,
      approval: record.digest,
      answer: JSON.stringify(answer),
      at: context.now()
    })
    .onConflict(conflict => conflict.column('request').doNothing())
    .execute();
  context.logger.info({ approval: record.digest, attempt, request: request.digest }, 'keys released');
  return (await storedAnswer(context, request.digest)) ?? answer;
}
