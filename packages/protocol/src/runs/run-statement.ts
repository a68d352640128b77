import { Type, type Static } from 'typebox';
import { hashFromDigest, labelledHash, digestOf, type Digest } from '../bytes/digest.js';
import { toBase64Url } from '../bytes/encoding.js';
import { canonicalJson } from '../documents/canonical.js';
import { checkSchema, type ReadDocument } from '../documents/document.js';
import { AssetName, Closed, DigestField, Timestamp } from '../documents/fields.js';
import { parseStrictJson } from '../documents/json.js';
import { AttemptKey, PublicKey, Recipient } from '../documents/keys.js';
import { TreeHead } from '../log/log.js';
import { SandboxProfile } from '../policies/policy.js';
import { CellRecord, RunFailure, SealedObject } from './verdict.js';

const RUN_STATEMENT_TYPE = 'urn:clean-room:run-statement:v1';
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';

/** The audience of the attestation token for a run statement. */
export const RUN_AUDIENCE = 'clean-room:run:v1';

const Subject = Closed({
  name: Type.String({ minLength: 1, maxLength: 100 }),
  digest: Closed({ sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) })
});

const Predicate = Closed({
  spec: DigestField,
  image: DigestField,
  kernelImage: DigestField,
  collaboration: DigestField,
  attemptKey: AttemptKey,
  sandbox: Closed({
    profile: SandboxProfile,
    /** The SHA-256 of the system call filter. */
    filter: DigestField
  }),
  assets: Type.Array(
    Closed({
      name: AssetName,
      version: DigestField,
      policy: DigestField,
      custodian: PublicKey,
      approval: DigestField,
      /** The digest of the custodian's signed key release. */
      keyRelease: DigestField
    }),
    { maxItems: 64 }
  ),
  /** The newest tree head that a custodian named in its key release; the head of the empty tree if the run uses no assets. */
  logHead: TreeHead,
  /**
   * The time of an attestation token that the supervisor requested at the start, rounded to the grid of the policies. The
   * machine's own clock is not used, because the operator can set it.
   */
  startedAt: Timestamp,
  endedAt: Timestamp,
  failure: Type.Optional(RunFailure),
  cells: Type.Array(CellRecord, { maxItems: 100_000 }),
  outputs: Closed({
    /** The filtered and sealed notebook. */
    notebook: SealedObject,
    recipients: Type.Array(Recipient, { minItems: 1, maxItems: 17 }),
    /** The keys of the custodians whose output release is needed, in the order in which their layers are removed. */
    reviewers: Type.Array(PublicKey, { maxItems: 64 }),
    /** A copy for each reviewing custodian, sealed only to it: the same notebook, and the outputs that are held for its review. */
    reviewCopies: Type.Optional(
      Type.Array(Closed({ custodian: PublicKey, object: SealedObject }), { minItems: 1, maxItems: 64 })
    )
  })
});

/**
 * An in-toto statement about one attempt of a run. It has no signature: the attestation token proves its origin, because one of
 * the token's nonces is derived from the statement's digest (see {@link runNonce}).
 */
export const RunStatement = Closed({
  _type: Type.Literal(STATEMENT_TYPE),
  predicateType: Type.Literal(RUN_STATEMENT_TYPE),
  subject: Type.Array(Subject, { minItems: 1, maxItems: 100 }),
  predicate: Predicate
});
export type RunStatement = Static<typeof RunStatement>;
/** The predicate of a {@link RunStatement}: what ran, on which data, and which outputs it gave. */
export type RunPredicate = Static<typeof Predicate>;

/**
 * Returns a run statement with a predicate, and its canonical bytes.
 *
 * @throws CleanRoomError `malformed` when the predicate does not match the schema
 */
export function encodeRunStatement(predicate: RunPredicate): ReadDocument<RunStatement> {
  const { notebook } = predicate.outputs;
  const value: RunStatement = {
    _type: STATEMENT_TYPE,
    predicateType: RUN_STATEMENT_TYPE,
    subject: [{ name: notebook.name, digest: { sha256: notebook.digest.slice('sha256:'.length) } }],
    predicate
  };
  const bytes = canonicalJson(checkSchema(RunStatement, value, 'run statement'));
  return { value, bytes, digest: digestOf(bytes) };
}

/**
 * Reads a run statement from its bytes. This proves nothing about its origin.
 *
 * @throws CleanRoomError `malformed`, for example when the subject is not the output that the predicate names
 */
export function readRunStatement(bytes: Uint8Array): ReadDocument<RunStatement> {
  const value = checkSchema(RunStatement, parseStrictJson(bytes), 'run statement');
  checkSchema(
    Type.Literal(value.predicate.outputs.notebook.digest),
    `sha256:${value.subject[0]?.digest.sha256 ?? ''}`,
    'subject of the run statement'
  );
  return { value, bytes, digest: digestOf(bytes) };
}

/**
 * Returns the nonce that the attestation token for a run statement must contain.
 *
 * @param statement - the digest of the run statement
 * @returns 32 bytes as base64url: the hash of the statement's digest, with a label
 *
 * @example
 * ```ts
 * import { digestOf, utf8 } from '@clean-room/protocol/bytes';
 * import { runNonce } from '@clean-room/protocol/runs';
 *
 * console.log(runNonce(digestOf(utf8('{}'))).length); // 43
 * ```
 */
export function runNonce(statement: Digest): string {
  return toBase64Url(labelledHash('clean-room:run:v1', hashFromDigest(statement)));
}
