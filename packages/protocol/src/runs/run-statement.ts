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

export const RUN_STATEMENT_TYPE = 'urn:clean-room:run-statement:v1';
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';

/** The audience of the token that vouches for a run statement. */
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
    /** SHA-256 of the system call filter. */
    filter: DigestField
  }),
  assets: Type.Array(
    Closed({
      name: AssetName,
      version: DigestField,
      policy: DigestField,
      custodian: PublicKey,
      approval: DigestField,
      /** Digest of the custodian's signed key release. */
      keyRelease: DigestField
    }),
    { maxItems: 64 }
  ),
  /** The newest log head that a custodian named in its key release; the empty head without assets. */
  logHead: TreeHead,
  /** From a token fetched then, on the policies' grid; not the machine's clock. */
  startedAt: Timestamp,
  endedAt: Timestamp,
  failure: Type.Optional(RunFailure),
  cells: Type.Array(CellRecord, { maxItems: 100_000 }),
  outputs: Closed({
    /** The filtered notebook, sealed. */
    notebook: SealedObject,
    recipients: Type.Array(Recipient, { minItems: 1, maxItems: 17 }),
    /** Keys of the custodians whose output release is needed, in the order their layers come off. */
    reviewers: Type.Array(PublicKey, { maxItems: 64 }),
    /** What each reviewing custodian reads: the same notebook, and what is held for that custodian, sealed to it alone. */
    reviewCopies: Type.Optional(
      Type.Array(Closed({ custodian: PublicKey, object: SealedObject }), { minItems: 1, maxItems: 64 })
    )
  })
});

/** An in-toto statement of one attempt. No signature of its own: the token whose nonce holds its digest vouches for it. */
export const RunStatement = Closed({
  _type: Type.Literal(STATEMENT_TYPE),
  predicateType: Type.Literal(RUN_STATEMENT_TYPE),
  subject: Type.Array(Subject, { minItems: 1, maxItems: 100 }),
  predicate: Predicate
});
export type RunStatement = Static<typeof RunStatement>;
export type RunPredicate = Static<typeof Predicate>;

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

/** @throws CleanRoomError `malformed`, also when the subject is not the output that the predicate names */
export function readRunStatement(bytes: Uint8Array): ReadDocument<RunStatement> {
  const value = checkSchema(RunStatement, parseStrictJson(bytes), 'run statement');
  checkSchema(
    Type.Literal(value.predicate.outputs.notebook.digest),
    `sha256:${value.subject[0]?.digest.sha256 ?? ''}`,
    'subject of the run statement'
  );
  return { value, bytes, digest: digestOf(bytes) };
}

/** The nonce of the token that vouches for a run statement. */
export function runNonce(statement: Digest): string {
  return toBase64Url(labelledHash('clean-room:run:v1', hashFromDigest(statement)));
}
