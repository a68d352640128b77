import { Type, type Static } from 'typebox';
import { keyBytes } from '../documents/keys.js';
import { defineDocument, type ReadDocument } from '../documents/document.js';
import { Envelope } from '../documents/dsse.js';
import { Base64, Closed, Count, DigestField, Timestamp } from '../documents/fields.js';
import { AttemptKey, PublicKey } from '../documents/keys.js';
import { ApprovalBundle } from '../approvals/approval.js';
import { hashFromDigest, labelledHash } from '../bytes/digest.js';
import { toBase64Url } from '../bytes/encoding.js';
import { SandboxProfile } from '../policies/policy.js';
import { TreeHead } from '../log/log.js';

/** What a supervisor asks one custodian for. The token beside it binds these very bytes. */
export const KeyRequest = defineDocument(
  'key-request',
  1,
  Closed({
    format: Type.Literal('clean-room.key-request/v1'),
    custodian: PublicKey,
    image: DigestField,
    spec: DigestField,
    attemptKey: AttemptKey,
    sandboxProfile: SandboxProfile,
    /** Digest of the approval's signed bytes that the request rests on. */
    approval: DigestField,
    /**
     * The roster version and log head the supervisor was shown. Neither may be from before the approval, and the head must
     * be a beginning of the log that the custodian knows: other runs make that longer all the time.
     */
    rosterVersion: Count,
    logHead: TreeHead
  })
);
export type KeyRequest = Static<typeof KeyRequest.schema>;

/** A request as it lies in the mailbox. */
export const KeyRequestMessage = Closed({
  /** The request's bytes. */
  request: Base64,
  token: Type.String({ minLength: 1, maxLength: 32_768 }),
  /** Everything the custodian needs that is not its own. */
  spec: Base64,
  approval: ApprovalBundle,
  collaboration: Envelope
});
export type KeyRequestMessage = Static<typeof KeyRequestMessage>;

/** The HPKE parameters: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM (RFC 9180). */
export const HpkeCiphertext = Closed({ encapsulated: Base64, ciphertext: Base64 });
export type HpkeCiphertext = Static<typeof HpkeCiphertext>;

/** The custodian's signed answer: the file key of each asset version, open to the attempt key alone. */
export const KeyReleaseAnswer = defineDocument(
  'key-release',
  1,
  Closed({
    format: Type.Literal('clean-room.key-release/v1'),
    custodian: PublicKey,
    /** Digest of the request's bytes. */
    request: DigestField,
    attemptKey: AttemptKey,
    /** Which of the approval's attempts this is, from 1. */
    attempt: Type.Integer({ minimum: 1, maximum: 1000 }),
    assets: Type.Array(Closed({ version: DigestField, fileKey: HpkeCiphertext }), {
      minItems: 1,
      maxItems: 64
    }),
    rosterVersion: Count,
    logHead: TreeHead,
    releasedAt: Timestamp
  })
);
export type KeyReleaseAnswer = Static<typeof KeyReleaseAnswer.schema>;

/**
 * What the mailbox gives for a request's digest once there is something: the signed {@link KeyReleaseAnswer}, or the
 * custodian's refusal as one of the closed error codes. A refusal is not signed: a hostile mailbox can stop a run anyway.
 */
export const MailboxReply = Type.Union([
  Closed({ answer: Envelope }),
  Closed({ refused: Type.String({ pattern: '^[a-z-]{1,40}$' }) })
]);
export type MailboxReply = Static<typeof MailboxReply>;

/** A token older than this is no proof that the attempt lives. */
export const KEY_REQUEST_TOKEN_SECONDS = 300;

/** The audience of a key request's token: one custodian and no other. */
export function keyRequestAudience(custodian: PublicKey): string {
  return `clean-room:custodian:v1:${custodian}`;
}

/** The nonce of a key request's token: H(label, custodian key, spec digest, attempt key, request). */
export function keyRequestNonce(request: ReadDocument<KeyRequest>): string {
  const { custodian, spec, attemptKey } = request.value;
  return toBase64Url(
    labelledHash(
      'clean-room:key-request:v1',
      keyBytes(custodian),
      hashFromDigest(spec),
      keyBytes(attemptKey),
      request.bytes
    )
  );
}
