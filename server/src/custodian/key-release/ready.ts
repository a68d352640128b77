import { utf8 } from '@clean-room/protocol/bytes';
import { checkSchema, Envelope, parseStrictJson, toTimestamp } from '@clean-room/protocol/documents';
import { KeyReleaseReady, READY_SECONDS, verifyReady } from '@clean-room/protocol/key-release';
import type { CustodianContext } from '../context.js';
import { signDocument } from '../keys/key-store.js';
import type { RequestEvidence } from './evidence.js';

/** Reads an envelope that this custodian has stored as JSON text. */
export function storedEnvelope(text: string): Envelope {
  return checkSchema(Envelope, parseStrictJson(utf8(text)), 'stored envelope');
}

/** Returns this custodian's newest statement that it is ready for a request, and whether it is still valid. */
export async function storedReady(
  context: CustodianContext,
  { request }: RequestEvidence
): Promise<{ readonly envelope: Envelope; readonly isValid: boolean } | undefined> {
  const row = await context.db
    .selectFrom('ready')
    .select(['envelope', 'expires_at'])
    .where('request_digest', '=', request.digest)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return { envelope: storedEnvelope(row.envelope), isValid: row.expires_at > context.now() };
}

/** Signs and stores the statement that this custodian is ready for an attempt, whose token was just verified. */
export async function declareReady(context: CustodianContext, evidence: RequestEvidence): Promise<Envelope> {
  const { keys, db } = context;
  const { request, record } = evidence;
  const expires = new Date(Math.floor(context.now().getTime() / 1000 + READY_SECONDS) * 1000);
  const { envelope } = await signDocument(keys, KeyReleaseReady, {
    format: 'clean-room.key-release-ready/v1',
    custodian: keys.publicKey,
    spec: request.value.spec,
    attemptKey: request.value.attemptKey,
    approval: request.value.approval,
    expires: toTimestamp(expires)
  });
  const text = JSON.stringify(envelope);
  await db
    .insertInto('ready')
    .values({
      request_digest: request.digest,
      approval_digest: record.digest,
      envelope: text,
      expires_at: expires
    })
    .onConflict(conflict =>
      conflict.column('request_digest').doUpdateSet({ envelope: text, expires_at: expires })
    )
    .execute();
  return envelope;
}

/** The custodians that are ready for an attempt, according to its mailbox. */
interface ReadyCustodians {
  /** Number of other custodians of the spec that are ready. */
  readonly ready: number;
  /** Number of other custodians of the spec that are not. */
  readonly missing: number;
  /** Whether the mailbox shows this custodian's own valid statement. */
  readonly isOwnShown: boolean;
}

/**
 * Counts the custodians of a spec that are ready for the attempt. The mailbox is not trusted, so only statements that a custodian
 * of the spec signed for this attempt count.
 */
export function readyCustodians(
  context: CustodianContext,
  { request, spec }: RequestEvidence,
  statements: readonly Envelope[]
): ReadyCustodians {
  const { attemptKey } = request.value;
  const own = context.keys.publicKey;
  const others = new Set(spec.value.assets.map(({ custodian }) => custodian));
  others.delete(own);
  const isReady = (custodian: string): boolean =>
    statements.some(statement => {
      try {
        verifyReady(statement, custodian, { spec: spec.digest, attemptKey, at: context.now() });
        return true;
      } catch {
        return false;
      }
    });
  const ready = [...others].filter(isReady).length;
  return { ready, missing: others.size - ready, isOwnShown: isReady(own) };
}
